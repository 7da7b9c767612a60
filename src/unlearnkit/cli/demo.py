"""`unlearn demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo_command(
    request: Annotated[str, typer.Option(help="What is to be forgotten: authors, book, pii or hazard.")] = "authors",
    methods: Annotated[str, typer.Option(help="Methods, separated by commas.")] = "tru,graddiff,npo,ga",
    world_seed: Annotated[int, typer.Option(help="Another seed, another world.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the methods.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the runs; runs/demo-<request> if not given.")] = None,
) -> None:
    """Unlearn in a made-up world by several methods, and hold each against a model that never knew.

    Takes minutes on two cores; the world's models are kept for the next time. A demo that was stopped goes on when it
    is called again.
    """
    from unlearnkit.cli.output import print_board, print_sample
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.demo import Demo, demo

    progress = Progress()
    plan = Demo(request, tuple(m.strip() for m in methods.split(",") if m.strip()), world_seed, seed, out)
    runs, report = demo(plan, progress)
    print_board(runs)
    print_sample(report)
    progress.log(f"report: {plan.folder / 'report.html'}")
