"""A reported fault: in bfloat16, updates were rounded away, and the saved weights were not the measured ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

from tests.tiny import PAD, random_rows, tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.methods.base import METHODS
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import load_model, save_model, set_trainable
from unlearnkit.models.rounding import GROUP, FileTypes, round_like, round_linear_layers, rounded
from unlearnkit.models.settings import LoraSettings
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.recipe import EvalSettings
from unlearnkit.records.schema import read_records
from unlearnkit.report.build import build_report
from unlearnkit.runs.folder import RunFolder
from unlearnkit.testing.tiny_run import QUIET, TRAIN, TinyRuns
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

RATE = 1e-5
FAMILIES = ("llama_tied", "gpt2", "qwen2", "gemma2")


@pytest.fixture(params=FAMILIES)
def narrow(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder with bfloat16 weights of ordinary size."""
    model: Any = tiny_model(request.param)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())) * 0.05)
    save_model(model.to(torch.bfloat16), tiny_tokenizer(), tmp_path / "model")
    return str(tmp_path / "model")


def one_step(model: nn.Module, **settings: Any) -> None:
    data = TrainData({"retain": random_rows(8, seed=1)}, PAD)
    chosen = TrainSettings(epochs=None, steps=1, batch_size=8, lr=RATE, warmup=0.0, **settings)
    Trainer(Engine(model), Finetune(), data, chosen, seed=0).run()


def share_moved(model: nn.Module, before: nn.Module) -> float:
    """Share of the weights with a gradient that a step changed."""
    old = dict(before.named_parameters())
    moved = [(weight.detach() != old[name]).flatten() for name, weight in model.named_parameters()]
    return float(torch.cat(moved).float().mean())


def test_masters_move_where_bfloat16_does_not(narrow: str) -> None:
    model = set_trainable(load_model(narrow, "bfloat16"))
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    before = load_model(narrow, "bfloat16")
    one_step(model)
    moved = share_moved(model, before)
    # The same step, rounded: nearly all weights are where they were.
    for weight in model.parameters():
        weight.data = weight.data.to(torch.bfloat16)
    assert moved > 0.6, "tokens and positions that no row has get no gradient"
    assert share_moved(model, before) < 0.1 * moved


def test_pure_bfloat16_is_refused(narrow: str) -> None:
    with pytest.raises(InputError, match="rounded away") as refused:
        one_step(load_model(narrow, "bfloat16"))
    assert refused.value.value == "bfloat16" and "stochastic_rounding" in str(refused.value)


def test_stochastic_rounding_moves_the_expected_share(narrow: str) -> None:
    model, before = load_model(narrow, "bfloat16"), load_model(narrow, "bfloat16")
    one_step(model, stochastic_rounding=True)
    exact = set_trainable(load_model(narrow, "bfloat16"))
    one_step(exact)
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    # The mean of the rounded updates is the mean of the exact ones.
    signs = {name: (w.detach() - b.detach()).sign() for (name, w), b in zip(
        exact.named_parameters(), before.parameters(), strict=True)}  # fmt: skip
    of = {name: float(((w.detach() - b.detach()).float() * signs[name]).sum()) for (name, w), b in zip(
        model.named_parameters(), before.parameters(), strict=True)}  # fmt: skip
    true = {name: float(((w.detach() - b.detach()).float() * signs[name]).sum()) for (name, w), b in zip(
        exact.named_parameters(), before.parameters(), strict=True)}  # fmt: skip
    assert sum(of.values()) == pytest.approx(sum(true.values()), rel=0.15)
    assert 0 < share_moved(model, before) < 0.2


def test_stochastic_rounding_needs_bfloat16(narrow: str) -> None:
    with pytest.raises(InputError, match="for bfloat16 weights"):
        one_step(load_model(narrow, "float32"), stochastic_rounding=True)


@pytest.mark.parametrize("parameters", [r"layers\.1\.mlp", r"layers\.0|norm", "embed"])
def test_some_weights_of_a_bfloat16_model(tmp_path: Path, parameters: str) -> None:
    save_model(tiny_model().to(torch.bfloat16), tiny_tokenizer(), tmp_path / "model")
    model = set_trainable(load_model(str(tmp_path / "model")), parameters=parameters, frozen="bfloat16")
    dtypes = {(weight.requires_grad, weight.dtype) for weight in model.parameters()}
    assert dtypes == {(True, torch.float32), (False, torch.bfloat16)}
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    one_step(model)
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name]) != weight.requires_grad


def test_an_adapter_on_a_bfloat16_model_is_float32(narrow: str) -> None:
    model = set_trainable(load_model(narrow, "bfloat16"), lora=LoraSettings(r=2), frozen="bfloat16")
    dtypes = {(weight.requires_grad, weight.dtype) for weight in model.parameters()}
    assert dtypes == {(True, torch.float32), (False, torch.bfloat16)}
    one_step(model)


@pytest.fixture(scope="module")
def bfloat16_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyRuns]:
    """Recipes whose target model is saved in bfloat16."""
    runs = TinyRuns(tmp_path_factory.mktemp("runs"), METHODS.get("graddiff").plugin())
    save_model(tiny_model(seed=0).to(torch.bfloat16), tiny_tokenizer(), runs.folder / "target")
    yield runs


def train(runs: TinyRuns, out: str, model: dict[str, Any], **changed: Any) -> RunFolder:
    path = {"path": str(runs.folder / "target")}
    return run(runs.recipe(out, model={**path, **model}, train={**TRAIN, "lr": 1e-5, **changed}), progress=QUIET)


@pytest.mark.parametrize(
    ("model", "changed"),
    [
        ({}, {}),
        ({"dtype": "bfloat16"}, {}),
        ({"dtype": "bfloat16"}, {"stochastic_rounding": True}),
        ({"dtype": "bfloat16", "parameters": "mlp"}, {}),
        ({"dtype": "bfloat16", "lora": {"r": 2}, "merge": True}, {"lr": 1e-2}),
        ({"lora": {"r": 2}, "merge": True}, {"lr": 1e-2}),
    ],
    ids=["float32", "bfloat16", "stochastic", "some weights", "adapter", "adapter in float32"],
)
def test_a_run_is_saved_as_its_source_and_measured_so(
    bfloat16_runs: TinyRuns, model: dict[str, Any], changed: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    folder = train(bfloat16_runs, request.node.callspec.id, model, **changed)
    saved = load_file(folder.model / "model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.bfloat16}
    assert json.loads((folder.model / "config.json").read_text())["dtype"] == "bfloat16"
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder.model, dtype="auto")
    opened: Any = open_subject(folder)
    for (name, one), (_, other) in zip(plain.named_parameters(), opened.model.named_parameters(), strict=True):
        assert torch.equal(one.float(), other.float()), name
    trained = folder.state().train
    assert trained is not None and trained.saved_as == "bfloat16" and trained.returned is not None
    before = load_file(bfloat16_runs.folder / "target" / "model.safetensors")
    stayed = sum(int((saved[name] == old).sum()) for name, old in before.items())
    count = sum(old.numel() for old in before.values())
    if changed.get("stochastic_rounding"):
        assert trained.returned == 0
    elif not changed:
        # At such a low rate, nearly every update is smaller than half a unit in the last place.
        assert 0.9 < trained.returned < 1 and stayed / count > 0.9
    else:
        assert 0 < trained.returned < 0.9


def test_frozen_weights_keep_the_precision_of_the_files(bfloat16_runs: TinyRuns) -> None:
    model = tiny_model(seed=0)
    save_model(model, tiny_tokenizer(), bfloat16_runs.folder / "wide")
    path = {"path": str(bfloat16_runs.folder / "wide"), "dtype": "bfloat16"}
    adapter = {"lora": {"r": 2, "target_modules": ["q_proj"]}, "merge": True}
    for name, settings in (("mlp", {"parameters": "mlp"}), ("lora", adapter)):
        folder = train(bfloat16_runs, f"wide-{name}", {**path, **settings})
        saved, before = load_file(folder.model / "model.safetensors"), dict(model.state_dict())
        assert {tensor.dtype for tensor in saved.values()} == {torch.float32}
        for weight, values in saved.items():
            trained = "mlp" in weight if name == "mlp" else "q_proj" in weight
            assert torch.equal(values, before[weight]) != trained, weight
            assert float((values - before[weight]).abs().max()) < 1e-3, weight
        assert folder.subject().dtype == "float32", "what is saved is wider than bfloat16"


def test_every_weight_keeps_its_own_type(bfloat16_runs: TinyRuns) -> None:
    """Some published models hold norms or routers in float32, and the rest in bfloat16 or float16."""
    source = bfloat16_runs.folder / "own types"
    save_model(tiny_model(seed=0), tiny_tokenizer(), source)
    weights = load_file(source / "model.safetensors")
    weights = {name: values if "norm" in name else values.half() for name, values in weights.items()}
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})
    folder = train(bfloat16_runs, "own types run", {"path": str(source)})
    saved = load_file(folder.model / "model.safetensors")
    assert {name: values.dtype for name, values in saved.items()} == {n: v.dtype for n, v in weights.items()}
    state = folder.state().train
    assert state is not None and state.saved_as == "float16" and folder.subject().dtype == "float32"


def test_too_large_for_float16(bfloat16_runs: TinyRuns) -> None:
    model = tiny_model(seed=0)
    types = FileTypes({name: torch.float16 for name, _ in model.named_parameters()}, torch.float16)
    with torch.no_grad():
        next(model.parameters())[0, 0] = 70000.0
    with pytest.raises(InputError, match="too large"):
        round_like(model, types)


def test_the_nearest_value_and_the_even_one_of_two() -> None:
    unit = 2.0**-7  # of bfloat16 between 1 and 2
    exact = torch.tensor([1 + unit / 2, 1 + 3 * unit / 2, 1 + 0.51 * unit, -1 - 0.49 * unit, 3e38, 1e-40])
    expected = torch.tensor([1.0, 1 + 2 * unit, 1 + unit, -1.0, 3e38, 1e-40]).to(torch.bfloat16)
    assert torch.equal(rounded(exact, torch.bfloat16), expected)


def test_stochastic_rounding_is_right_on_average() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.tensor([1.0, 1 + 2.0**-9, -1 - 2.0**-9, 0.0, float("inf"), float("nan")])
    drawn = rounded(values.repeat(40000, 1), torch.bfloat16, generator).float()
    assert torch.equal(drawn[:, [0, 3, 4]], values[[0, 3, 4]].repeat(40000, 1)) and bool(drawn[:, 5].isnan().all())
    assert set(drawn[:, 1].tolist()) == {1.0, 1 + 2.0**-7}
    # A quarter of the way up: the standard error of the mean is 2 ** -7 * sqrt(3) / 4 / 200.
    assert drawn[:, 1].mean() == pytest.approx(float(values[1]), abs=8e-5)
    assert drawn[:, 2].mean() == pytest.approx(float(values[2]), abs=8e-5)


def test_integers_by_hand() -> None:
    row = torch.tensor([[127.0, -63.4, 0.5, 1.5, 0.0]])
    assert rounded(row, "int8").tolist() == [[127.0, -63.0, 0.0, 2.0, 0.0]]  # scale 1, ties to even
    wide = torch.zeros(1, GROUP + 2)
    wide[0, :3], wide[0, GROUP:] = torch.tensor([7.0, 3.4, -2.6]), torch.tensor([70.0, 4.0])
    got = rounded(wide, "int4")[0]
    assert got[:4].tolist() == [7.0, 3.0, -3.0, 0.0]  # the first group has the scale 1
    assert got[GROUP:].tolist() == [70.0, 0.0]  # and the second one, which is padded, the scale 10
    assert not rounded(torch.zeros(2, 3), "int4").any()


@pytest.mark.parametrize("family", ["llama_tied", "gpt2"])
def test_only_linear_layers_are_rounded(family: str) -> None:
    model, before = tiny_model(family), dict(tiny_model(family).named_parameters())
    count = round_linear_layers(model, "int8", leave=[model.get_output_embeddings()])
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved and all("weight" in name and before[name].ndim == 2 for name in moved)
    assert not any("embed" in name or "wte" in name or "wpe" in name for name in moved)
    assert count == sum(before[name].numel() for name in moved)
    for name, weight in model.named_parameters():
        if name in moved:
            inputs = weight.T if family == "gpt2" else weight
            old = before[name].T if family == "gpt2" else before[name]
            step = old.abs().amax(1, keepdim=True) / 127
            assert bool(((inputs - old).abs() <= step / 2 + 1e-7).all())
            assert all(len(set(r.tolist())) <= 255 for r in inputs)


def test_a_rounded_copy_is_measured_apart(bfloat16_runs: TinyRuns, tmp_path: Path) -> None:
    folder = train(bfloat16_runs, "to round", {})
    before = (folder.records_file.read_bytes(), folder.subject_file.read_bytes())
    copy = evaluate(folder.path, rounded="int4", progress=QUIET)
    assert copy.path.name == "to round-int4" and copy.subject().rounded == "int4"
    assert before == (folder.records_file.read_bytes(), folder.subject_file.read_bytes())
    subject: Any = open_subject(copy)
    whole: Any = open_subject(folder)
    round_linear_layers(whole.model, "int4", leave=[whole.model.get_output_embeddings()])
    for one, other in zip(subject.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, other)
    records = read_records(copy.records_file)
    assert records != read_records(folder.records_file)
    settings = EvalSettings(max_new_tokens=3)
    again = evaluate(str(folder.model), folder.state().suite, rounded="int4", out=tmp_path / "again", settings=settings)
    assert read_records(again.records_file) == records


def test_the_report_says_what_saving_did(bfloat16_runs: TinyRuns) -> None:
    folder = train(bfloat16_runs, "told", {})
    told = " ".join(build_report([folder]).limitations)
    assert "was saved in bfloat16" in told and "back to their earlier value" in told and "by quantization" in told
    copy = evaluate(folder.path, rounded="int8", progress=QUIET)
    told = " ".join(build_report([copy]).limitations)
    assert "rounded to int8" in told and "by quantization" not in told
