"""`unlearn attack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def attack_command(
    runs: Annotated[list[Path], typer.Argument(help="Runs, or a folder of runs such as a demo's.")],
    attacks: Annotated[
        str | None, typer.Option(help="Registered attacks, separated by commas; all if not given.")
    ] = None,
    at_most: Annotated[int, typer.Option(help="Most rows of a set that are asked.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="Of rows, wordings and the order of training.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Try to get back what runs were to forget: other words, begun outputs, a little training.

    Attacks the target and the retrained model in a folder of runs too, for these are what a figure is held against.
    Which attacks there are: unlearn ls attack
    """
    from unlearnkit.cli.output import print_attacks, print_json
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.attack import attack_runs
    from unlearnkit.report.build import find_runs, write_documents

    quiet_libraries()
    progress, folders = Progress(), find_runs(runs)
    names = None if attacks is None else [name.strip() for name in attacks.split(",")]
    found = attack_runs(folders, names, at_most=at_most, seed=seed, progress=progress)
    for folder in folders:
        write_documents(folder)
    if as_json:
        plain = {run: {name: s.model_dump(mode="json") for name, s in scores.items()} for run, scores in found.items()}
        print_json(plain)
    else:
        print_attacks(folders)
