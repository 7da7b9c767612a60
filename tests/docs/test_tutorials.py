"""The code of the tutorials runs as it is printed."""

from __future__ import annotations

import importlib
import math
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.docs.markdown import ROOT, blocks
from unlearnkit.attacks.base import ATTACKS
from unlearnkit.data.rows import Row
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.recipe import make_recipe


def install(tutorial: str, name: str, folder: Path, patch: pytest.MonkeyPatch) -> Any:
    """Write the module that a tutorial shows, import it, and return it."""
    text = (ROOT / "docs" / "tutorials" / tutorial).read_text(encoding="utf-8")
    code = next(block for block in blocks(text, "python") if block.startswith(f"# {name}.py\n"))
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    patch.syspath_prepend(str(folder))
    for registry in (OBJECTIVES, ATTACKS):
        patch.setattr(registry, "_entries", dict(registry._entries))
    patch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


def test_the_objective_of_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("add-an-objective.md", "my_objective", tmp_path, monkeypatch)
    make_recipe({"name": "x", "suite": {"name": "pocket"}, "method": {"name": "my_objective", "retain": "nll"}})
    plugin: Any = OBJECTIVES.get("my_objective").plugin
    objective = plugin(retain="nll")
    assert objective.needs().views == {"forget", "retain"}
    # Two tokens of log-probabilities -1 and -3: mean -2; beta 2.5: (2 / 2.5) * softplus(-5).
    answer = SimpleNamespace(per_row=lambda: torch.tensor([-4.0]), lengths=lambda: torch.tensor([2]))
    term = objective.forget_term(SimpleNamespace(logps={"forget": answer}.__getitem__))
    assert (term.view, term.unit) == ("forget", "sequence")
    assert float(term.sum) == pytest.approx(0.8 * math.log1p(math.exp(-5.0)))


def test_the_attack_of_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("add-an-attack.md", "polite", tmp_path, monkeypatch)
    made = ATTACKS.get("polite").plugin()
    row = Row(id="r", question="Who wrote it?", answer="Ada Belm wrote it.")
    probe = made.rewrite(row, random.Random(0))
    assert (probe.row.question, probe.row.id) == ("Please. Who wrote it?", "r")
    assert made.name() == "polite" and made.budget()


def test_the_example_script_of_the_tutorial_imports_what_exists() -> None:
    text = (ROOT / "docs" / "tutorials" / "own-model-and-documents.md").read_text(encoding="utf-8")
    code = next(block for block in blocks(text, "python") if block.startswith("# example.py\n"))
    imports = [line for line in code.splitlines() if line.startswith(("from ", "import "))]
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)
    assert callable(names["write_rows"]) and callable(names["Pocket"]) and "suite = Pocket()" in code
