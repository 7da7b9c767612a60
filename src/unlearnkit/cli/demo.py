"""The command `unlearn demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo_command(
    request: Annotated[
        str | None,
        typer.Option(help="Part of the synthetic world to forget (see `unlearn show pocket`). Default: the suite's."),
    ] = None,
    methods: Annotated[
        str, typer.Option(help="Names of the methods to compare, separated by commas.")
    ] = "tru,po,npo,graddiff",
    world_seed: Annotated[int, typer.Option(help="Seed for generating the synthetic world.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Seed for the unlearning runs.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the runs and the report. Default: runs/demo-<request>.")
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Train the models of the world on this machine, even if the package has them."),
    ] = False,
) -> None:
    """Unlearn a part of a synthetic world, and compare several methods.

    The demo takes a few minutes on two cores. The models that know the default world come with the package. Models of
    other worlds and requests are trained first, and are cached. To continue a demo that was stopped, run the same
    command again.
    """
    from unlearnkit.cli.output import print_board, print_sample
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.demo import Demo, demo

    progress = Progress()
    chosen = tuple(name.strip() for name in methods.split(",") if name.strip())
    plan = Demo(request, chosen, world_seed, seed=seed, out=out, retrain=retrain)
    runs, report = demo(plan, progress)
    print_board(runs)
    print_sample(report)
    progress.log(f"report: {plan.folder / 'report.html'}")
