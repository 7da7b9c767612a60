"""Run TRU on chosen worlds: the tables of docs/results/pocket.md.

    python experiments/worlds.py --worlds 83,84 [--requests authors,book,pii,hazard] [--out runs/worlds] [--attack]

TRU runs with and without a stronger forget term. Two jobs run at a time. Finished work is kept: a second call
continues. `--attack` also attacks every run, including the target and the retrained model.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablation_tables import BOARD, Read, figures, mean_of, of, shown
from grid import learned, measure_once
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.pipeline.attack import attack
from unlearnkit.pipeline.demo import Demo
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import EvalSettings, make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.suites.made_up.base import MEASURED
from unlearnkit.suites.pocket.requests import REQUESTS

TRU: dict[str, dict[str, Any]] = {"tru": {}, "tru-npo": {"forget": "npo", "alpha": 0.15, "retain_weight": 30}}
"""What is changed of the demo's settings, by the run's name: the second does not only decline."""
COLUMNS: dict[str, Read] = {
    **{split.removeprefix("forget."): of("accuracy", split) for split in MEASURED},
    **{f"refusal: {split.removeprefix('forget.')}": of("refusal_rate", split) for split in MEASURED[:7]},
    "trace leak: forget sets": BOARD["trace leak: forget sets"],
    "trace leak: reverse, two hops": BOARD["trace leak: hard"],
    "scope accuracy": mean_of("trace.scope_accuracy"),
    "probability": of("probability", *MEASURED[:3]),
}


def unlearned(name: str, plan: Demo, progress: Progress) -> None:
    """Unlearn and measure."""
    recipe = plan.recipe("tru")
    changed = {"name": name, "method": {**recipe["method"], **TRU[name]}, "gates": [], "out": str(plan.folder / name)}
    run(make_recipe({**recipe, **changed}), resume=True, progress=progress)


def attacked(path: Path, progress: Progress) -> None:
    """Attack a run, if that is not done."""
    folder = RunFolder(path)
    if not folder.state().attacks:
        attack(folder, progress=progress)


def table(plans: Sequence[Demo]) -> str:
    """Each world and request, the retrained model last."""
    lines = [f"| world | | {' | '.join(COLUMNS)} |", "|" + "---|" * (len(COLUMNS) + 2)]
    for plan in plans:
        for name in (*TRU, "retrained"):
            scores = figures(RunFolder(plan.folder / name))
            said = " | ".join(shown([read(scores)]) for read in COLUMNS.values())
            lines.append(f"| {plan.world_seed} | {plan.request}: {name} | {said} |")
    return "\n".join(lines)


def main() -> None:
    """Do what is not done, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--worlds", required=True)
    parser.add_argument("--requests", default=",".join(REQUESTS))
    parser.add_argument("--out", type=Path, default=Path("runs/worlds"))
    parser.add_argument("--attack", action="store_true")
    options = parser.parse_args()
    plans = [
        Demo(request=request, world_seed=world, out=options.out / f"{request}-{world}")
        for world in map(int, options.worlds.split(","))
        for request in options.requests.split(",")
    ]
    progress = Progress()
    told = {plan.folder: f"{plan.request} of world {plan.world_seed}" for plan in plans}
    learned(dict.fromkeys(plan.world_seed for plan in plans))  # all requests of a world share its target model
    for name in REFERENCES:
        each = [(plan, (plan.folder / name, name, plan.suite, EvalSettings())) for plan in plans]
        jobs = [Job(f"{name}, {told[plan.folder]}", measure_once, arguments) for plan, arguments in each]
        run_all(jobs, progress, at_once=2)
    jobs = [Job(f"{name}, {told[plan.folder]}", unlearned, (name, plan)) for plan in plans for name in TRU]
    run_all(jobs, progress, at_once=2)
    if options.attack:
        paths = [plan.folder / name for plan in plans for name in (*REFERENCES, *TRU)]
        jobs = [Job(f"attacking {path.name} of {told[path.parent]}", attacked, (path,)) for path in paths]
        run_all(jobs, progress, at_once=2)
    print(table(plans))


if __name__ == "__main__":
    main()
