"""Choose the settings of all methods by the same grid, with and without composed rows.

    python experiments/tune.py [--out runs/tuning] [--methods tru,po] [--rows composed] [--at-once 2]
    python experiments/tune.py --choose

Every cell of the grid is a run of a board (`unlearn board`). Its scores are kept in `results/tuning`: a second call
continues, even on another machine. All methods train on
the same rows, for the same steps, in the same batches, with the same optimizer, and change the weights through an
adapter. The grid has two learning rates and two weights of the retain term. A method's own constants are those of its
paper, except RMU's layer and coefficient, which depend on the model's depth and the norm of its hidden states.

The questions by other people are those for validation. The worlds, the steps, the adapter and the grid's values were
chosen after some twenty runs of TRU and one of PO in world 1 (docs/results/laboratory.md).

The rule, stated before the first run: of the four cells, the one with the highest mean over the tuning worlds of

    (1 - mean accuracy on the forget sets) * (mean accuracy on the sets to keep).

It does not reward declining, because not every method declines. The tuning worlds are never reported.

`--choose` applies the rule to the finished runs. It writes `settings.yaml`, from which the seeds of the reporting
worlds follow (`draw_world.py`), the grid that reports show, and the demo's settings.
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

import unlearnkit.suites.pocket
from unlearnkit.core.progress import Progress
from unlearnkit.metrics.score import Score
from unlearnkit.pipeline.board import board, items_of
from unlearnkit.pipeline.board_file import Board, load_board
from unlearnkit.suites.base import GridReport, GridRow

WORLDS = (1, 85)
METHODS = ("tru", "po", "npo", "graddiff", "simnpo", "rmu")
ROWS = ("composed", "given")
"""With and without rows composed from the scope."""
RATES, FACTORS = (2e-3, 4e-3), (3.0, 10.0)
"""The grid: learning rates, and weights of the retain term in the loss."""
AUGMENT = {"amount": 4500, "share": 0.7}
MODEL = {"lora": {"r": 16}}
TRAIN = {"epochs": None, "steps": 300, "batch_size": 16, "retain_batch_size": 32, "max_length": 192}
FORGOTTEN = (
    *(f"forget{kind}.accuracy" for kind in ("", ".paraphrased", ".translated", ".reverse", ".multihop")),
    "wording.forget.asked.any.known",
)
KEPT = (
    *(f"{name}.accuracy" for name in ("near", "far", "retain.held_out")),
    *(f"wording.near.{name}.any.known" for name in ("asked", "half_name")),
)
"""Scores of the sets to forget and to keep. Of the questions by other people, those that the target model answers."""
POCKET = Path(unlearnkit.suites.pocket.__file__).parent
SETTINGS = Path(__file__).parent / "settings.yaml"
RESULTS = Path(os.path.relpath(Path(__file__).parent)) / "results" / "tuning"
"""Relative, because the kept files contain the path."""


def method_of(name: str, factor: float) -> dict[str, Any]:
    """Return a method's recipe section, in which the retain term has the weight `factor`."""
    if name == "tru":
        alpha = 0.1
        weight = {"alpha": alpha, "retain_weight": round(factor / alpha, 6), "paired": False}
        return {"name": name, "forget": "ga", "retain": "nll", **weight}
    if name == "rmu":
        # The middle of three layers; hidden states have a norm of about 17.
        own = {"layer": 1, "coefficient": 20.0, "retain": "representation"}
        return {"name": name, **own, "retain_weight": factor}
    return {"name": name, "retain": "nll", "retain_weight": factor}


def sections_of(name: str, rows: str, rate: float, factor: float) -> dict[str, Any]:
    """Return the recipe sections of a cell."""
    data = {"data": {"augment": AUGMENT}} if rows == "composed" else {}
    return {**data, "model": MODEL, "method": method_of(name, factor), "train": {**TRAIN, "lr": rate}}


def cells_of(method: str, rows: str) -> Iterator[tuple[str, str, float, float]]:
    """Yield a method's cells: method, rows, learning rate and weight of the retain term."""
    yield from itertools.product((method,), (rows,), RATES, FACTORS)


def title_of(name: str, rows: str, rate: float, factor: float) -> str:
    """Return the title of a cell in the board."""
    return f"{name} {rows} {rate:g} {factor:g}"


def plan_of(out: Path, method: str, rows: str) -> Board:
    """Write the board file of a method's cells, and return the board."""
    content = {
        "name": "tuning",
        "suites": [{"name": "pocket", "edition": 2, "asked": "validation", "worlds": list(WORLDS)}],
        "methods": {title_of(*cell): sections_of(*cell) for cell in cells_of(method, rows)},
        "scores": {name: name.removesuffix(".accuracy") for name in (*FORGOTTEN, *KEPT)},
        "out": str(out),
        "keep": str(RESULTS / f"{method}-{rows}.json.gz"),
    }
    file = out / f"{method}-{rows}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_board(file)


def judged(scores: Mapping[str, Score]) -> dict[str, float]:
    """Return what the rule says of one run, and its two factors."""

    def mean(names: Sequence[str]) -> float:
        values = [scores[name].value for name in names]
        return sum(value for value in values if value is not None) / len(values)

    forgetting, keeping = 1 - mean(FORGOTTEN), mean(KEPT)
    return {"forgetting": forgetting, "keeping": keeping, "score": forgetting * keeping}


def row_of(plan: Board, cell: tuple[str, str, float, float]) -> GridRow:
    """Return a cell's means over the tuning worlds."""
    method, rows, rate, factor = cell
    runs = [judged(item.scores) for item in items_of(plan) if item.method == title_of(*cell)]
    scores: dict[str, float | None] = {name: sum(run[name] for run in runs) / len(runs) for name in runs[0]}
    return GridRow(method=method, settings={"rows": rows, "lr": rate, "retain": factor}, scores=scores)


def choose(out: Path) -> None:
    """Apply the rule, and write the settings, the grid and the demo's methods."""
    chosen: dict[str, dict[str, Any]] = {}
    table: list[GridRow] = []
    for method, rows in itertools.product(METHODS, ROWS):
        plan, cells = plan_of(out, method, rows), list(cells_of(method, rows))
        found = [row_of(plan, cell) for cell in cells]
        best = max(range(len(cells)), key=lambda at: found[at].scores["score"] or 0.0)
        table += [row.model_copy(update={"chosen": at == best}) for at, row in enumerate(found)]
        chosen[f"{method}, {rows} rows"] = sections_of(*cells[best])
        if rows == "composed":
            (POCKET / "methods" / f"{method}.yaml").write_text(
                yaml.safe_dump(sections_of(*cells[best]), sort_keys=False), encoding="utf-8"
            )
    SETTINGS.write_text(yaml.safe_dump(chosen, sort_keys=False), encoding="utf-8")
    worlds = ", ".join(map(str, WORLDS))
    note = (
        f"Every method was run with the same {len(RATES) * len(FACTORS)} setting combinations on the tuning worlds "
        f"{worlds}, with and without rows composed from the scope. For each method, the combination with the highest "
        "product of forgetting and keeping was chosen. No report shows these worlds. The script experiments/tune.py "
        "made this grid and states the exact rule."
    )
    grid = GridReport(rows=tuple(table), note=note)
    (POCKET / "grid.json").write_text(grid.model_dump_json(indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Fill the grid, or choose."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/tuning"))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--rows", default=",".join(ROWS), help="composed, given, or both")
    parser.add_argument("--at-once", type=int, default=2, help="number of runs in parallel")
    parser.add_argument("--choose", action="store_true", help="apply the rule to the finished runs")
    given = parser.parse_args()
    if given.choose:
        choose(given.out)
        return
    for method, rows in itertools.product(given.methods.split(","), given.rows.split(",")):
        board(plan_of(given.out, method, rows), at_once=given.at_once, progress=Progress()).raise_failed()


if __name__ == "__main__":
    main()
