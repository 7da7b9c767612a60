"""Change the code that writes the verdict, one place at a time: does a test fail?

    python experiments/verdict_mutations.py [--out runs/verdict_mutations.json] [--minutes 8]

Every comparison, number, name of a set or score, `and`, `or` and `not` in the modules of `MODULES` is changed, and the
tests in `TESTS` are run. A change that no test notices is a survivor: a sentence of the verdict, or a default gate,
whose condition, set or number is not tested. Changes that cannot matter (`EQUIVALENT`) are listed with the reason.

Finished changes are kept in `--out`. After `--minutes`, the script ends with exit code 75; call it again to go on.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import plotly.graph_objects
import pytest
import torch
import transformers

__all__ = ["plotly", "torch", "transformers"]  # imported here, so that the forks need not import them

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
    "tests/report/test_first_lines.py",
    "tests/report/test_words.py",
    "tests/report/test_gates.py",
    "tests/metrics/test_default_gates.py",
    "tests/report/test_attack_table.py",
    "tests/report/test_suite_scores.py",
    "tests/report/test_outside_scores.py",
    "tests/report/test_render.py",
)
AGAIN = 75
"""Exit code if there is more to do."""
EQUIVALENT: dict[str, str] = {}
"""Changes that no test can notice, by their text, with the reason."""

_SWAPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip

Change = tuple[str, ast.Module]
"""What was changed, and the changed module."""


def changes(source: str) -> Iterator[Change]:
    """Yield each change of a module."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    count = sum(1 for _ in ast.walk(tree))
    for at in range(count):
        for change in _ways(list(ast.walk(tree))[at], docs):
            altered = copy.deepcopy(tree)
            node = list(ast.walk(altered))[at]
            before = ast.unparse(node)
            change(node)
            yield (
                f"line {getattr(node, 'lineno', 0)}: {before} -> {ast.unparse(node)}",
                ast.fix_missing_locations(altered),
            )


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


def caught(module: str, altered: ast.Module) -> bool:
    """Return whether a test fails with the changed module.

    The tests run in a fork of this process, which has imported the large libraries already, but not the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        (Path(folder) / "unlearnkit" / module).write_text(ast.unparse(altered), encoding="utf-8")
        child = os.fork()
        if child == 0:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
                os.chdir(ROOT)
                sys.path[:0] = [folder, str(ROOT)]
                os.environ["PYTHONPATH"] = folder
                code = pytest.main(["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore", *TESTS])
            os._exit(int(code))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/verdict_mutations.json"))
    parser.add_argument("--minutes", type=float, default=8.0, help="time after which the script ends")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    given.out.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, bool] = json.loads(given.out.read_text("utf-8")) if given.out.exists() else {}
    for module in MODULES:
        for what, altered in changes((PACKAGE / "unlearnkit" / module).read_text("utf-8")):
            name = f"{module}, {what}"
            if name in known or name in EQUIVALENT:
                continue
            if time.monotonic() > end:
                print(f"{len(known)} changes tried; the time is up: call again to go on")
                raise SystemExit(AGAIN)
            known[name] = caught(module, altered)
            given.out.write_text(json.dumps(known, indent=0) + "\n", encoding="utf-8")
    survivors = [name for name, noticed in known.items() if not noticed]
    print(f"{len(known)} changes, {len(survivors)} survivors, {len(EQUIVALENT)} that cannot matter")
    print("\n".join(survivors))
    raise SystemExit(bool(survivors))


if __name__ == "__main__":
    main()
