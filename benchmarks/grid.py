"""Grids of runs: each cell a run of its own, the best by a rule, and tables of what was measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from unlearnkit.apart import apart
from unlearnkit.metrics.score import Score
from unlearnkit.pipeline import run
from unlearnkit.progress import Progress
from unlearnkit.recipe import make_recipe
from unlearnkit.runfolder import RunFolder

Rule = Callable[[RunFolder], dict[str, float]]
"""What a run is worth, under `score`, and the parts of that."""


def done(recipe: dict[str, Any]) -> RunFolder:
    """The run of a recipe, in a process of its own; whatever is done already is taken as it is."""
    apart(str(recipe["name"]), _run, recipe)
    return RunFolder(recipe["out"])


def best(method: str, recipes: Mapping[float, dict[str, Any]], rule: Rule) -> tuple[RunFolder, list[dict[str, Any]]]:
    """The best of a method's runs, and what the rule says of each.

    Args:
        method: its name.
        recipes: by learning rate.
        rule: how runs are judged.
    """
    cells: dict[float, dict[str, Any]] = {}
    for rate, recipe in recipes.items():
        cells[rate] = {"method": method, "lr": rate, **rule(done(recipe))}
        print(json.dumps(cells[rate]), flush=True)
    chosen = max(cells, key=lambda rate: float(cells[rate]["score"]))
    return RunFolder(recipes[chosen]["out"]), [{**cell, "chosen": rate == chosen} for rate, cell in cells.items()]


def table(rows: Mapping[str, RunFolder], columns: Iterable[str]) -> str:
    """Runs and their scores as Markdown."""
    names = list(columns)
    lines = [_line("", *(name.removeprefix("tofu.") for name in names)), "|" + "---|" * (1 + len(names))]
    for title, folder in rows.items():
        scores = folder.scores()
        lines.append(_line(title, *(_shown(name, scores.get(name)) for name in names)))
    return "\n".join(lines)


def grid_table(cells: Iterable[dict[str, Any]]) -> str:
    """What the rule says of every cell, as Markdown."""
    rows = list(cells)
    parts = [name for name in rows[0] if name not in ("method", "lr", "chosen")]
    lines = [_line("method", "lr", *parts, "chosen"), "|" + "---|" * (3 + len(parts))]
    for row in rows:
        said = (f"{row[name]:.3f}" for name in parts)
        lines.append(_line(row["method"], f"{row['lr']:g}", *said, "yes" if row["chosen"] else ""))
    return "\n".join(lines)


def _run(recipe: dict[str, Any]) -> None:
    run(make_recipe(recipe), resume=True, progress=Progress())


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(name: str, score: Score | None) -> str:
    if score is None or score.value is None:
        return "not measured"
    if "quality" in name:
        return f"{score.value:.1e}"
    return f"{score.value:.3f}" if abs(score.value) < 10 else f"{score.value:.0f}"
