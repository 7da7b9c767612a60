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
"""The option that sets a field of a suite's section."""


def eval_command(
    subject: Annotated[str, typer.Argument(help="A run, a model's folder or hub id; or: target, retrained.")],
    suite: Annotated[str | None, typer.Option(help="Suite to measure on; a run's own if not given.")] = None,
    world_seed: Annotated[int | None, typer.Option(help="The suite's world.", min=0)] = None,
    request: Annotated[str | None, typer.Option(help="The suite's request to forget.")] = None,
    data: Annotated[str | None, typer.Option(help="Folder or hub id of the suite's data.")] = None,
    split: Annotated[str | None, typer.Option(help="The suite's forget set, as in forget10.")] = None,
    retrained: Annotated[str | None, typer.Option(help="The retrained model: a folder or hub id.")] = None,
    system_prompt: Annotated[
        Path | None, typer.Option(help="File with what the model is told before every question.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for what is measured.")] = None,
    gate: Annotated[list[str] | None, typer.Option(help="A threshold, as in forget.accuracy<=0.03.")] = None,
) -> None:
    """Measure a model on a suite, and score it."""
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
        raise InputError(
            "these options belong to a suite, and none is named", value=", ".join(settings), fix="add --suite"
        )
    told = _settings(subject, system_prompt)
    section = None if suite is None else {"name": suite, **settings}
    try:
        folder = evaluate(subject, section, out=out, settings=told, progress=progress)
    except BadField as error:
        # The fields of a recipe that is none: here each of them is an option.
        option = next((_OPTIONS[part] for part in error.path if part in _OPTIONS), None)
        fix = error.fix if option is None or error.value is not None else f"give {option}"
        raise InputError(error.what, where=option, value=error.value, allowed=error.allowed, fix=fix) from error
    write_documents(folder)
    print_board([folder])
    progress.log(f"run: {folder.path}")
    hold_to(folder, gates)


def _settings(subject: str, system_prompt: Path | None) -> EvalSettings | None:
    """How to measure: under a system prompt, and otherwise as the subject was measured before, if it was."""
    if system_prompt is None:
        return None
    from unlearnkit.core.errors import InputError
    from unlearnkit.recipe import EvalSettings
    from unlearnkit.runs.folder import RunFolder

    try:
        text = system_prompt.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        where = f"--system-prompt {system_prompt}"
        raise InputError(f"the file cannot be read: {why}", where=where, fix="name a text file") from error
    if not text:
        raise InputError(
            "the system prompt is empty", where=f"--system-prompt {system_prompt}", fix="write it, or leave it out"
        )
    run = RunFolder(subject)
    measured = run.state().measure if run.is_run else None
    before = {} if measured is None else measured.model_dump(include=set(EvalSettings.model_fields))
    return EvalSettings(**{**before, "system_prompt": text})
