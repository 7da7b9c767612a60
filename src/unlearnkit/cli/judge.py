"""The commands `unlearn judge` and `unlearn judge agree`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from unlearnkit.cli.options import MaxCost, MaxRequests, SendTo

ON_RUNS = "RUNS..."
"""Name of the default command of `unlearn judge`. The default command judges runs. Users never type this name."""

_SETTING = re.compile(r"[a-z_]+(\.[a-z_]+)*=")
"""Matches the start of a model setting, such as `path=`. If the name of a run folder starts like a setting, users write
`./name`."""


class RunsFirst(TyperGroup):
    """Command group with a default command whose arguments are runs.

    If the first argument is the name of another command in the group, the group calls that command. If a run folder has
    the same name as a command, users write `./name`.
    """

    # The types are `Any`, because contexts and commands belong to typer or to click, depending on the version of typer.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the default command unless the first argument is a command."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else [ON_RUNS, *args])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Resolve the command, but hide the default command's name in usage lines."""
        name, command, rest = super().resolve_command(ctx, args)
        return ("" if name == ON_RUNS else name), command, rest


def judge_command(
    runs: Annotated[
        list[str],
        typer.Argument(
            help="Run folders, or a folder that contains runs. For a model judge, add the model to ask: either "
            "path=DIR, or server.url=URL server.model=NAME."
        ),
    ],
    judge: Annotated[str, typer.Option(help="Name of the judge: rules, laaj or laaj-paper.")] = "rules",
    send_to: SendTo = None,
    max_requests: MaxRequests = None,
    max_cost: MaxCost = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of a model judge's random choices, such as the order of prompts. Default: 0.", min=0),
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Number of times that a model judge judges each output. Default: 1.", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")] = False,
) -> None:
    """Judge the outputs of runs with scores from 0 to 10.

    Each score comes with a reason. Outputs on forget sets are scored for relevance, rejection and helpfulness
    (unlearning quality, UQ). Outputs on all other sets are scored for readability, specificity and logic (retention
    quality, RQ). The judge `rules` needs no model.

    To print the rules of the judge `rules`: unlearn show rules

    To print the rubrics and settings of a model judge: unlearn show laaj

    The answers of a model judge are cached. After an interruption, run the same command again to
    continue.

    To measure the agreement of two judges: unlearn judge agree RUN --judges A,B
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
        raise InputError("no run is given", where="RUNS", fix="add the folder of a run to judge")
    if judge == "rules":
        limits = {"--send-forget-data-to": send_to, "--max-requests": max_requests, "--max-cost": max_cost}
        _refuse_model_options(settings, {"--seed": seed, "--repeats": repeats, **limits})
    model, permission = read_judge_model(settings), Permission(send_to, max_requests, max_cost)
    if model.path is not None:
        from unlearnkit.core.environment import quiet_libraries  # not at the top: judging by rules needs no torch

        quiet_libraries()
    progress, scores = Progress(), {}
    for folder in find_runs(paths):
        scores[folder.name] = judge_outputs(
            folder, judge, model=model, permission=permission, seed=seed or 0, repeats=repeats or 1, progress=progress
        )
        write_documents(folder)
        progress.log(f"judgments: {folder.judgments / judge}.json")
    if as_json:
        print_json({run: _plain(of_run) for run, of_run in scores.items()})
    else:
        print_judged(judge, scores)


def _refuse_model_options(settings: Sequence[str], options: Mapping[str, object]) -> None:
    """Raise `InputError` if the user gave an option for model judges."""
    from unlearnkit.core.errors import InputError

    # Only the name of a setting is shown, because the value may contain a key, for example in a URL.
    names = [setting.partition("=")[0] for setting in settings]
    names += [option for option, value in options.items() if value is not None]
    if names:
        fix = f"omit {names[0]}, or choose a model judge with --judge"
        what = "this option is only for model judges: the judge `rules` is deterministic and needs no model"
        raise InputError(what, where=names[0], fix=fix)


def agree_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    judges: Annotated[str, typer.Option(help="Names of two judges that have judged the run, separated by a comma.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")] = False,
) -> None:
    """Measure how well two judges agree on a run.

    For each score, this command prints correlations, the mean difference and the quadratic-weighted kappa.
    """
    from unlearnkit.cli.output import print_agreement, print_json
    from unlearnkit.core.errors import InputError
    from unlearnkit.pipeline.judge import agree
    from unlearnkit.runs.folder import RunFolder

    names = [name.strip() for name in judges.split(",")]
    if len(names) != 2 or names[0] == names[1]:
        raise InputError(
            "--judges needs the names of two different judges",
            where="--judges",
            value=judges,
            fix="write, for example, --judges rules,laaj",
        )
    agreements = agree(RunFolder.existing(run), names[0], names[1])
    if as_json:
        print_json(_plain(agreements))
    else:
        print_agreement(names, agreements)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.model_dump(mode="json") for name, value in values.items()}
