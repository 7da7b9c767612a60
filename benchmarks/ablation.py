"""What each part of TRU is worth, on the pocket world: the cells of ablation.yaml, each a run of its own.

    python benchmarks/ablation.py [--out runs/ablation] [--cells full,npo] [--worlds 74] [--smoke]

Every cell is kept; a second call goes on where the first was stopped. A cell that fails is told and left out; the next
call tries it again. The runs of one request and world lie in one folder, beside the target and the retrained model:
`unlearn report` and `unlearn attack` take it as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unlearnkit.apart import Job, together
from unlearnkit.demo import Demo
from unlearnkit.errors import UnlearnError
from unlearnkit.evaluation import evaluate
from unlearnkit.pipeline import run
from unlearnkit.progress import Progress
from unlearnkit.recipe import make_recipe
from unlearnkit.report.names import REFERENCES
from unlearnkit.runfolder import RunFolder

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

    def recipe(self, cell: str) -> dict[str, Any]:
        """The recipe of a cell."""
        changed = dict(PLAN["cells"][cell])
        demo = Demo(request=self.request, world_seed=self.world, out=self.folder)
        recipe = demo.recipe(changed.pop("method.name", "tru"))
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


def reference(name: str, board: Board, progress: Progress) -> None:
    """Make and measure the target or the retrained model of a board, if that is not done."""
    folder = RunFolder(board.folder / name)
    if not (folder.is_run and folder.state().measure is not None):
        evaluate(name, board.suite, out=folder.path, progress=progress)


def filled(recipe: dict[str, Any], progress: Progress) -> str | None:
    """Do a cell; why it failed, or None."""
    try:
        run(make_recipe(recipe), resume=True, progress=progress)
    except UnlearnError as error:
        return error.render()
    return None


def done(folder: str) -> bool:
    """Whether a run is finished; looked at here, for a process of its own takes a second."""
    run = RunFolder(folder)
    return run.is_run and run.state().done


def main() -> None:
    """Fill every cell that is empty."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--cells", default=",".join(PLAN["cells"]))
    parser.add_argument("--worlds", default=",".join(map(str, PLAN["worlds"])))
    parser.add_argument("--smoke", action="store_true", help="two steps a cell")
    options = parser.parse_args()
    plan = list(boards(options.out, list(map(int, options.worlds.split(","))), options.cells.split(",")))
    progress = Progress()
    together(
        [Job(f"{name} of {board.folder.name}", reference, (name, board)) for board in plan for name in REFERENCES],
        progress,
        at_once=2,
    )
    recipes = [board.recipe(cell) for board in plan for cell in board.cells]
    if options.smoke:
        recipes = [{**r, "train": {**r["train"], "epochs": None, "steps": 2}} for r in recipes]
    recipes = [recipe for recipe in recipes if not done(recipe["out"])]
    # What goes on with another cell's result comes after all others.
    for later in (False, True):
        chosen = [recipe for recipe in recipes if ("model" in recipe) == later]
        for recipe in chosen:
            make_recipe(recipe)  # what is wrong with the last is told before the first is begun
        names = [str(Path(recipe["out"]).relative_to(options.out)) for recipe in chosen]
        jobs = [Job(name, filled, (recipe,)) for name, recipe in zip(names, chosen, strict=True)]
        for name, failed in zip(names, together(jobs, progress, at_once=2), strict=True):
            if failed is not None:
                progress.say(f"{name} failed: {failed}")


if __name__ == "__main__":
    main()
