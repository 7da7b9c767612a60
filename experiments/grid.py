"""Grids of runs: one run per cell, and the best cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all, run_in_subprocess
from unlearnkit.data.vocabulary import RETRAINED
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.score import Score
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import EvalSettings, make_recipe, make_suite
from unlearnkit.records.schema import Record
from unlearnkit.runs.folder import RunFolder
from unlearnkit.suites.pocket.suite import Pocket

Rule = Callable[[RunFolder], dict[str, float]]
"""What a run is worth, under `score`, and the parts of that."""

Grid = Mapping[str, Mapping[float, dict[str, Any]]]
"""Recipes of each method, by learning rate."""


def done(recipes: Iterable[dict[str, Any]]) -> None:
    """Runs, two at a time, each in a process of its own; whatever is done already is taken as it is."""
    recipes = list(recipes)
    for recipe in recipes:
        make_recipe(recipe)  # what is wrong with the last is told before the first is begun
    run_all([Job(str(recipe["name"]), _run, (recipe,)) for recipe in recipes], Progress(), at_once=2)


def measured(
    models: Mapping[str, str], suite: dict[str, Any], out: Path, settings: EvalSettings
) -> dict[str, RunFolder]:
    """Models that runs in `out` are held against, in folders under their names, one after the other."""
    for name, model in models.items():
        run_in_subprocess(name, measure_once, out / name, model, suite, settings)
    return {name: RunFolder(out / name) for name in models}


def learned(worlds: Iterable[int], edition: Literal[1, 2] = 1) -> None:
    """Make the target models of worlds of the pocket suite, two at a time, where they are not in the cache."""
    run_all([Job(f"world {world}", _learn, (world, edition)) for world in worlds], Progress(), at_once=2)


def measure_once(path: Path, model: str, suite: dict[str, Any], settings: EvalSettings, progress: Progress) -> None:
    """Make a model, where it is the suite's own, and measure it in a folder, if that is not done."""
    if not (RunFolder(path).is_run and RunFolder(path).scores_file.exists()):
        evaluate(model, suite, out=path, settings=settings, progress=progress)


def filled(grid: Grid, rule: Rule) -> tuple[dict[str, RunFolder], list[dict[str, Any]]]:
    """The best run of each method by its name, and what the rule says of every cell."""
    done(recipe for recipes in grid.values() for recipe in recipes.values())
    chosen, said = {}, []
    for method, recipes in grid.items():
        cells: list[dict[str, Any]] = [
            {"method": method, "lr": rate, **rule(RunFolder(recipe["out"]))} for rate, recipe in recipes.items()
        ]
        best = max(cells, key=lambda cell: float(cell["score"]))
        said += [{**cell, "chosen": cell is best} for cell in cells]
        folder = RunFolder(recipes[best["lr"]]["out"])
        chosen[folder.path.name] = folder
    return chosen, said


def tuning_rows(records: Sequence[Record], split: str, of_a_subject: int) -> list[Record]:
    """A set's rows of every second subject, by which settings are chosen.

    The rows of each subject, `of_a_subject` in number, follow one another.
    """
    members = [record for record in records if record.split == split]
    return [record for at, record in enumerate(members) if at // of_a_subject % 2 == 0]


def reported_scores(
    folders: Mapping[str, RunFolder], splits: Iterable[str], of_a_subject: int
) -> dict[str, dict[str, Score]]:
    """Scores of runs on the rows by which nothing was chosen: those that `tuning_rows` leaves out of `splits`.

    The run `retrained` is the one that the others are compared with.
    """
    names = tuple(splits)

    def left(folder: RunFolder) -> list[Record]:
        records = folder.records()
        used = {id(record) for split in names for record in tuning_rows(records, split, of_a_subject)}
        return [record for record in records if id(record) not in used]

    found, retrained = {}, left(folders[RETRAINED])
    for title, folder in folders.items():
        records, suite = left(folder), make_suite(folder.state().suite)
        scores = {**score_records(records, folder.scope()), **suite.scores(records, retrained)}
        found[title] = {**scores, **{name: each for name, each in folder.scores().items() if name.startswith("cost.")}}
    return found


def table(rows: Mapping[str, Mapping[str, Score]], columns: Iterable[str]) -> str:
    """Scores of runs as Markdown."""
    names = list(columns)
    lines = [_line("", *(name.removeprefix("tofu.") for name in names)), "|" + "---|" * (1 + len(names))]
    for title, scores in rows.items():
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


def _run(recipe: dict[str, Any], progress: Progress) -> None:
    run(make_recipe(recipe), resume=True, progress=progress)


def _learn(world: int, edition: Literal[1, 2], progress: Progress) -> None:
    Pocket(world_seed=world, edition=edition).target_model(progress)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(name: str, score: Score | None) -> str:
    if score is None or score.value is None:
        return "not measured"
    if "quality" in name:
        return f"{score.value:.1e}"
    return f"{score.value:.3f}" if abs(score.value) < 10 else f"{score.value:.0f}"
