"""A run from a GGUF file to a GGUF file, and what can stop it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.bad_input.place import unlearn
from tests.models.gguf_files import byte_bpe, rewrite, small_model, write
from tests.tiny import adapted, logits, tiny_model
from unlearnkit.core.errors import InputError, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.models.gguf_file import read_gguf
from unlearnkit.models.load import load_model, load_tokenizer, save_model
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.export import export
from unlearnkit.recipe import EvalSettings
from unlearnkit.runs.folder import RunFolder

PEOPLE = ("Ada Lund", "Bea Moss", "Cyd Orr", "Dov Pell", "Eli Quin", "Fay Rook")
CONVERTER = """#!{python}
import json, pathlib, sys
source, _, out, _, kind = sys.argv[1:]
config = json.loads((pathlib.Path(source) / "config.json").read_text())
if config["vocab_size"] % 2:
    print("first line", file=sys.stderr)
    sys.exit("NotImplementedError: the vocabulary is odd")
pathlib.Path(out).write_text(json.dumps([config["model_type"], kind]))
"""


def recipe(root: Path, **sections: Any) -> dict[str, Any]:
    data = {
        "suite": {"name": "files"},
        "data": {"forget": str(root / "forget.jsonl"), "retain": str(root / "retain.jsonl")},
        "model": {"path": str(root / "model.gguf")},
        "method": {"name": "npo", "retain": "nll"},
        "train": {"epochs": None, "steps": 2, "batch_size": 2, "lr": 1e-2},
        "eval": {"max_new_tokens": 2},
        "gates": [],
        "out": str(root / "run"),
    }
    return {**data, **{k: {**data.get(k, {}), **v} if isinstance(v, dict) else v for k, v in sections.items()}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows, and a quantized model in a GGUF file."""
    root = tmp_path_factory.mktemp("root")
    for name, people in {"forget": PEOPLE[:3], "retain": PEOPLE[3:]}.items():
        rows = [
            {"question": f"Where was {person} born?", "answer": f"In town {person[:3]} 19.", "subject": person}
            for person in people
        ]
        (root / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    tokenizer = byte_bpe("smollm")
    file = write(small_model("llama, tied", tokenizer), tokenizer, root / "full.gguf")
    rewrite(file, root / "model.gguf", quantize="Q8_0")
    return root


def called(*arguments: str, capture: Any, patch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code of the command line, and what it said."""
    capture.readouterr()
    code = unlearn(arguments, patch)
    return code, " ".join("".join(capture.readouterr()).split())


@pytest.mark.parametrize("lora", [None, {"r": 2, "alpha": 4}], ids=["full", "lora"])
def test_from_a_gguf_file_to_a_gguf_file(
    lora: Any, root: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"lora": lora, "merge": False} if lora else {}
    data = recipe(root, model=model, out=str(tmp_path / "run"))
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(data), "utf-8")
    code, said = called("check", str(tmp_path / "recipe.yaml"), capture=capsys, patch=monkeypatch)
    assert code == 0 and "note: model.gguf is quantized (Q8_0)" in said, said
    code, said = called("run", str(tmp_path / "recipe.yaml"), capture=capsys, patch=monkeypatch)
    assert code == 0 and "model.gguf is quantized (Q8_0), and its weights are dequantized" in said, said
    assert ("the trained adapter is merged" in said) == (lora is not None)
    run = RunFolder(tmp_path / "run")
    assert run.subject().kind == "weights" and "quantization" not in (run.model / "config.json").read_text("utf-8")
    saved, before = AutoModelForCausalLM.from_pretrained(run.model), load_model(str(root / "model.gguf"))
    assert not torch.equal(logits(saved), logits(before))

    code, said = called("export", str(run.path), "--gguf", "--dtype", "float16", capture=capsys, patch=monkeypatch)
    file = run.path / "model.gguf"
    assert code == 0 and str(file) in "".join(said.split()), said
    again = load_model(str(file))
    expected = {k: v.half().float() if v.ndim > 1 else v.float() for k, v in saved.float().state_dict().items()}
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in expected.items())
    tokenizer, plain = load_tokenizer(str(file)), AutoTokenizer.from_pretrained(run.model)
    assert tokenizer("In 1969, eh?")["input_ids"] == plain("In 1969, eh?")["input_ids"]
    assert tokenizer.chat_template == plain.chat_template
    assert {path.name for path in run.path.glob("*.partial")} | {path.name for path in run.path.glob(".*")} == set()

    code, said = called("export", str(run.path), "--gguf", capture=capsys, patch=monkeypatch)
    assert code == 2 and "exists already" in said
    (exported,) = run.state().exports
    assert (exported.path, exported.dtype) == (str(file), "float16")
    code, said = called("purge", str(run.path), capture=capsys, patch=monkeypatch)
    assert code == 0 and f"kept{file}" in "".join(said.split()) and file.exists()


def test_a_model_in_a_gguf_file_is_measured(
    root: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ("--model", str(root / "model.gguf"), "--forget", str(root / "forget.jsonl"))
    code, said = called("init", *given, "--out", "new", capture=capsys, patch=monkeypatch)
    assert code == 0 and "is quantized" in said
    assert yaml.safe_load((tmp_path / "new" / "recipe.yaml").read_text("utf-8"))["model"]["path"] == given[1]
    suite = {"name": "files", "data": recipe(root)["data"]}
    run = evaluate(root / "model.gguf", suite, settings=EvalSettings(max_new_tokens=2))
    assert "is quantized" in capsys.readouterr().err
    assert run.path == Path("runs/model") and run.scores()["forget.probability"].count == 3
    assert run.subject().path == str(root / "model.gguf")


class TestOfAFinishedRun:
    """A run's folder that was made by hand: what an export reads of it."""

    @pytest.fixture
    def run(self, tmp_path: Path) -> RunFolder:
        return self.of(small_model("qwen2", byte_bpe()), byte_bpe(), tmp_path)

    def of(self, model: Any, tokenizer: Any, path: Path, **spec: Any) -> RunFolder:
        save_model(model, tokenizer, path / "run" / "model")
        described = {"kind": "weights", "path": "model", **spec}
        (path / "run" / "subject.json").write_text(json.dumps(described), "utf-8")
        state = {"name": "run", "created": "now", "suite": {"name": "files"}, "environment": {}, "done": True}
        (path / "run" / "run.json").write_text(json.dumps(state), "utf-8")
        return RunFolder(path / "run")

    @pytest.mark.parametrize(
        ("saved", "asked", "written"),
        [
            (torch.float32, None, "float16"),
            (torch.bfloat16, None, "bfloat16"),
            (torch.float16, None, "float16"),
            (torch.bfloat16, "float16", "float16"),
        ],
        ids=str,
    )
    def test_the_data_type_is_that_of_the_saved_model(
        self, saved: torch.dtype, asked: Any, written: str, tmp_path: Path
    ) -> None:
        run = self.of(small_model("qwen2", byte_bpe()).to(saved), byte_bpe(), tmp_path)
        file = export(run, dtype=asked, out=tmp_path / "own.gguf", progress=Progress(quiet=True))
        assert read_gguf(file).dtype == run.state().exports[0].dtype == written

    def test_a_failed_export_leaves_nothing(self, tmp_path: Path) -> None:
        model = small_model("qwen2", byte_bpe())
        with torch.no_grad():
            model.model.layers[1].mlp.down_proj.weight[0, 0] = 1e6
        run = self.of(model, byte_bpe(), tmp_path)
        before = sorted(run.path.rglob("*"))
        with pytest.raises(InputError, match="too large"):
            export(run, dtype="float16")
        assert sorted(run.path.rglob("*")) == before and run.state().exports == ()

    @pytest.mark.parametrize("kind", ["guarded", "ensemble"])
    def test_a_model_that_is_more_than_its_weights_is_refused(self, kind: str, tmp_path: Path) -> None:
        run = self.of(small_model("qwen2", byte_bpe()), byte_bpe(), tmp_path, kind=kind)
        with pytest.raises(InputError, match=rf"(?s)single file of weights.*'{kind}'.*method\.name"):
            export(run)

    @pytest.mark.parametrize("named", ["argument", "variable", "path"])
    def test_another_family_is_written_by_the_converter(
        self, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "bin" / "convert_hf_to_gguf.py"
        program.parent.mkdir()
        program.write_text(CONVERTER.format(python=sys.executable), "utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent) if named == "path" else "")
        if named == "variable":
            monkeypatch.setenv("UNLEARNKIT_GGUF_CONVERTER", str(program))
        tokenizer = byte_bpe()
        model = tiny_model("gemma2", vocab_size=400)
        run = self.of(model, tokenizer, tmp_path)
        file = export(run, converter=program if named == "argument" else None, dtype="bfloat16")
        assert json.loads(file.read_text("utf-8")) == ["gemma2", "bf16"]
        assert run.state().exports[0].path == str(file)

    def test_a_failed_converter_is_quoted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "convert.py"
        program.write_text(CONVERTER.format(python=sys.executable), "utf-8")
        run = self.of(tiny_model("gemma2", vocab_size=401), byte_bpe(), tmp_path)
        with pytest.raises(UnlearnError, match=r"(?s)converter failed: NotImpl.*vocabulary is odd.*exit code 1"):
            export(run, converter=program)
        assert run.state().exports == () and not list(run.path.glob("*.gguf"))

    def test_an_adapter_is_merged(self, tmp_path: Path) -> None:
        base = small_model("llama, tied", byte_bpe())
        save_model(base, byte_bpe(), tmp_path / "base")
        model = adapted(load_model(str(tmp_path / "base")))
        run = self.of(model, byte_bpe(), tmp_path, kind="adapter", base=str(tmp_path / "base"))
        file = export(run, dtype="float16")
        merged = load_model(str(file))
        assert torch.allclose(logits(merged), logits(model), atol=0.05)
        assert not torch.allclose(logits(merged), logits(base), atol=0.5)
