"""Run each job in a subprocess, to measure memory peaks separately.

Data that a job leaves in memory cannot affect later jobs. The subprocesses are forked from a server process that has
imported the heavy libraries and has done nothing else. The subprocesses ignore Ctrl-C in the terminal. Instead, the
parent process handles Ctrl-C and sends SIGTERM to each subprocess, so that each subprocess gets only one request to
stop. The subprocesses do not write to the terminal, but send their progress to the parent.
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

PRELOADED = ["unlearnkit.pipeline.run", "transformers.models.llama.modeling_llama"]


@dataclass(frozen=True)
class Job:
    """A unit of work: `work` is called with `arguments` and a `Progress`."""

    name: str
    work: Callable[..., object]
    arguments: tuple[object, ...] = ()


def run_in_subprocess(
    name: str, work: Callable[..., object], *arguments: object, progress: Progress | None = None
) -> Any:
    """Call `work` in a subprocess and return its result; see `run_all`."""
    return run_all([Job(name, work, arguments)], progress or Progress())[0]


def run_all(
    jobs: Sequence[Job],
    progress: Progress,
    *,
    at_once: int = 1,
    keep_going: bool = False,
    on_end: Callable[[int, Any], None] | None = None,
) -> list[Any]:
    """Run each job in a subprocess; return the results in job order.

    Args:
        jobs: the jobs, in the order in which they start.
        progress: shows the progress of all jobs.
        at_once: maximum number of jobs that run at the same time. Each job gets 1 / `at_once` of the CPU threads, even
            if fewer jobs run. The number of threads may affect a job's results slightly. Because each job has a fixed
            number of threads, its results do not depend on the other jobs.
        keep_going: whether the other jobs continue if a job fails. The result of a failed job is then the error, as an
            exception that is not raised.
        on_end: called after each job, with the job's index and its result.

    Raises:
        UnlearnError: a job raised this error. The error is raised again unchanged, and the other jobs are asked to
            stop.
        RuntimeError: a job raised any other error. The message contains the traceback.
        Interrupted: the user pressed Ctrl-C, or the process received SIGTERM. SIGTERM was sent to each running job.
    """
    waiting, running, failed = list(enumerate(jobs)), list[_Running](), list[_Running]()
    results: list[Any] = [None] * len(jobs)
    stop_requested = False

    def stop() -> None:
        nonlocal stop_requested
        stop_requested = True
        for child in running:
            child.process.terminate()

    with on_signal(stop):
        while running or (waiting and not stop_requested and not failed):
            while waiting and len(running) < at_once and not stop_requested and not failed:
                place, job = waiting.pop(0)
                running.append(_start_job(place, job, at_once))
                if stop_requested:
                    running[-1].process.terminate()
            ready = wait([waited for child in running for waited in (child.connection, child.process.sentinel)])
            for child in [child for child in running if not child.receive(progress, ready)]:
                running.remove(child)
                child.end()
                succeeded = child.answer[0] == "done"
                results[child.place] = child.answer[1] if succeeded else _error(child)
                if not succeeded and (stop_requested or not keep_going):
                    failed.append(child)
                    for other in running:
                        other.process.terminate()
                elif on_end is not None:
                    on_end(child.place, results[child.place])
    if failed and not (stop_requested and failed[0].answer[0] == "nothing"):
        raise _error(failed[0])
    if stop_requested:
        done = f"{len(jobs) - len(waiting) - len(failed)} of {len(jobs)} jobs"
        raise Interrupted(f"stopped during {failed[0].job.name}" if failed else f"stopped after {done}")
    return results


@dataclass(eq=False)
class _Running:
    """A running job: its process and the messages received from it."""

    place: int
    job: Job
    process: Any
    connection: Connection
    tasks: dict[int, tuple[Task, ExitStack]] = field(default_factory=dict)
    answer: tuple[str, Any] = ("nothing", None)
    """The pair (`done`, result) or (`error`, error). Until the process has sent a result or an error, the first item is
    `nothing`."""

    def receive(self, progress: Progress, ready: Sequence[object]) -> bool:
        """Read a message, if any; return whether more messages may follow.

        `ready` contains the sentinels of the processes that have ended.
        """
        if not self.connection.poll():
            return self.process.sentinel not in ready
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
        """Release the resources of the job after its last message."""
        for _, stack in self.tasks.values():
            stack.close()
        self.connection.close()
        self.process.join()


def _error(child: _Running) -> Exception:
    kind, value = child.answer
    if kind == "error":
        return value  # type: ignore[no-any-return]
    return UnlearnError(
        f"{child.job.name} ended without a result",
        value=f"exit code {child.process.exitcode}",
        fix="if the system killed the process for lack of memory, close other programs or use a smaller batch",
    )


def _start_job(place: int, job: Job, at_once: int) -> _Running:
    """Start the process of a job, with SIGINT ignored from the beginning."""
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, job.work, job.arguments, at_once), name=job.name)
    if forks:
        context.set_forkserver_preload(PRELOADED)
        # Subprocesses inherit the server's signal handlers, so SIGINT is ignored while the server starts. This takes
        # little time: the server imports the heavy libraries later, while the job waits.
        with _ignoring_interrupts():
            forkserver.ensure_running()
        process.start()
    else:
        with _ignoring_interrupts():
            process.start()
    theirs.close()
    return _Running(place, job, process, ours)


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
    """Send the progress of a subprocess to the parent.

    The pipe never contains a partial message, even if a request to stop interrupts the subprocess. Each message is sent
    in a single write, and the write is atomic, because a message is far smaller than the largest atomic write to a
    pipe.
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
    # SIGTERM raises KeyboardInterrupt, so that unfinished work is cleaned up. A job may install a different handler.
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
        name = multiprocessing.current_process().name
        answer = ("error", RuntimeError(f"{name} failed in its subprocess\n{traceback.format_exc()}"))
    connection.send(answer)
    connection.close()


def _stop_with_parent() -> None:
    """Stop this process when its parent process has ended.

    A parent that was killed cannot ask its subprocesses to stop.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
