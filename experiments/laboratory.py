"""Run the demo's methods on one world of each kind: the tables of docs/results/laboratory.md.

    python experiments/laboratory.py --suite pocket --world 7 [--out runs/laboratory] [--at-once 2]
    python experiments/laboratory.py --suite clinic --world 7
    python experiments/laboratory.py --suite pocket --world 7 --keep experiments/results/laboratory-pocket.json

The suite `pocket` is measured in edition 2, i.e. also on questions that other people wrote. The settings of the methods
are those of `unlearn demo`. They were chosen on edition 1, and nothing was chosen on the other suites. Finished work is
kept: a second call continues. `--keep` scores the finished runs again, and writes the scores to a file, with the share
of revealing responses about each subject (`subject.<number>.tells`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from unlearnkit.core.files import write_atomic
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.score import mean_score
from unlearnkit.metrics.subject_scores import tells_by_subject
from unlearnkit.pipeline.demo import method_settings
from unlearnkit.pipeline.score import score
from unlearnkit.pipeline.subprocess_jobs import measure_reference, unlearn
from unlearnkit.report.build import find_runs

METHODS = ("tru", "po", "npo", "graddiff")
EDITIONS: dict[str, dict[str, Any]] = {"pocket": {"edition": 2}, "clinic": {}, "company": {}}
"""What is set besides the world's seed, by suite."""


def keep(out: Path, file: Path) -> None:
    """Write the scores of the finished runs of one world to a file."""
    kept = {}
    for run_folder in find_runs([out]):
        score(run_folder)
        told = tells_by_subject(run_folder.records(), run_folder.scope())
        subjects = {f"subject.{number}.tells": mean_score(each.values) for number, each in told.items()}
        scores = {name: each for name, each in {**run_folder.scores(), **subjects}.items() if each.value is not None}
        kept[run_folder.name] = {name: each.model_dump(exclude_none=True) for name, each in scores.items()}
    write_atomic(file, json.dumps({"runs": kept}, indent=0, sort_keys=True) + "\n")


def main() -> None:
    """Run all methods on one world."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suite", choices=tuple(EDITIONS), required=True)
    parser.add_argument("--world", type=int, required=True, help="seed of the world")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--out", type=Path, default=Path("runs/laboratory"))
    parser.add_argument("--at-once", type=int, default=2, help="number of models to work on in parallel")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the scores of the finished runs to FILE")
    given = parser.parse_args()
    suite = {"name": given.suite, "world_seed": given.world, **EDITIONS[given.suite]}
    out, progress = given.out / f"{given.suite}-{given.world}", Progress()
    if given.keep is not None:
        keep(out, given.keep)
        return
    references = [(name, suite, out / name, None, "float32") for name in REFERENCES]
    recipes = [
        {"name": name, "suite": suite, **method_settings(name), "gates": [], "out": str(out / name)}
        for name in given.methods.split(",")
    ]
    for jobs in (
        [Job(arguments[0], measure_reference, arguments) for arguments in references],
        [Job(recipe["name"], unlearn, (recipe,)) for recipe in recipes],
    ):
        run_all(jobs, progress, at_once=given.at_once)


if __name__ == "__main__":
    main()
