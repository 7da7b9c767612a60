"""The command `unlearn attack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnkit.cli.options import AsJson


def attack_command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or a folder that contains runs.")],
    attacks: Annotated[
        str | None, typer.Option(help="Names of the attacks to run, separated by commas. Default: all attacks.")
    ] = None,
    at_most: Annotated[int, typer.Option(help="Maximum number of rows per set that an attack uses.", min=1)] = 50,
    seed: Annotated[
        int, typer.Option(help="Seed for choosing rows and prompt wordings, and for training copies of models.", min=0)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Try to recover forgotten knowledge from the models of runs.

    An attack may reword the questions, prefill the outputs, or train a copy of the model for a few steps.

    For comparison, the same attacks are run on the measured reference models in RUNS: the target model, i.e. the model
    before unlearning, and the retrained model, i.e. a model that was trained without the data to forget.

    To list all attacks: unlearn ls attack
    """
    from pydantic_core import to_jsonable_python

    from unlearnkit.cli.output import print_attacks, print_json
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.attack import attack_runs
    from unlearnkit.report.build import find_runs, write_documents

    progress, folders = Progress(), find_runs(runs)
    names = None if attacks is None else [name.strip() for name in attacks.split(",")]
    found = attack_runs(folders, names, at_most=at_most, seed=seed, progress=progress)
    for folder in folders:
        write_documents(folder)
    if as_json:
        print_json(to_jsonable_python(found))
    else:
        print_attacks(folders)
