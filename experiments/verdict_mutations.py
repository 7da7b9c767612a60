"""Change the code that writes the verdict, one place at a time: does a test fail?

    python experiments/verdict_mutations.py [--out runs/verdict_mutations.json] [--minutes 8] [--survivors]

Every comparison, number, text, `and`, `or` and `not` in the modules of `MODULES` is changed, and the tests in `TESTS`
are run. A change that no test notices is a survivor: a sentence of the verdict, or a default gate, whose condition, set
or number is not tested. Changes that cannot matter (`EQUIVALENT`) are listed with the reason.

Finished changes are kept in `--out`. After `--minutes`, the script ends with exit code 75; call it again to go on. With
`--survivors`, the survivors of the last call are tried again, after tests were added. A change is named by the function
it is in and by its text, so that the results stay valid if lines move.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import copy
import importlib
import itertools
import json
import os
import pkgutil
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import jinja2
import plotly.subplots
import pytest
import scipy.stats
import torch
import transformers

__all__ = ["hypothesis", "jinja2", "plotly", "scipy", "torch", "transformers"]  # imported here, not in each fork

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src"
MODULES = (
    "report/verdict.py",
    "report/first_lines.py",
    "report/adapter_note.py",
    "report/headline.py",
    "metrics/default_gates.py",
    "metrics/gates.py",
    "data/vocabulary.py",
)
TESTS = (
    (
        "tests/report/test_first_lines.py",
        "tests/report/test_gates.py",
        "tests/metrics/test_default_gates.py",
        "tests/report/test_verdict_statistics.py",
        "tests/report/test_verdict_sentences.py",
        "tests/data/test_vocabulary.py",
    ),
    (
        "tests/report/test_words.py",
        "tests/report/test_suite_scores.py",
        "tests/report/test_outside_scores.py",
        "tests/report/test_attack_table.py",
        "tests/report/test_render.py",
    ),
)
"""The tests to run. The second group, which takes longer, runs only if the first group notices nothing."""
LEFT_OUT = (
    "tests/report/test_suite_scores.py::test_the_boards_columns_are_sets_and_nothing_else",
    "tests/report/test_render.py::test_the_room_never_imports_torch",
)
"""Slow tests that no change can fail: they train a model, or start another process to look at its imports."""
BELOW = ("unlearnkit.core", "unlearnkit.text", "unlearnkit.scope")
"""Packages in lower layers than all of `MODULES`."""
AGAIN = 75
"""Exit code if there is more to do."""
EQUIVALENT: dict[str, str] = {
    **{
        f"report/verdict.py, module: '{tone}' -> '{tone}x'": "a type annotation, which only mypy reads"
        for tone in ("good", "mixed", "bad", "none")
    },
    "report/verdict.py, _stated_scores: True -> False": "the two sequences have the same length by construction",
    "report/verdict.py, _badge: 1 -> 1.11": "a number of gates is more than 1 exactly if it is more than 1.11",
    "metrics/gates.py, __str__: self.offset < 0 -> self.offset <= 0": "an offset of 0 is not written",
}
"""Changes that no test can notice, by their text, with the reason."""

_SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip

Change = tuple[str, ast.Module]
"""What was changed, and the changed module."""


def changes(source: str) -> Iterator[Change]:
    """Yield each change of a module. The n-th change with the same name has `(n)` behind its name."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside, seen = _functions(tree), Counter[str]()
    for at, original in enumerate(ast.walk(tree)):
        for change in _ways(original, docs):
            altered = copy.deepcopy(tree)
            node = next(itertools.islice(ast.walk(altered), at, None))
            before = ast.unparse(node)
            change(node)
            name = f"{inside.get(id(original), 'module')}: {before} -> {ast.unparse(node)}"
            seen[name] += 1
            yield name + (f" ({seen[name]})" if seen[name] > 1 else ""), ast.fix_missing_locations(altered)


def _functions(tree: ast.Module) -> dict[int, str]:
    """Return the name of the innermost class or function around each node, by the node's `id`."""
    found: dict[int, str] = {}
    for outer in ast.walk(tree):  # inner ones come later, and replace the names of outer ones
        if isinstance(outer, ast.ClassDef | ast.FunctionDef):
            found |= dict.fromkeys(map(id, ast.walk(outer)), outer.name)
    return found


def _ways(node: ast.AST, docs: set[int]) -> Iterator[Callable[[ast.AST], None]]:
    """Yield the ways in which a node can be changed."""
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            swapped = _SWAPPED[type(operator)]
            yield lambda n, i=index, o=swapped: n.ops.__setitem__(i, o())  # type: ignore[attr-defined,misc]
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield lambda n, o=other: setattr(n, "op", o())  # type: ignore[misc]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield lambda n: setattr(n, "op", ast.UAdd())
    elif isinstance(node, ast.Constant) and id(node) not in docs:
        if isinstance(node.value, bool):
            yield lambda n: setattr(n, "value", not n.value)  # type: ignore[attr-defined]
        elif isinstance(node.value, int | float):
            yield lambda n: setattr(n, "value", n.value * 1.1 + 0.01)  # type: ignore[attr-defined]
        elif isinstance(node.value, str) and node.value.strip():
            yield lambda n: setattr(n, "value", n.value + "x")  # type: ignore[attr-defined]


def preload(folder: str) -> None:
    """Import the packages that no module of `MODULES` is imported by, from a copy of the package."""
    sys.path[:0] = [folder, str(ROOT)]
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    for name in BELOW:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(found.name)
    changed = {f"unlearnkit.{module.removesuffix('.py').replace('/', '.')}" for module in MODULES}
    assert changed.isdisjoint(sys.modules), "the forks would not import the changed modules"


def noticed() -> bool:
    """Return whether a test fails.

    The tests run in a fork of this process, which has imported the large libraries already, but not what is changed.
    """
    child = os.fork()
    if child == 0:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            os.chdir(ROOT)
            how = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore"]
            how += [f"--deselect={test}" for test in LEFT_OUT]
            failed = any(pytest.main([*how, *group]) != 0 for group in TESTS)
        os._exit(int(failed))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def caught(folder: str, module: str, altered: ast.Module) -> bool:
    """Return whether a test fails with the changed module in a copy of the package."""
    file = Path(folder) / "unlearnkit" / module
    source = file.read_text("utf-8")
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()
    file.write_text(ast.unparse(altered), encoding="utf-8")
    try:
        return noticed()
    finally:
        file.write_text(source, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/verdict_mutations.json"))
    parser.add_argument("--minutes", type=float, default=8.0, help="time after which the script ends")
    parser.add_argument("--survivors", action="store_true", help="try the survivors again")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    given.out.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, bool] = json.loads(given.out.read_text("utf-8")) if given.out.exists() else {}
    if given.survivors:
        known = {name: True for name, found in known.items() if found}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder, quiet=1)
        preload(folder)
        if noticed():
            raise SystemExit("the tests fail without any change, so they can catch none")
        made = {
            f"{module}, {what}": (module, altered)
            for module in MODULES
            for what, altered in changes((PACKAGE / "unlearnkit" / module).read_text("utf-8"))
        }
        for name, (module, altered) in made.items():
            if name in known or name in EQUIVALENT:
                continue
            if time.monotonic() > end:
                print(f"{len(known)} changes tried; the time is up: call again to go on")
                raise SystemExit(AGAIN)
            known[name] = caught(folder, module, altered)
            given.out.write_text(json.dumps(known, indent=0) + "\n", encoding="utf-8")
    known = {name: known[name] for name in made if name in known and name not in EQUIVALENT}  # in the code's order
    given.out.write_text(json.dumps(known, indent=0) + "\n", encoding="utf-8")
    survivors = [name for name, found in known.items() if not found]
    print(f"{len(known)} changes, {len(survivors)} survivors, {len(EQUIVALENT)} that cannot matter")
    print("\n".join(survivors))
    raise SystemExit(bool(survivors))


if __name__ == "__main__":
    main()
