"""Work in a process of its own, so that its memory peak is its own and nothing it leaves behind weighs on the next.

The processes are forked from a server that has imported the heavy libraries once and has done nothing else. They never
hear the terminal's Ctrl-C: the parent does, and asks them to stop, so that each wish arrives once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from unlearnkit.errors import Interrupted, UnlearnError
from unlearnkit.interrupts import signals_to

T = TypeVar("T")

PRELOADED = ["unlearnkit.pipeline", "unlearnkit.worlds.pocket.model", "transformers.models.llama.modeling_llama"]


def apart(name: str, work: Callable[..., T], *arguments: object) -> T:
    """Call `work` in a process of its own and return what it returns.

    An error that the user can act on comes out as it is; any other as a `RuntimeError` with the child's traceback.
    Ctrl-C and SIGTERM ask the child to stop, as SIGTERM.
    """
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, work, arguments), name=name)
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if process.pid is not None:
            process.terminate()

    with signals_to(stop):
        _start(process)
        theirs.close()
        if asked:
            process.terminate()
        outcome, value = _answer(ours, process)
    process.join()
    if outcome == "done":
        if asked:
            raise Interrupted(f"stopped after {name}")
        return value  # type: ignore[no-any-return]
    if outcome == "error":
        raise value
    if outcome == "bug":
        raise RuntimeError(f"{name} failed in its own process\n{value}")
    if asked:
        raise Interrupted(f"stopped during {name}")
    raise UnlearnError(
        f"{name} ended without a result",
        value=f"exit code {process.exitcode}",
        fix="if the system ended it for want of memory, close other programs or take a smaller batch",
    )


def _context() -> Any:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _start(process: Any) -> None:
    """Start a process that ignores SIGINT from its first moment on."""
    if isinstance(process, multiprocessing.get_context("spawn").Process):
        with _ignoring_interrupts():
            process.start()
        return
    # The server hands its signal handlers down. Starting it is quick; a process waits until its imports are done.
    with _ignoring_interrupts():
        forkserver.ensure_running()
    process.start()


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _answer(connection: Connection, process: Any) -> tuple[str, Any]:
    """What the child sent; `nothing` where it ended without a word."""
    wait([connection, process.sentinel])
    try:
        answer: tuple[str, Any] = connection.recv() if connection.poll() else ("nothing", None)
    except EOFError:
        return "nothing", None
    return answer


def _child(connection: Connection, work: Callable[..., object], arguments: tuple[object, ...]) -> None:
    # Where nothing better listens, a wish to stop unwinds the work, so that what is half done is cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    try:
        answer: tuple[str, object] = ("done", work(*arguments))
    except UnlearnError as error:
        answer = ("error", error)
    except KeyboardInterrupt:
        answer = ("error", Interrupted("stopped"))
    except Exception:  # noqa: BLE001  # the parent raises it again
        answer = ("bug", traceback.format_exc())
    connection.send(answer)
    connection.close()


def _stop_with_parent() -> None:
    """A parent that was killed cannot ask its child to stop; the child asks itself."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
