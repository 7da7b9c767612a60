"""Models in a run: what is refused before anything is written, what is saved, and what the card says of loading it."""

from __future__ import annotations

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from huggingface_hub import constants

from tests.tiny import adapted
from unlearnkit.core.errors import InputError, MissingDependency, UnlearnError
from unlearnkit.core.number_format import percent
from unlearnkit.core.progress import Progress
from unlearnkit.models.load import load_model, load_tokenizer, save_model
from unlearnkit.pipeline.dry_run import dry_run
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.report.build import build_report
from unlearnkit.report.render import render
from unlearnkit.report.verdict import verdict
from unlearnkit.runs.folder import RunFolder

QUIET = Progress(quiet=True)
IDS = torch.tensor([[1, 5, 9, 12, 30]])


def done(data: dict[str, Any], model: dict[str, Any], **changed: Any) -> RunFolder:
    recipe = {**data, **changed, "model": {**data["model"], **model}}
    return run(make_recipe(recipe), progress=QUIET)


def says(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=IDS).logits.float()  # type: ignore[no-any-return]


@pytest.fixture
def target(recipe_data: dict[str, Any], tmp_path: Path) -> str:
    """A target model that is itself an adapter on the world's model."""
    base = recipe_data["model"]["path"]
    save_model(adapted(load_model(base)), load_tokenizer(base), tmp_path / "target")
    return str(tmp_path / "target")


@pytest.fixture
def plain_target(recipe_data: dict[str, Any], tmp_path: Path) -> str:
    """The world's model without its chat template."""
    folder = Path(shutil.copytree(recipe_data["model"]["path"], tmp_path / "plain"))
    (folder / "chat_template.jinja").unlink()
    return str(folder)


def card_model(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the code in the model card loads, run as it stands there: from the folder of the card."""
    blocks = re.findall(r"```python\n(.*?)```", folder.card_file.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 1
    found: dict[str, Any] = {}
    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # bare peft's own
        patch.chdir(folder.path)
        exec(blocks[0], found)
    assert found["tokenizer"]("Who")["input_ids"]
    return found["model"]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, "weights"),
        ({"lora": {"r": 2}, "merge": False}, "adapter"),
        ({"lora": {"r": 2}, "merge": True}, "weights"),
        ({"lora": {"r": 2}}, "weights"),
    ],
    ids=["full", "adapter", "merged", "merged by default"],
)
@pytest.mark.parametrize("on_adapter", [False, True], ids=["on weights", "on an adapter"])
def test_the_card_loads_what_was_measured(
    recipe_data: dict[str, Any],
    target: str,
    settings: dict[str, Any],
    kind: str,
    on_adapter: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = recipe_data["model"]["path"]
    source = target if on_adapter else base
    folder = done(recipe_data, {"path": source, **settings})
    subject = folder.subject()
    # An adapter on an adapter would stand on weights that lie nowhere: it is merged, asked for or not.
    expected = ("weights", None) if kind == "weights" or on_adapter else ("adapter", str(Path(base).resolve()))
    assert (subject.kind, subject.base) == expected
    assert (folder.model / "adapter_config.json").exists() == (subject.kind == "adapter")
    assert (folder.model / "config.json").exists() == (subject.kind == "weights")
    assert {p.suffix for p in folder.model.iterdir()} <= {".safetensors", ".json", ".jinja"}
    card = folder.card_file.read_text("utf-8")
    assert ("base_model_name_or_path" in card) == (subject.kind == "adapter")
    loaded = says(card_model(folder, monkeypatch))
    assert torch.equal(loaded, says(load_model(folder.subject_path(), subject.dtype)))
    assert float((loaded - says(load_model(source))).abs().max()) > 1e-3, "the run moved the model"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_merged_result_says_what_the_adapter_says(recipe_data: dict[str, Any], dtype: str) -> None:
    apart = done(recipe_data, {"lora": {"r": 2}, "dtype": dtype, "merge": False})
    merged = done(recipe_data, {"lora": {"r": 2}, "dtype": dtype, "merge": True}, out=recipe_data["out"] + "2")
    plain = transformers.AutoModelForCausalLM.from_pretrained(merged.model)
    # The files of the target are float32, so the result is, whatever the type in which the base was held in training.
    assert plain.dtype == torch.float32 and merged.subject().dtype == "float32"
    ours, theirs = says(plain), says(load_model(str(apart.model), dtype))
    rounding = 1e-5 if dtype == "float32" else 0.02
    assert float((ours - theirs).abs().max()) <= rounding * float(theirs.abs().max())


def test_a_run_goes_on_with_a_target_that_is_an_adapter(
    recipe_data: dict[str, Any], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights(folder: RunFolder) -> bytes:
        return (folder.model / "model.safetensors").read_bytes()

    settings = {"path": target, "lora": {"r": 2}}
    whole = done(recipe_data, settings, out=recipe_data["out"] + "-whole", method={"name": "npo"})
    with monkeypatch.context() as patch:
        patch.setattr("unlearnkit.pipeline.run._saved", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            done(recipe_data, settings, method={"name": "npo"})
    recipe = make_recipe({**recipe_data, "model": settings, "method": {"name": "npo"}})
    assert weights(run(recipe, resume=True, progress=QUIET)) == weights(whole)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ({"path": "./nowhere"}, InputError),
        ({"path": "BROKEN"}, InputError),
        ({"path": "us/nothing"}, MissingDependency),
        ({"lora": {"target_modules": ["c_attn"]}}, InputError),
        ({"parameters": "no_such_weight"}, InputError),
    ],
    ids=["nowhere", "broken", "offline", "layers", "weights"],
)
def test_a_model_that_cannot_be_used_leaves_no_folder(
    recipe_data: dict[str, Any],
    model: dict[str, Any],
    error: type[UnlearnError],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    if model.get("path") == "BROKEN":
        broken = shutil.copytree(recipe_data["model"]["path"], tmp_path / "broken")
        (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
        model = {"path": str(broken)}
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error):
        done(recipe_data, model)
    if "path" in model:
        with pytest.raises(error):
            evaluate(model["path"], recipe_data["suite"], out=tmp_path / "measured", progress=QUIET)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_knows_a_target_that_is_an_adapter(recipe_data: dict[str, Any], target: str) -> None:
    for lora in (None, {"r": 2}):
        assert "steps:  6" in dry_run(make_recipe({**recipe_data, "model": {"path": target, "lora": lora}}))


def test_a_target_that_is_an_adapter_is_measured_as_one(
    recipe_data: dict[str, Any], target: str, tmp_path: Path
) -> None:
    settings = make_recipe(recipe_data).eval
    folder = evaluate(target, recipe_data["suite"], out=tmp_path / "m", settings=settings, progress=QUIET)
    assert folder.subject().kind == "adapter"
    assert folder.subject().base == str(Path(recipe_data["model"]["path"]).resolve())


def test_a_model_without_a_chat_template_is_said_to_have_none(
    recipe_data: dict[str, Any], plain_target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(text: str) -> bool:
        return "no chat template" in " ".join(text.split())

    recipe = make_recipe({**recipe_data, "model": {"path": plain_target}})
    assert told(dry_run(recipe)) and not told(dry_run(make_recipe(recipe_data)))
    folder = run(recipe)
    assert told(capsys.readouterr().err)
    assert told(folder.card_file.read_text("utf-8"))
    assert told(render(build_report([folder])))
    other = run(make_recipe({**recipe_data, "out": recipe_data["out"] + "2"}))
    assert not told(capsys.readouterr().err)
    assert not told(other.card_file.read_text("utf-8")) and not told(render(build_report([other])))


@pytest.mark.parametrize("model", [{"merge": True}, {"merge": True, "parameters": "mlp", "lora": None}])
def test_merging_without_an_adapter_is_refused(recipe_data: dict[str, Any], model: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="nothing to merge"):
        make_recipe({**recipe_data, "model": model})


def test_a_run_that_saves_an_adapter_says_first_what_the_model_answers_without_it(
    recipe_data: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = make_recipe({**recipe_data, "model": {**recipe_data["model"], "lora": {"r": 2}, "merge": False}})
    folder = run(recipe, progress=Progress())
    target = RunFolder(folder.references / "target")
    assert target.subject().path == folder.subject().base, "what was measured is the adapter's base"
    before, after = (percent(float(of.scores()["forget.accuracy"].value or 0)) for of in (target, folder))
    sentence = words(
        f"the model answers as before (measured: accuracy on the set forget {before}; with the adapter {after}"
    )
    assert sentence in words(capsys.readouterr().err)
    paragraphs = folder.card_file.read_text("utf-8").split("---\n")[-1].strip().split("\n\n")
    assert sentence in words(paragraphs[1]), "directly under the title"
    report = build_report([target, folder])
    assert sentence in words(verdict(report, report.methods[0]).sentences[0])
    assert sentence in words(render(report))


def words(text: str) -> str:
    """A text without the breaks of its lines, and with plain spaces."""
    return " ".join(text.split())


def test_a_run_that_saves_whole_weights_says_nothing_of_an_adapter(recipe_data: dict[str, Any]) -> None:
    folder = done(recipe_data, {"lora": {"r": 2}})
    assert folder.subject().kind == "weights"
    assert "Without this adapter" not in folder.card_file.read_text("utf-8")
    report = build_report([folder])
    assert "Without this adapter" not in " ".join(verdict(report, report.methods[0]).sentences)


@pytest.mark.parametrize("merge", [None, True, False])
def test_earlier_recipes_and_digests_are_still_read(recipe_data: dict[str, Any], merge: bool | None) -> None:
    whole = make_recipe({**recipe_data, "model": {**recipe_data["model"], "lora": None, "merge": False}})
    assert whole == make_recipe(recipe_data), "earlier versions stored `merge: false` in every recipe"
    assert whole.model.earlier_dump()["merge"] is False
    lora = make_recipe({**recipe_data, "model": {**recipe_data["model"], "lora": {"r": 2}, "merge": merge}})
    assert lora.model.earlier_dump()["merge"] is (merge is not False)
    assert make_recipe(lora.model_dump(mode="json")) == lora


@pytest.mark.parametrize("config", [peft.IA3Config, peft.LoKrConfig, peft.VeraConfig])
def test_an_adapter_of_another_type_is_a_target_like_any_other(
    recipe_data: dict[str, Any], config: Any, tmp_path: Path
) -> None:
    base = recipe_data["model"]["path"]
    made = {"target_modules": ["q_proj", "down_proj"], "task_type": "CAUSAL_LM"}
    if config is peft.IA3Config:
        made["feedforward_modules"] = ["down_proj"]
    model = peft.get_peft_model(load_model(base), config(**made)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.1)
    save_model(model, load_tokenizer(base), tmp_path / "target")
    folder = done(recipe_data, {"path": str(tmp_path / "target")})
    assert folder.subject().kind == "weights"
    measured = evaluate(tmp_path / "target", folder.state().suite, out=tmp_path / "e", progress=QUIET)
    assert measured.scores()["forget.accuracy"].value is not None
    assert float((says(load_model(folder.subject_path())) - says(model)).abs().max()) > 1e-3
