"""The import rule of docs/design/architecture.md: a module imports its own package and those below it, nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import unlearnkit

ROOT = Path(unlearnkit.__file__).parent

LAYERS = (
    "core",
    "text",
    "data",
    "scope",
    "methods.quantities methods.objective methods.composition methods.objectives"
    " records.schema records.probe records.intervention",
    "models",
    "llm localization training metrics subjects",
    "targets records",
    "methods",
    "gradient_effect judges attacks",
    "runs",
    "suites",
    "recipe",
    "report",
    "pipeline",
    "cli",
)
"""From the bottom up. A name covers the modules under it, unless a longer one is listed."""

LAYER = {name: number for number, names in enumerate(LAYERS) for name in names.split()}


def room_of(module: str) -> str:
    """The listed name that covers a module, given without the leading `unlearnkit.`."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(name for name in names if name in LAYER)


def imports(path: Path) -> list[str]:
    """Modules of this package that a file imports, anywhere in it."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    modules = [node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module]
    return [module.removeprefix("unlearnkit.") for module in modules if module.startswith("unlearnkit.")]


def violations(root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        if module == "__init__" or module.partition(".")[0] == "testing":
            continue
        own = room_of(module)
        for other in imports(path):
            room = room_of(other)
            above = LAYER[room] > LAYER[own] or room == "testing"
            beside = LAYER[room] == LAYER[own] and room.partition(".")[0] != own.partition(".")[0]
            if above or beside:
                found.append(f"{module} imports {other}")
    return found


def test_imports_point_down() -> None:
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core/errors", "from unlearnkit.text.names import NameFinder"),
        ("metrics/board", "from unlearnkit.training.loop import Trainer"),
        ("report/render", "def f():\n    from unlearnkit.pipeline.run import run"),
    ],
)
def test_an_import_that_points_up_or_aside_is_found(tmp_path: Path, module: str, line: str) -> None:
    path = tmp_path / f"{module}.py"
    path.parent.mkdir()
    path.write_text(line)
    assert len(violations(tmp_path)) == 1


def test_the_root_holds_the_public_names_the_recipe_and_packages() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "recipe.py"}
