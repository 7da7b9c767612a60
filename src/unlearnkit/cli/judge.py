"""`unlearn judge` and `unlearn judge agree`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

ON_RUNS = "RUNS..."
"""The name under which the verb itself stands among its commands; never typed."""


class RunsFirst(TyperGroup):
    """A verb that takes runs, unless its first argument is the name of one of its other commands.

    A run's folder that is called like one of them is given as `./name`.
    """

    # Contexts and commands are typer's own or click's, by typer's version.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Have the verb itself read its options where no other command is named."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else [ON_RUNS, *args])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant, without a name in the line of usage where it is the verb itself."""
        name, command, rest = super().resolve_command(ctx, args)
        return ("" if name == ON_RUNS else name), command, rest


def judge_command(
    runs: Annotated[list[Path], typer.Argument(help="Runs, or a folder of runs such as a demo's.")],
    judge: Annotated[str, typer.Option(help="rules, laaj or laaj-paper.")] = "rules",
    seed: Annotated[int | None, typer.Option(help="Of a model judge's order and delimiters; 0.", min=0)] = None,
    repeats: Annotated[int | None, typer.Option(help="How often a model judge judges each output; 1.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Judge what runs said: six scores from 0 to 10, each with a reason.

    On sets to be forgotten: relevance, rejection, helpfulness (UQ). On sets that must stay: readability, specificity,
    logic (RQ). `rules` asks no model. Its rules: unlearn show rules. A model judge's rubrics: unlearn show laaj

    How far two judges agree on a run: unlearn judge agree RUN --judges A,B
    """
    from unlearnkit.cli.output import print_json, print_judged
    from unlearnkit.errors import BadInput
    from unlearnkit.gather import find_runs, write_documents
    from unlearnkit.judging import judge_outputs
    from unlearnkit.progress import Progress

    progress, found = Progress(), {}
    given = {"seed": seed, "repeats": repeats}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if judge == "rules" and settings:
        option = f"--{next(iter(settings))}"
        raise BadInput(
            "the rules draw nothing, and give the same each time",
            where=option,
            fix=f"leave out {option}, or name a model judge",
        )
    for folder in find_runs(runs):
        found[folder.name] = judge_outputs(folder, judge, progress=progress, **settings)
        write_documents(folder)
        progress.say(f"judgements: {folder.judgements / judge}.json")
    if as_json:
        print_json({run: _plain(scores) for run, scores in found.items()})
    else:
        print_judged(judge, found)


def agree_command(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    judges: Annotated[str, typer.Option(help="Two judges that have judged it, separated by a comma.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Say how far two judges agree on a run: correlation, mean difference, quadratic-weighted kappa."""
    from unlearnkit.cli.output import print_agreement, print_json
    from unlearnkit.errors import BadInput
    from unlearnkit.judging import agree
    from unlearnkit.runfolder import RunFolder

    names = [name.strip() for name in judges.split(",")]
    if len(names) != 2 or names[0] == names[1]:
        raise BadInput("two different judges are needed", where="--judges", value=judges, fix="--judges rules,laaj")
    found = agree(RunFolder.existing(run), names[0], names[1])
    if as_json:
        print_json(_plain(found))
    else:
        print_agreement(names, found)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.model_dump(mode="json") for name, value in values.items()}
