"""Run the demo's methods on one world of each kind: the tables of docs/results/laboratory.md.

    python experiments/laboratory.py --suite pocket --world 7 [--out runs/laboratory] [--at-once 2]
    python experiments/laboratory.py --suite clinic --world 7
    python tools/result_tables.py --keep experiments/results/laboratory-pocket.json runs/laboratory/pocket-7

The suite `pocket` is measured in edition 2, i.e. also on questions that other people wrote. The settings of the methods
are those of `unlearn demo`. They were chosen on edition 1, and nothing was chosen on the other suites. Finished work is
kept: a second call continues.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.pipeline.demo import method_settings
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder

METHODS = ("tru", "po", "npo", "graddiff")
EDITIONS: dict[str, dict[str, Any]] = {"pocket": {"edition": 2}, "clinic": {}, "company": {}}
"""What is set besides the world's seed, by suite."""


def reference(name: str, suite: dict[str, Any], out: Path, progress: Progress) -> None:
    """Build and measure the target model or the retrained model, unless that is done."""
    folder = RunFolder(out / name)
    if not (folder.is_run and folder.state().measure is not None):
        evaluate(name, suite, out=folder.path, progress=progress)


def unlearned(name: str, suite: dict[str, Any], out: Path, progress: Progress) -> None:
    """Unlearn with one method and measure the result."""
    recipe = {"name": name, "suite": suite, **method_settings(name), "gates": [], "out": str(out / name)}
    run(make_recipe(recipe), resume=True, progress=progress)


def main() -> None:
    """Run all methods on one world."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suite", choices=tuple(EDITIONS), required=True)
    parser.add_argument("--world", type=int, required=True, help="seed of the world")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--out", type=Path, default=Path("runs/laboratory"))
    parser.add_argument("--at-once", type=int, default=2, help="number of models to work on in parallel")
    given = parser.parse_args()
    suite = {"name": given.suite, "world_seed": given.world, **EDITIONS[given.suite]}
    out, progress = given.out / f"{given.suite}-{given.world}", Progress()
    references = [Job(name, reference, (name, suite, out)) for name in REFERENCES]
    methods = [Job(name, unlearned, (name, suite, out)) for name in given.methods.split(",")]
    for jobs in (references, methods):
        run_all(jobs, progress, at_once=given.at_once)


if __name__ == "__main__":
    main()
