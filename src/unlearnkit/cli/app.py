"""The command `unlearn`: its verbs, error messages and exit codes."""

from __future__ import annotations

import functools
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

import typer

from unlearnkit.cli import (
    attack,
    check,
    compare,
    demo,
    env,
    eval,
    explain,
    g_effect,
    init,
    judge,
    ls,
    purge,
    report,
    run,
    scope,
    score,
    show,
    targets,
)
from unlearnkit.core.errors import Interrupted, UnlearnError
from unlearnkit.core.settings import RenamedWarning

app = typer.Typer(
    name="unlearn",
    help="Remove knowledge from a language model, and measure what remains.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Turn Ctrl-C into `Interrupted`; typer would exit with code 1."""

    @functools.wraps(command)
    def call(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt:
            raise Interrupted("stopped") from None

    return call


for verb in (
    demo, init, check, targets, run, eval, score, attack, g_effect, compare, explain, report, purge, ls, show, env,
):  # fmt: skip
    name = verb.__name__.rpartition(".")[2]
    app.command(name.replace("_", "-"))(_interruptible(getattr(verb, f"{name}_command")))


judging = typer.Typer(cls=judge.RunsFirst, add_help_option=False)
judging.command(judge.ON_RUNS, hidden=True)(_interruptible(judge.judge_command))
judging.command("agree")(_interruptible(judge.agree_command))
app.add_typer(judging, name="judge", help=(judge.judge_command.__doc__ or "").partition("\n")[0])

scoping = typer.Typer()
scoping.command("suggest")(_interruptible(scope.suggest_command))
app.add_typer(scoping, name="scope", help="Draft a scope from the data to forget.")


def main() -> int:
    """Run the command line, and return the exit code."""
    # Outside training, SIGTERM acts like Ctrl-C. Training handles it itself and saves a checkpoint first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.formatwarning = _as_one_line
    try:
        app()
    except UnlearnError as error:
        return _print_error(error)
    except OSError as error:
        # A full disk or a missing permission can occur anywhere, so it is handled here.
        fix = "check the path, its permissions and the free disk space; continue a run with --resume"
        return _print_error(
            UnlearnError(f"the operating system reports: {error.strerror or error}", where=_place(error), fix=fix)
        )
    return 0


_as_python_does = warnings.formatwarning


def _as_one_line(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> str:
    """Format a `RenamedWarning` without a source line, others as Python does."""
    renamed = issubclass(category, RenamedWarning)
    return f"warning: {message}\n" if renamed else _as_python_does(message, category, *where, **more)


def _print_error(error: UnlearnError) -> int:
    print(f"error: {error.render()}", file=sys.stderr)  # noqa: T201
    return error.exit_code


def _place(error: OSError) -> str | None:
    return None if error.filename is None else str(error.filename)
