"""The command `unlearn`: subcommands, error output and exit codes."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from unlearnkit.cli import judge, scope
from unlearnkit.core import processes
from unlearnkit.core.errors import InputWarning, Interrupted, UnlearnError
from unlearnkit.core.settings import RenamedWarning

VERBS = (
    "demo",
    "init",
    "check",
    "targets",
    "run",
    "eval",
    "score",
    "attack",
    "g_effect",
    "compare",
    "board",
    "explain",
    "report",
    "export",
    "purge",
    "ls",
    "show",
    "env",
)
"""Names of the subcommands, in the order in which the help lists them. Each subcommand is defined in the module of
`unlearnkit.cli` that has the subcommand's name."""


class _InterruptibleGroup(TyperGroup):
    """Command group that raises `Interrupted` on Ctrl-C.

    Without this class, typer would exit with code 1.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("stopped by the user") from None


app = typer.Typer(
    name="unlearn",
    cls=_InterruptibleGroup,
    help="Remove knowledge from a language model, and measure what remains.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


for verb in VERBS:
    app.command(verb.replace("_", "-"))(getattr(import_module(f"unlearnkit.cli.{verb}"), f"{verb}_command"))

judging = typer.Typer(cls=judge.RunsFirst, add_help_option=False)
judging.command(judge.ON_RUNS, hidden=True)(judge.judge_command)
judging.command("agree")(judge.agree_command)
app.add_typer(judging, name="judge", help=(judge.judge_command.__doc__ or "").partition("\n")[0])

scoping = typer.Typer()
scoping.command("suggest")(scope.suggest_command)
app.add_typer(scoping, name="scope", help="Draft a scope from the data to forget.")


def main() -> int:
    """Run the command line, and return the exit code.

    If a launcher started several processes, only the main process runs the command line, and the others help it.
    """
    # Disables the progress bars of huggingface_hub and transformers, because their output would be mixed with the
    # output of `Progress`.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")  # for transformers' bar while it reads a GGUF file
    # Outside training, SIGTERM acts like Ctrl-C. During training, the training loop handles SIGTERM and first saves a
    # checkpoint.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.formatwarning = _as_one_line
    job = processes.join()
    try:
        failure = _failure(app if job is None or job.is_main else partial(_help, job))
        if failure is None:
            return 0
        if job is not None and isinstance(failure, Interrupted) and job.lost():
            failure = job.loss()  # after one process was killed, the launcher stops the others
        if job is None or job.reports(failure):
            print(f"error: {failure.render()}", file=sys.stderr)  # noqa: T201
        return failure.exit_code
    finally:
        if job is not None:
            job.leave()


def _failure(work: Callable[[], object]) -> UnlearnError | None:
    """Do some work, and return the error to report, if any."""
    try:
        work()
    except UnlearnError as error:
        return error
    except OSError as error:
        # A full disk or a missing permission can cause an `OSError` anywhere, so this error is handled here, for all
        # subcommands.
        where = None if error.filename is None else str(error.filename)
        fix = "check the path, its permissions and the free disk space; to continue a run, add --resume"
        return UnlearnError(f"the operating system reports: {error.strerror or error}", where=where, fix=fix)
    return None


def _help(job: processes.Job) -> None:
    """Help the main process, which runs the command line."""
    from unlearnkit.pipeline.helper import help_main_process

    try:
        help_main_process(job)
    except KeyboardInterrupt:
        raise Interrupted("stopped by the user") from None


_as_python_does = warnings.formatwarning


def _as_one_line(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> str:
    """Format a warning for the command line.

    Warnings about the user's input are shown without a source line. All other warnings are formatted as Python does by
    default.
    """
    own = issubclass(category, (RenamedWarning, InputWarning))
    return f"warning: {message}\n" if own else _as_python_does(message, category, *where, **more)
