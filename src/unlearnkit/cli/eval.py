"""The command `unlearn eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnkit.cli.gates import check_gates, hold_to
from unlearnkit.models.settings import Bits

if TYPE_CHECKING:
    from unlearnkit.recipe import EvalSettings

_OPTIONS = {
    "world_seed": "--world-seed",
    "request": "--request",
    "split": "--split",
    "data": "--data",
    "name": "--suite",
}
"""Fields of the section `suite`, each with the command-line option that sets the field."""


def eval_command(
    subject: Annotated[
        str,
        typer.Argument(
            help="Model to measure: the folder of a run, the folder or Hub id of a model, or a model of the suite "
            "(`target` or `retrained`)."
        ),
    ],
    suite: Annotated[
        str | None, typer.Option(help="Name of the suite to measure on. Default: the suite of the run.")
    ] = None,
    world_seed: Annotated[int | None, typer.Option(help="Seed for the suite's synthetic world.", min=0)] = None,
    request: Annotated[
        str | None,
        typer.Option(help="Part of the suite's synthetic world to forget, for suites with such parts."),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Folder or Hub id of the suite's data.")] = None,
    split: Annotated[str | None, typer.Option(help="Name of the suite's forget set, such as forget10.")] = None,
    retrained: Annotated[str | None, typer.Option(help="Folder or Hub id of the retrained model.")] = None,
    system_prompt: Annotated[
        Path | None, typer.Option(help="Text file with a system prompt that is put before every question.")
    ] = None,
    rounded: Annotated[
        Bits | None,
        typer.Option(
            help="Measure a copy whose linear layers are rounded to integers of this size. "
            "Default folder of the results: the usual one with -int8 or -int4 appended."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Default: the run's folder, or runs/<model name>.")
    ] = None,
    gate: Annotated[
        list[str] | None, typer.Option(help="Threshold on a score, such as forget.accuracy<=0.03. Can be repeated.")
    ] = None,
) -> None:
    """Measure a model on a suite, and compute the model's scores."""
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
        what = "these options configure a suite, but no suite is given"
        raise InputError(what, value=", ".join(settings), fix="name the suite with --suite")
    measuring = _settings(subject, system_prompt)
    section = None if suite is None else {"name": suite, **settings}
    try:
        folder = evaluate(subject, section, out=out, settings=measuring, rounded=rounded, progress=progress)
    except BadField as error:
        # The error names a field of the section `suite`. The user has set this field by an option, so the new error
        # names the option instead.
        option = next((_OPTIONS[part] for part in error.path if part in _OPTIONS), None)
        fix = error.fix if option is None or error.value is not None else f"add the option {option}"
        raise InputError(error.what, where=option, value=error.value, allowed=error.allowed, fix=fix) from error
    write_documents(folder)
    print_board([folder])
    progress.log(f"run: {folder.path}")
    hold_to(folder, gates)


def _settings(subject: str, system_prompt: Path | None) -> EvalSettings | None:
    """Return the measurement settings, with a system prompt from a file.

    If `subject` is the folder of a run, all other settings are copied from the run's last measurement. Otherwise, all
    other settings have their default values.

    Returns:
        The settings; None if no file is given.
    """
    if system_prompt is None:
        return None
    from unlearnkit.core.errors import InputError
    from unlearnkit.core.files import read_text
    from unlearnkit.pipeline.evaluate import last_settings
    from unlearnkit.recipe import EvalSettings
    from unlearnkit.runs.folder import RunFolder

    text = read_text(system_prompt, "the file", where="--system-prompt", fix="pass the path of a text file").strip()
    if not text:
        fix = "write a prompt into the file, or omit --system-prompt"
        raise InputError(
            "the file with the system prompt is empty", where="--system-prompt", value=str(system_prompt), fix=fix
        )
    run = RunFolder(subject)
    before = last_settings(run) if run.is_run else EvalSettings()
    return before.model_copy(update={"system_prompt": text})
