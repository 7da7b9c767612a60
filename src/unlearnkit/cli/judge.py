"""`unlearn judge` and `unlearn judge agree`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from unlearnkit.cli.options import MaxCost, MaxRequests, SendTo

ON_RUNS = "RUNS..."
"""The name under which the verb itself stands among its commands; never typed."""

_SETTING = re.compile(r"[a-z_]+(\.[a-z_]+)*=")
"""How a setting of the judging model begins. A run's folder that begins so is given as `./name`."""


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
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Runs, or a folder of runs such as a demo's; and for a model judge the model that it asks: path=DIR, "
            "or server.url=URL server.model=NAME."
        ),
    ],
    judge: Annotated[str, typer.Option(help="rules, laaj or laaj-paper.")] = "rules",
    send_to: SendTo = None,
    max_requests: MaxRequests = None,
    max_cost: MaxCost = None,
    seed: Annotated[int | None, typer.Option(help="Of a model judge's order and delimiters; 0.", min=0)] = None,
    repeats: Annotated[int | None, typer.Option(help="How often a model judge judges each output; 1.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Judge what runs said: six scores from 0 to 10, each with a reason.

    On sets to be forgotten: relevance, rejection, helpfulness (UQ). On sets that must stay: readability, specificity,
    logic (RQ). `rules` asks no model. Its rules: unlearn show rules. A model judge's rubrics, and the settings of the
    model that it asks: unlearn show laaj

    What a model answered is kept, so that a call that was stopped goes on without asking again.

    How far two judges agree on a run: unlearn judge agree RUN --judges A,B
    """
    from unlearnkit.cli.output import print_json, print_judged
    from unlearnkit.core.errors import InputError
    from unlearnkit.core.progress import Progress
    from unlearnkit.judges.llm.settings import read_judge_model
    from unlearnkit.llm.consent import Permission
    from unlearnkit.pipeline.judge import judge_outputs
    from unlearnkit.report.build import find_runs, write_documents

    settings = [argument for argument in runs if _SETTING.match(argument)]
    paths = [argument for argument in runs if argument not in settings]
    if not paths:
        raise InputError("no run is named", where="RUNS", fix="name a run's folder too")
    given: dict[str, object] = {"--seed": seed, "--repeats": repeats, "--send-forget-data-to": send_to}
    given |= {"--max-requests": max_requests, "--max-cost": max_cost}
    # A setting without its value, which may be a key that somebody wrote into the URL.
    needless = [
        *(each.partition("=")[0] for each in settings),
        *(option for option, value in given.items() if value is not None),
    ]
    if judge == "rules" and needless:
        raise InputError(
            "the rules draw nothing, ask no model, and give the same each time",
            where=needless[0],
            fix=f"leave out {needless[0]}, or name a model judge",
        )
    model, permission = read_judge_model(settings), Permission(send_to, max_requests, max_cost)
    if model.path is not None:
        from unlearnkit.core.environment import quiet_libraries  # here, for judging by rules loads no torch

        quiet_libraries()
    progress, found = Progress(), {}
    for folder in find_runs(paths):
        found[folder.name] = judge_outputs(
            folder, judge, model=model, permission=permission, seed=seed or 0, repeats=repeats or 1, progress=progress
        )
        write_documents(folder)
        progress.log(f"judgments: {folder.judgments / judge}.json")
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
    from unlearnkit.core.errors import InputError
    from unlearnkit.pipeline.judge import agree
    from unlearnkit.runs.folder import RunFolder

    names = [name.strip() for name in judges.split(",")]
    if len(names) != 2 or names[0] == names[1]:
        raise InputError("two different judges are needed", where="--judges", value=judges, fix="--judges rules,laaj")
    found = agree(RunFolder.existing(run), names[0], names[1])
    if as_json:
        print_json(_plain(found))
    else:
        print_agreement(names, found)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.model_dump(mode="json") for name, value in values.items()}
