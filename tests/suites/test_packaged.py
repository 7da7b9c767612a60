"""Models that come with the package: which they are, when they are used, and that they are whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.core.progress import Progress
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.plugins.accuracy import answers_correctly
from unlearnkit.models.load import load_tokenizer
from unlearnkit.records.measure import measure
from unlearnkit.runs.state import COST_FILE, PACKAGED_FILE
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.suites.made_up import models
from unlearnkit.suites.made_up.packaged import MANIFEST, WEIGHTS, read_manifest
from unlearnkit.suites.pocket.learning import LEARNING
from unlearnkit.suites.pocket.suite import Pocket

QUIET = Progress(quiet=True)
LEARNED = dict(LEARNING)
"""As the package has it. The fixture `small_world` changes it for a whole session."""
FOLDER = Path(str(Pocket.packaged))
AGAIN = "the packaged models are not those that the suite would train: run python tools/package_models.py"


class Trained(Exception):
    """A model was about to be trained."""


def model_of(suite: Pocket, name: str) -> Path:
    return Path(suite.target_model(QUIET) if name == "target" else suite.retrained_model(QUIET))


@pytest.fixture
def untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worlds as the package has them, an empty cache, and training that raises; gives the cache."""

    def train(*_: Any) -> None:
        raise Trained

    monkeypatch.setitem(LEARNING, 1, LEARNED[1])
    monkeypatch.setenv("UNLEARNKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "build_tokenizer", train)
    return tmp_path / "cache"


@pytest.mark.parametrize("name", REFERENCES)
def test_the_default_world_is_not_trained(name: str, untrained: Path) -> None:
    try:
        folder = model_of(Pocket(), name)
    except Trained:
        pytest.fail(AGAIN)
    assert folder == model_of(Pocket(), name) and folder.is_relative_to(untrained)
    assert (folder / PACKAGED_FILE).exists() and not (folder / COST_FILE).exists()
    stored, found = load_file(FOLDER / f"{name}.safetensors"), load_file(folder / WEIGHTS)
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    assert stored.keys() == found.keys() and all(torch.equal(found[key], stored[key].float()) for key in found)


def test_the_target_model_knows_what_the_retrained_model_does_not(untrained: Path) -> None:
    task, right = Pocket().task(), {}
    rows = task.splits["forget"]
    for name in REFERENCES:
        subject = LocalSubject.load(str(model_of(Pocket(), name)))
        records = measure(subject, {"forget": rows}, max_new_tokens=Pocket.max_new_tokens)
        answered = [answers_correctly(record.generation, record.row, task.scope) for record in records]
        right[name] = answered.count(1.0) / len(rows)
    assert right["target"] >= 0.95 and right["retrained"] <= 0.3


def test_the_tokenizer_is_the_one_that_training_would_make(untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = load_tokenizer(str(model_of(Pocket(), "target")))
    monkeypatch.undo()
    monkeypatch.setitem(LEARNING, 1, LEARNED[1])
    built, _ = Pocket().meta_load()
    assert packaged.get_vocab() == built.get_vocab()
    question = [{"role": "user", "content": "Where was Ada Lund born?"}]
    assert packaged.apply_chat_template(question) == built.apply_chat_template(question)


@pytest.mark.parametrize("suite", [Pocket(world_seed=1), Pocket(request="book")], ids=["world", "request"])
def test_other_models_are_trained(suite: Pocket, untrained: Path) -> None:
    with pytest.raises(Trained):
        suite.retrained_model(QUIET)


def test_another_way_of_training_makes_another_model(untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "CHAT_TEMPLATE", models.CHAT_TEMPLATE + " ")
    with pytest.raises(Trained):
        Pocket().target_model(QUIET)


def test_training_was_asked_for(untrained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in (FOLDER, tmp_path / "nothing"):  # a damaged installation does not matter
        monkeypatch.setattr(Pocket, "packaged", folder)
        for name in REFERENCES:
            with pytest.raises(Trained):
                Pocket().train_model(name, QUIET)


def test_another_version_of_torch_gets_the_same_models(untrained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_of(Pocket(), "target")
    monkeypatch.setattr(torch, "__version__", "2.99.0+cu999")
    assert model_of(Pocket(), "target") == folder


def test_the_files_are_those_that_are_listed() -> None:
    packaged = read_manifest(FOLDER)
    listed = {**packaged.shared, **{each.file: each.sha256 for each in packaged.models.values()}}
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.iterdir()}
    del found[MANIFEST]
    assert found == listed and len(packaged.models) == 2
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 8_000_000


# Models that are packaged here, from a world that is hardly learned


def test_a_model_that_this_machine_trained_comes_first(packaged_small_world: Path, small_world: str) -> None:
    packaged = model_of(Pocket(), "target")
    assert (packaged / PACKAGED_FILE).exists()
    trained = Path(Pocket().train_model("target", QUIET))
    assert model_of(Pocket(), "target") == trained != packaged and trained.name == Path(small_world).name
    assert not (trained / PACKAGED_FILE).exists() and (trained / COST_FILE).exists()
    exact, rounded = load_file(trained / WEIGHTS), load_file(packaged / WEIGHTS)
    assert all(torch.equal(rounded[key], exact[key].half().float()) for key in exact)


def test_a_later_package_does_not_get_the_files_of_an_earlier_one(
    packaged_small_world: Path, small_world: str, package_tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = model_of(Pocket(), "target")
    monkeypatch.setattr(package_tool, "DTYPE", torch.bfloat16)
    package_tool.package({"target": Path(small_world)}, packaged_small_world)
    assert model_of(Pocket(), "target") != earlier


@pytest.mark.parametrize("file", ["target.safetensors", "tokenizer.json", "config.json"])
def test_a_changed_file_is_refused(file: str, packaged_small_world: Path) -> None:
    with (packaged_small_world / file).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(InputError, match="damaged or was changed") as error:
        Pocket().target_model(QUIET)
    assert error.value.where == str(packaged_small_world / file) and "--retrain" in str(error.value.fix)
    assert not (packaged_small_world.parent / "cache").exists()


@pytest.mark.parametrize("file", ["target.safetensors", "tokenizer.json", MANIFEST])
def test_a_missing_file_is_named(file: str, packaged_small_world: Path) -> None:
    (packaged_small_world / file).unlink()
    with pytest.raises(MissingDependency, match="cannot be read") as error:
        Pocket().target_model(QUIET)
    assert error.value.where == str(packaged_small_world / file) and "--retrain" in str(error.value.fix)


def test_models_that_do_not_fit_together_are_not_packaged(
    packaged_small_world: Path,
    small_world: str,
    package_tool: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in Path(small_world).iterdir():
        (other / file.name).write_bytes(file.read_bytes() + (b" " if file.name == "tokenizer.json" else b""))
    with pytest.raises(SystemExit, match="another tokenizer"):
        package_tool.package({"target": Path(small_world), "retrained": other}, tmp_path / "mixed")
    monkeypatch.setattr(package_tool, "LARGEST", 1000)
    with pytest.raises(SystemExit, match="at most 1000"):
        package_tool.package({"target": Path(small_world)}, tmp_path / "large")
