"""Work in processes of its own, so that its memory peak is its own and nothing it leaves behind weighs on the next.

The processes are forked from a server that has imported the heavy libraries once and has done nothing else. They never
hear the terminal's Ctrl-C: the parent does, and asks them to stop, so that each wish arrives once. They do not write to
the terminal either: they tell the parent how far they are.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from typing import Any

from unlearnkit.core.errors import Interrupted, UnlearnError
from unlearnkit.core.progress import Progress, Task
from unlearnkit.core.signals import on_signal

PRELOADED = ["unlearnkit.pipeline.run", "unlearnkit.suites.pocket.models", "transformers.models.llama.modeling_llama"]


@dataclass(frozen=True)
class Job:
    """A piece of work: `work` is called with the arguments and, after them, with a `Progress`."""

    name: str
    work: Callable[..., object]
    arguments: tuple[object, ...] = ()


def run_in_subprocess(
    name: str, work: Callable[..., object], *arguments: object, progress: Progress | None = None
) -> Any:
    """Call `work` in a process of its own and return what it returns; see `together`."""
    return run_all([Job(name, work, arguments)], progress or Progress())[0]


def run_all(jobs: Sequence[Job], progress: Progress, *, at_once: int = 1) -> list[Any]:
    """Do each job in a process of its own, some at once, and return what they return, in their order.

    Args:
        jobs: what to do, in the order in which it is begun.
        progress: is told how far they all are.
        at_once: how many may run at a time. Each has its share of the threads, also while fewer run, so that what a
            job computes does not hang on what else there is to do.

    Raises:
        UnlearnError: a job's error that the user can act on, as it is. The other jobs are asked to stop.
        RuntimeError: any other error of a job, with its traceback.
        Interrupted: Ctrl-C or SIGTERM came; each job that was running was asked to stop, as by SIGTERM.
    """
    waiting, running, failed = list(enumerate(jobs)), list[_Running](), list[_Running]()
    results: list[Any] = [None] * len(jobs)
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        for child in running:
            child.process.terminate()

    with on_signal(stop):
        while running or (waiting and not asked and not failed):
            while waiting and len(running) < at_once and not asked and not failed:
                place, job = waiting.pop(0)
                running.append(_start_job(place, job, at_once))
                if asked:
                    running[-1].process.terminate()
            for child in _receive_all(running, progress):
                running.remove(child)
                results[child.place] = child.answer[1]
                if child.answer[0] != "done":
                    failed.append(child)
                    for other in running:
                        other.process.terminate()
    if failed and not (asked and failed[0].answer[0] == "nothing"):
        raise _error(failed[0])
    if asked:
        done = len(jobs) - len(waiting) - len(failed)
        raise Interrupted(f"stopped during {failed[0].job.name}" if failed else f"stopped after {done} of {len(jobs)}")
    return results


@dataclass(eq=False)
class _Running:
    """A job's process, and what has come from it."""

    place: int
    job: Job
    process: Any
    connection: Connection
    tasks: dict[int, tuple[Task, ExitStack]] = field(default_factory=dict)
    answer: tuple[str, Any] = ("nothing", None)
    """`done` and the result, `error` or `bug`; `nothing` where the process ended without a word."""

    def receive(self, progress: Progress) -> bool:
        """Take one message; False where there will be none after it."""
        try:
            kind, *rest = self.connection.recv()
        except EOFError:
            return False
        if kind == "log":
            progress.log(*rest)
        elif kind == "task":
            key, name, total = rest
            stack = ExitStack()
            self.tasks[key] = stack.enter_context(progress.task(name, total)), stack
        elif kind == "update":
            key, *reached = rest
            self.tasks[key][0].update(*reached)
        elif kind == "end":
            self.tasks.pop(rest[0])[1].close()
        else:
            self.answer = kind, rest[0]
            return False
        return True

    def end(self) -> None:
        """After its last message."""
        for _, stack in self.tasks.values():
            stack.close()
        self.connection.close()
        self.process.join()


def _receive_all(running: Sequence[_Running], progress: Progress) -> list[_Running]:
    """Wait for messages and take one from each that has some; gives those that are done."""
    ready = wait([waited for child in running for waited in (child.connection, child.process.sentinel)])
    ended = [
        child
        for child in running
        if not (child.receive(progress) if child.connection.poll() else child.process.sentinel not in ready)
    ]
    for child in ended:
        child.end()
    return ended


def _error(child: _Running) -> Exception:
    kind, value = child.answer
    if kind == "error":
        return value  # type: ignore[no-any-return]
    if kind == "bug":
        return RuntimeError(f"{child.job.name} failed in its own process\n{value}")
    return UnlearnError(
        f"{child.job.name} ended without a result",
        value=f"exit code {child.process.exitcode}",
        fix="if the system ended it for want of memory, close other programs or take a smaller batch",
    )


def _start_job(place: int, job: Job, at_once: int) -> _Running:
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, job.work, job.arguments, at_once), name=job.name)
    _start(process)
    theirs.close()
    return _Running(place, job, process, ours)


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


class _PipeProgress(Progress):
    """The progress of a child: tells the parent.

    Each message is one write to a pipe, far below the size that a pipe takes whole: where a wish to stop unwinds the
    work at any instant, no half of a message is left in it.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(quiet=True)
        self._connection, self._task_count = connection, 0

    def log(self, text: str) -> None:
        self._connection.send(("log", text))

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Task]:
        self._task_count += 1
        key = self._task_count
        self._connection.send(("task", key, name, total))
        try:
            yield Task(total, lambda *reached: self._connection.send(("update", key, *reached)))
        finally:
            self._connection.send(("end", key))


def _child(connection: Connection, work: Callable[..., object], arguments: tuple[object, ...], at_once: int) -> None:
    # Where nothing better listens, a wish to stop unwinds the work, so that what is half done is cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    try:
        from unlearnkit.core.environment import quiet_libraries, share_threads

        quiet_libraries()
        share_threads(at_once)
        answer: tuple[str, object] = ("done", work(*arguments, _PipeProgress(connection)))
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
