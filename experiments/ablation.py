"""Measure what each part of TRU contributes, by the cells of ablation.yaml.

    python experiments/ablation.py [--out runs/ablation] [--cells full,npo] [--worlds 74] [--smoke]
    python experiments/ablation_tables.py [--out runs/ablation]

The first command unlearns, measures, attacks, judges by rules and measures faithfulness; the second prints the tables.
Every cell is a run of its own and is kept: a second call continues. A cell that fails is reported and skipped; the next
call tries it again. The runs of one request and world are in one folder with the target and the retrained model, so
`unlearn report` reads it directly.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grid import measure_once
from unlearnkit.core.errors import InputError, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.pipeline.attack import attack
from unlearnkit.pipeline.demo import Demo
from unlearnkit.pipeline.faithfulness import measure_faithfulness
from unlearnkit.pipeline.judge import judge_outputs
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import EvalSettings, make_recipe
from unlearnkit.runs.folder import RunFolder

REFUSAL_PROMPT = "refusal-prompt"
"""The target model under a system prompt that asks it to decline."""
PLAN: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Board:
    """One request in one world, and its cells."""

    request: str
    world: int
    cells: tuple[str, ...]
    out: Path

    @property
    def folder(self) -> Path:
        """Of its runs."""
        return self.out / f"{self.request}-{self.world}"

    @property
    def suite(self) -> dict[str, Any]:
        """The suite's section of every recipe."""
        return Demo(request=self.request, world_seed=self.world).suite

    def measuring(self, name: str) -> Job:
        """Make and measure the target or the retrained model, or the one under a prompt, if that is not done."""
        prompt = PLAN[REFUSAL_PROMPT][self.request] if name == REFUSAL_PROMPT else None
        arguments = (self.folder / name, "target" if prompt else name, self.suite, EvalSettings(system_prompt=prompt))
        return Job(f"{name} of {self.folder.name}", measure_once, arguments)

    def recipe(self, cell: str) -> dict[str, Any]:
        """The recipe of a cell."""
        changed = dict(PLAN["cells"][cell])
        demo = Demo(request=self.request, world_seed=self.world, out=self.folder)
        method = changed.pop("method.name", "tru")
        recipe = demo.recipe(method)
        if method == "tru":
            changed = {**PLAN["tru"], **changed}
        for key, value in changed.items():
            section, _, field = key.partition(".")
            recipe[section] = {**recipe.get(section, {}), field: value}
        if "model" in recipe:  # a cell of this board, whose result is gone on with
            recipe["model"]["path"] = str(RunFolder(self.folder / recipe["model"]["path"]).model)
        return {**recipe, "name": cell, "gates": [], "out": str(self.folder / cell)}


def boards(out: Path, worlds: list[int], cells: list[str]) -> Iterator[Board]:
    """Every board of the plan, with the chosen cells."""
    for world in worlds:
        yield Board("authors", world, tuple(cells), out)
    if worlds[0] == PLAN["worlds"][0]:
        for request in PLAN["requests"]:
            yield Board(request, worlds[0], tuple(cell for cell in cells if cell in PLAN["everywhere"]), out)


def filled(recipe: dict[str, Any], progress: Progress) -> str | None:
    """Do a cell; why it failed, or None."""
    try:
        run(make_recipe(recipe), resume=True, progress=progress)
    except UnlearnError as error:
        return error.render()
    return None


def probed(path: str, progress: Progress) -> str | None:
    """Attack a run, judge it by rules and turn its verdicts, as far as that is not done; why it failed, or None."""
    folder = RunFolder(path)
    try:
        attack(folder, progress=progress)
        judge_outputs(folder, progress=progress)
        if folder.name not in REFERENCES:
            measure_faithfulness(folder, progress=progress)
    except InputError as error:
        if "nothing to turn" not in error.what:  # a method that is not taught to think decides nothing
            return error.render()
    except UnlearnError as error:
        return error.render()
    return None


def done(folder: str) -> bool:
    """Whether a run is finished; looked at here, for a process of its own takes a second."""
    run = RunFolder(folder)
    return run.is_run and run.state().done


def is_probed(folder: RunFolder) -> bool:
    """Whether a run was attacked and judged."""
    return bool(folder.state().attacks) and any(name.startswith("judge.") for name in folder.scores())


def main() -> None:
    """Fill every cell that is empty."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--cells", default=",".join(PLAN["cells"]))
    parser.add_argument("--worlds", default=",".join(map(str, PLAN["worlds"])))
    parser.add_argument("--smoke", action="store_true", help="two steps per cell")
    options = parser.parse_args()
    plan = list(boards(options.out, list(map(int, options.worlds.split(","))), options.cells.split(",")))
    progress = Progress()
    models = (*REFERENCES, REFUSAL_PROMPT)
    # The target model first: what is measured under a prompt is the same one.
    run_all([board.measuring(name) for board in plan for name in models], progress, at_once=2)
    recipes = [board.recipe(cell) for board in plan for cell in board.cells]
    if options.smoke:
        recipes = [{**r, "train": {**r["train"], "epochs": None, "steps": 2}} for r in recipes]
    left = [recipe for recipe in recipes if not done(recipe["out"])]
    # What goes on with another cell's result comes after all others.
    for later in (False, True):
        chosen = [recipe for recipe in left if ("model" in recipe) == later]
        for recipe in chosen:
            make_recipe(recipe)  # what is wrong with the last is told before the first is begun
        _told([recipe["out"] for recipe in chosen], filled, [(recipe,) for recipe in chosen], progress)
    folders = [board.folder / name for board in plan for name in (*models, *board.cells)]
    runs = [folder for folder in map(RunFolder, folders) if folder.is_run and folder.state().measure is not None]
    todo = [str(run.path) for run in runs if not is_probed(run)]
    _told(todo, probed, [(path,) for path in todo], progress)


def _told(paths: list[str], work: Callable[..., str | None], arguments: list[tuple[Any]], progress: Progress) -> None:
    """Do a piece of work for each run, two at a time, and tell what failed."""
    names = ["/".join(Path(path).parts[-2:]) for path in paths]
    jobs = [Job(name, work, given) for name, given in zip(names, arguments, strict=True)]
    for name, failed in zip(names, run_all(jobs, progress, at_once=2), strict=True):
        if failed is not None:
            progress.log(f"{name} failed: {failed}")


if __name__ == "__main__":
    main()
