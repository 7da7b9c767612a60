"""How a source tree is built: rooms, floors, lines, and how often a run repeats work. Any tree, before or after.

    python experiments/house_metrics.py --src [NAME=]DIR [--src [NAME=]DIR ...] [--no-run] [--json FILE]

DIR holds the package (`src` of a checkout); the table has a column for each. Code lines leave out docstrings, comments,
blank lines and data. Data are JSON and YAML files, and top-level literals of more than 5 lines (tables of words).
A room is a package of the root, or a module there; floors are the rooms on the longest chain of imports, where rooms
that import each other in a circle count once. Imports for type checking alone do not count; those in functions do.
Unless `--no-run`, `unlearn run recipes/tofu.yaml` runs on pocket TOFU data in each tree (about a minute).
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "unlearnkit"
PARTS = ("methods/edits", "methods/guards", "methods/schemes", "localization", "testing")
LARGEST_LITERAL = 5
TRACES = re.compile(r"(?<!def )\b(?:split_trace|split_thought)\(")
PLACES = {
    "places that load a model": (re.compile(r"(?<!def )\bload_model\("), "models"),
    "places that move a model to a device": (re.compile(r"\.cuda\(\s*\)|\.to\(PartialState\(\s*\)\.device\s*\)"), None),
    "places that make a suite": (re.compile(r"(?<!def )\bmake_suite\("), None),
}
"""What is counted, and the room where it does not count."""


# Lines.


def code_lines(text: str) -> int:
    """Lines that hold code: no docstring, comment or blank line, and no table."""
    tree = ast.parse(text)
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            left_out |= lines_of(node)  # a docstring, or the words after a field
    for node in tree.body:
        value = getattr(node, "value", None) if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if value is not None and len(lines_of(node)) > LARGEST_LITERAL and is_literal(value):
            left_out |= lines_of(node)
    held = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            held |= set(range(token.start[0], token.end[0] + 1)) if token.string else set()
    return len(held - left_out)


def lines_of(node: ast.AST) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))  # type: ignore[attr-defined]


def is_literal(value: ast.expr) -> bool:
    """Whether a value is made of constants alone."""
    kinds = (ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Load, ast.UnaryOp, ast.USub)
    return all(isinstance(node, kinds) for node in ast.walk(value))


# Floors.


def imports_of(tree: ast.AST, modules: frozenset[str]) -> Iterator[str]:
    """The package's modules that a module imports, those for type checking alone left out."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in modules or node.module in modules:
                    yield full if full in modules else node.module
        pending += ast.iter_child_nodes(node)


def floors(graph: dict[str, set[str]]) -> int:
    """Rooms on the longest chain of imports, circles collapsed."""
    reached = {room: reachable(room, graph) for room in graph}
    circle = {room: frozenset({room, *(o for o in reached[room] if room in reached[o])}) for room in graph}

    @cache
    def depth(members: frozenset[str]) -> int:
        below = {circle[other] for room in members for other in graph[room]} - {members}
        return 1 + max(map(depth, below), default=0)

    return max(map(depth, circle.values()))


def largest_circle(graph: dict[str, set[str]]) -> list[str]:
    """The most rooms that reach each other."""
    reached = {room: {*reachable(room, graph), room} for room in graph}
    circles = (
        [other for other in sorted(graph) if room in reached[other] and other in reached[room]] for room in graph
    )
    return max(circles, key=len)


def reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(graph[start])
    while pending:
        room = pending.pop()
        if room not in found:
            found.add(room)
            pending += graph[room]
    return found


def standing(src: Path) -> dict[str, Any]:
    """What can be counted without running anything."""
    root = src / PACKAGE
    files = {path: path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    names = {path: ".".join(path.relative_to(src).with_suffix("").parts).removesuffix(".__init__") for path in files}
    modules, graph = frozenset(names.values()), dict[str, set[str]]()
    lines = {path.relative_to(root).as_posix(): code_lines(text) for path, text in files.items()}
    for path, text in files.items():
        room = room_of(names[path])
        own = graph.setdefault(room, set())
        if names[path] != PACKAGE:  # the public names are looked up when they are used
            own |= {room_of(other) for other in imports_of(ast.parse(text), modules)} - {room}
    parts = {f"code lines in {part}": sum(n for at, n in lines.items() if at.startswith(f"{part}/")) for part in PARTS}
    found = {
        "modules": len(files),
        "modules at the package root": sum(path.parent == root and path.stem != "__init__" for path in files),
        "code lines": sum(lines.values()),
        **parts,
        "code lines without those": sum(lines.values()) - sum(parts.values()),
        "rooms": len(graph),
        "import floors": floors(graph),
        "rooms in the largest import circle": len(circle := largest_circle(graph)),
        "these rooms": ", ".join(circle) if len(circle) > 1 else "none",
    }
    for name, (pattern, free) in PLACES.items():
        inside = {at: t for at, t in files.items() if free is None or at.relative_to(root).parts[0] != free}
        found[name] = sum(len(pattern.findall(code_of(text))) for text in inside.values())
    found["places that split a reasoning trace"] = sum(len(TRACES.findall(code_of(text))) for text in files.values())
    return found


def code_of(text: str) -> str:
    """The text without comments and strings."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    words = (token.string for token in tokens if token.type not in (tokenize.COMMENT, tokenize.STRING))
    return re.sub(r" ?([.(]) ?", r"\1", " ".join(words))


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else PACKAGE


# What a run does, counted in the process of the command.


def watched(argv: list[str]) -> int:
    """Run the command line with TOFU's suite watched, and print the counts."""
    import time
    from importlib import import_module

    from unlearnkit.cli.app import main

    sys.path.insert(0, str(Path(__file__).parent))
    suites = import_module("unlearnkit.suites.tofu.suite" if (Path(import_module(PACKAGE).__file__ or "").parent
                           / "suites" / "tofu").is_dir() else "unlearnkit.suites.tofu")  # fmt: skip
    kind, counts = suites.Tofu, {"suites made": 0, "task() calls": 0, "seconds": 0.0}

    def counted(name: str, method: Any) -> Any:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            counts[name] += 1
            began = time.process_time()
            try:
                return method(self, *args, **kwargs)
            finally:
                counts["seconds"] += time.process_time() - began

        return call

    kind.__init__ = counted("suites made", kind.__init__)
    kind.task = counted("task() calls", kind.task)
    sys.argv = ["unlearn", *argv]
    began = time.process_time()
    try:
        code = main()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    spent = time.process_time() - began
    Path(os.environ["HOUSE_METRICS"]).write_text(json.dumps({**counts, "all": spent, "code": code}), encoding="utf-8")
    return code


def running(src: Path, place: Path) -> dict[str, Any]:
    """Count what `unlearn run recipes/tofu.yaml` does on pocket TOFU data."""
    data, made = place / "tofu", place / "counts.json"
    environment = {**os.environ, "TQDM_DISABLE": "1", "HOUSE_METRICS": str(made)}
    if not data.exists():
        sys.path[:0] = [str(ROOT), str(ROOT / "src")]
        from experiments.same_results import tofu_data

        tofu_data(data)
    overrides = {
        "suite.split": "forget01", "data.path": data / "files", "model.path": data / "target", "suite.retrained":
        data / "retrained", "train.epochs": "null", "train.steps": 4, "train.batch_size": 4, "eval.max_new_tokens": 8,
        "out": place / f"run{len(list(place.iterdir()))}",
    }  # fmt: skip
    command = [sys.executable, __file__, "--watched", "run", str(ROOT / "recipes" / "tofu.yaml")]
    command += [f"{key}={value}" for key, value in overrides.items()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**environment, "PYTHONPATH": str(src)})
    counts = json.loads(made.read_text(encoding="utf-8"))
    return {
        "suites made in a run": counts["suites made"],
        "calls of task() in a run": counts["task() calls"],
        "processor seconds in both": round(counts["seconds"], 3),
        "processor seconds of the run": round(counts["all"], 1),
    }


def table(found: dict[str, dict[str, Any]]) -> str:
    rows = dict.fromkeys(name for column in found.values() for name in column)
    lines = [f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(str(column.get(name, '-')) for column in found.values())} |" for name in rows]
    return "\n".join(lines)


def named(text: str) -> tuple[str, Path]:
    """Read NAME=DIR; without a name, the folder is the name."""
    name, _, folder = text.rpartition("=")
    return name or text, Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--src",
        action="append",
        type=named,
        required=True,
        help="folder of the package; NAME= heads its column",
    )
    parser.add_argument("--no-run", action="store_true", help="only what can be counted without a run")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    found = {name: standing(src.resolve()) for name, src in options.src}
    if not options.no_run:
        with tempfile.TemporaryDirectory() as place:
            for name, src in options.src:
                found[name] |= running(src.resolve(), Path(place))
    print(table(found))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watched"]:
        sys.exit(watched(sys.argv[2:]))
    main()
