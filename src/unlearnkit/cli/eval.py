"""`unlearn eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnkit.cli.gates import check_gates, hold_to

if TYPE_CHECKING:
    from unlearnkit.recipe import EvalSettings

_OPTIONS = {
    "world_seed": "--world-seed",
    "request": "--request",
    "split": "--split",
    "data": "--data",
    "name": "--suite",
}
"""Field of a suite's section -> option that sets it."""


def eval_command(
    subject: Annotated[str, typer.Argument(help="A run, a model folder or Hub id, or one of: target, retrained.")],
    suite: Annotated[str | None, typer.Option(help="Suite to measure on. Default: the suite of the run.")] = None,
    world_seed: Annotated[int | None, typer.Option(help="Seed of the suite's synthetic world.", min=0)] = None,
    request: Annotated[str | None, typer.Option(help="The suite's request: what to forget.")] = None,
    data: Annotated[str | None, typer.Option(help="Folder or Hub id of the suite's data.")] = None,
    split: Annotated[str | None, typer.Option(help="The suite's forget set, such as forget10.")] = None,
    retrained: Annotated[str | None, typer.Option(help="The retrained model: a folder or Hub id.")] = None,
    system_prompt: Annotated[
        Path | None, typer.Option(help="Text file with a system prompt for every question.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    gate: Annotated[
        list[str] | None, typer.Option(help="Threshold on a score, such as forget.accuracy<=0.03. Can be repeated.")
    ] = None,
) -> None:
    """Measure a model on a suite and compute its scores."""
    from unlearnkit.cli.output import print_board
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.core.errors import InputError
    from unlearnkit.core.progress import Progress
    from unlearnkit.core.yaml_source import BadField
    from unlearnkit.pipeline.evaluate import evaluate
    from unlearnkit.report.build import write_documents

    quiet_libraries()
    gates, progress = check_gates(gate or []), Progress()
    given = {"world_seed": world_seed, "request": request, "split": split, "retrained": retrained}
    settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if data is not None:
        settings["data"] = {"path": data}
    if settings and suite is None:
        what = "these options need a suite, and no suite is given"
        raise InputError(what, value=", ".join(settings), fix="add --suite")
    measuring = _settings(subject, system_prompt)
    section = None if suite is None else {"name": suite, **settings}
    try:
        folder = evaluate(subject, section, out=out, settings=measuring, progress=progress)
    except BadField as error:
        # The error names a field of the section; here the user set it by an option.
        option = next((_OPTIONS[part] for part in error.path if part in _OPTIONS), None)
        fix = error.fix if option is None or error.value is not None else f"give {option}"
        raise InputError(error.what, where=option, value=error.value, allowed=error.allowed, fix=fix) from error
    write_documents(folder)
    print_board([folder])
    progress.log(f"run: {folder.path}")
    hold_to(folder, gates)


def _settings(subject: str, system_prompt: Path | None) -> EvalSettings | None:
    """Return the settings for a system prompt; None without one.

    Everything else stays as the run was measured before.
    """
    if system_prompt is None:
        return None
    from unlearnkit.core.errors import InputError
    from unlearnkit.core.files import read_text
    from unlearnkit.pipeline.evaluate import last_settings
    from unlearnkit.recipe import EvalSettings
    from unlearnkit.runs.folder import RunFolder

    text = read_text(system_prompt, "the file", where="--system-prompt", fix="give the path of a text file").strip()
    if not text:
        fix = "write a prompt into the file, or omit the option"
        raise InputError("the system prompt is empty", where="--system-prompt", value=str(system_prompt), fix=fix)
    run = RunFolder(subject)
    before = last_settings(run) if run.is_run else EvalSettings()
    return before.model_copy(update={"system_prompt": text})
