"""The working folder in which all is right, made once and copied for each case."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.bad_input.place import OWN, RUN, Place, unlearn
from tests.pocket_tofu import pocket_model, write_pocket_tofu
from unlearnkit.data.load import read_source
from unlearnkit.scope.file import write_scope
from unlearnkit.scope.suggest import suggest_scope


@pytest.fixture(scope="session")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, rows to forget and to keep, a scope; the recipe is written for each case."""
    root = tmp_path_factory.mktemp("right")
    tofu = write_pocket_tofu(root / "tofu")
    pocket_model(tofu, root / "model", learns=("forget01_perturbed",), seed=3, steps=3)
    for name, source in {"forget": "forget01_perturbed", "retain": "retain99", "holdout": "holdout01"}.items():
        rows = [json.loads(line) for line in (tofu / f"{source}.json").read_text("utf-8").splitlines()][:12]
        lines = [json.dumps({key: row[key] for key in ("question", "answer")}) for row in rows]
        (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    write_scope(root / "scope.yaml", suggest_scope(read_source(root / "forget.jsonl")))
    return root


@contextmanager
def working_in(root: Path, beside: Path) -> Iterator[Place]:
    """A working folder, with caches that lie beside it and a Hub that cannot be reached."""
    with pytest.MonkeyPatch.context() as own, pytest.MonkeyPatch.context() as patch:
        own.chdir(root)
        own.setenv("UNLEARNKIT_CACHE", str(beside / "cache"))
        own.setattr(constants, "HF_HUB_OFFLINE", True)
        own.setattr(constants, "HF_HUB_CACHE", str(beside / "hub"))
        yield Place(root, patch)
    assert not (beside / "cache").exists(), "nothing is built for what cannot be used"


@pytest.fixture
def place(right: Path, tmp_path: Path) -> Iterator[Place]:
    """Nothing was run here yet."""
    with working_in(Path(shutil.copytree(right, tmp_path / "work")), tmp_path) as made:
        made.recipe()
        yield made


@pytest.fixture(scope="session")
def ended(right: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of TRU ended here."""
    beside = tmp_path_factory.mktemp("ended")
    with working_in(Path(shutil.copytree(right, beside / "work")), beside) as made:
        made.recipe(method={"name": "tru"})
        assert unlearn(RUN, made.patch) == 0
    return beside / "work"


@pytest.fixture(scope="session")
def stopped(right: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of TRU was killed here: after its last checkpoint, before it saved its model."""

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    beside = tmp_path_factory.mktemp("stopped")
    with working_in(Path(shutil.copytree(right, beside / "work")), beside) as made:
        made.recipe(method={"name": "tru"})
        made.patch.setattr("unlearnkit.pipeline.run._saved", kill)
        assert unlearn(RUN, made.patch) == 130
    assert [path.name for path in (beside / "work" / OWN / "checkpoints").iterdir()] == ["step-00000004"]
    return beside / "work"


@pytest.fixture
def after_a_stop(stopped: Path, tmp_path: Path) -> Iterator[Place]:
    with working_in(Path(shutil.copytree(stopped, tmp_path / "work")), tmp_path) as made:
        yield made


@pytest.fixture
def after_a_run(ended: Path, tmp_path: Path) -> Iterator[Place]:
    with working_in(Path(shutil.copytree(ended, tmp_path / "work")), tmp_path) as made:
        yield made
