"""The processes of a job that torchrun or `accelerate launch` started.

Only the main process, rank 0, executes the command. The other processes, its helpers, wait for its messages, train with
it when it asks them to, and end. The messages are in the key-value store of the launcher. A process may wait there for
hours: no time-out applies, and waiting takes next to no CPU time. The collective operations of torch are used only
inside a training.
"""

from __future__ import annotations

import os
import pickle
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from unlearnkit.core.errors import InputError, Interrupted, UnlearnError

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "RANK": ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK"),
    "WORLD_SIZE": ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"),
    "LOCAL_RANK": ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK"),
    "LOCAL_WORLD_SIZE": ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE"),
}
"""Environment variables that describe a process's place in its job, each with the names that MPI uses instead."""

SHARDED = ("FSDP", "DEEPSPEED", "MEGATRON_LM", "PARALLELISM_CONFIG")
"""Parts of the names of the variables by which `accelerate launch` asks for sharded weights."""

_LONGEST_PAUSE = 0.5
"""Maximum number of seconds between two looks into the store."""


class ProcessLost(UnlearnError):
    """Another process of the job was killed (exit code 1).

    The last checkpoint is kept.
    """


class Dismissed(Exception):
    """The main process needs no more help."""


class Job:
    """This process's place among the processes of a job, and its messages.

    Args:
        variables: the launcher's environment variables, by their names in `VARIABLES`.
        store: the store of the job, which all its processes share.
    """

    def __init__(self, variables: Mapping[str, str], store: Any) -> None:
        from torch.distributed import DistError  # imported here: a command in one process must not import torch

        self._variables, self._store = dict(variables), store
        self.rank, self.count = int(variables["RANK"]), int(variables["WORLD_SIZE"])
        self.local_rank = int(variables["LOCAL_RANK"])
        self.local_count = int(variables.get("LOCAL_WORLD_SIZE", self.count))
        self._store_failure = DistError
        self._hosts_store = self.is_main and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
        self._messages = self._meetings = 0
        self._dismissed = False
        self._first: bool | None = None
        store.set(f"process/{self.rank}", f"{os.getpid()} {_machine()}")

    @property
    def is_main(self) -> bool:
        """Whether this process executes the command."""
        return self.rank == 0

    def send(self, message: object) -> None:
        """Send a message from the main process to all helpers.

        Between two messages, the helpers must have taken part in a training step or in `meet`. The message that
        dismisses them is the only exception.
        """
        self._store.set(f"message/{self._messages}", pickle.dumps(message))
        # All helpers have read the message before the last one: they took part in something that came after it.
        self._store.delete_key(f"message/{self._messages - 2}")
        self._messages += 1

    def receive(self) -> Any:
        """Wait for the next message of the main process, and return it.

        Raises:
            Dismissed: the main process needs no more help, or has failed.
            ProcessLost: a process of the job was killed.
        """
        message = pickle.loads(self._waited(f"message/{self._messages}"))
        self._messages += 1
        if message is None:
            raise Dismissed
        return message

    def meet(self) -> None:
        """Wait until all processes have called this method.

        Raises:
            ProcessLost: a process of the job was killed or has failed.
        """
        name = f"meeting/{self._meetings}"
        self._meetings += 1
        if self._store.add(name, 1) == self.count:
            self._store.set(f"{name}/complete", "")
        self._waited(f"{name}/complete")

    def dismiss(self) -> None:
        """Let the helpers end; later calls do nothing."""
        if self._dismissed:
            return
        self._dismissed = True
        with suppress(self._store_failure):
            self.send(None)
            began = time.monotonic()
            # The store ends with this process if no launcher hosts it.
            while self._hosts_store and time.monotonic() - began < 10 and len(self._left()) < self.count - 1:
                time.sleep(0.05)

    def leave(self) -> None:
        """End this process's part in the job."""
        if self.is_main:
            self.dismiss()
            return
        with suppress(self._store_failure):
            self._store.set(f"left/{self.rank}", "")

    def lost(self) -> list[int]:
        """Return the ranks of killed processes on this machine."""
        try:
            left = self._left()
            return [rank for rank in self._others if rank not in left and self._is_killed(rank)]
        except self._store_failure:
            return [0]  # the store has ended with the main process or with the launcher

    def loss(self) -> ProcessLost:
        """Return an error which says that a process was killed."""
        ranks = ", ".join(map(str, self.lost()))
        return ProcessLost(
            "another process of the job has ended, so the job cannot continue",
            value=f"process {ranks} of {self.count}, counted from 0" if ranks else None,
            fix="see what ended it (the system kills a process for lack of memory); then continue the run with "
            "--resume, with any number of processes",
        )

    def is_loss(self, error: Exception) -> bool:
        """Return whether an error means that another process has ended."""
        return isinstance(error, self._store_failure) or "gloo" in str(error) or bool(self.lost())

    def reports(self, error: BaseException) -> bool:
        """Return whether this process reports an error to the user.

        When one process fails, the others notice, too. Only the first of them reports it. The main process reports an
        interruption, because all processes are interrupted together.
        """
        if isinstance(error, Dismissed | Interrupted | KeyboardInterrupt) and not self.is_main:
            return False
        if self._first is None:
            try:
                self._first = bool(self._store.add("reports", 1) == 1)
            except self._store_failure:
                self._first = True
        return self._first

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Set the launcher's variables, which are unset otherwise."""
        with _environment(self._variables):
            yield

    def _waited(self, key: str) -> bytes:
        """Wait until a key exists, and return its value."""
        pause, looked = 0.0005, time.monotonic()
        while True:
            try:
                if self._store.check([key]):
                    return bytes(self._store.get(key))
                if time.monotonic() - looked > 1:
                    looked = time.monotonic()
                    # A helper that leaves before it is dismissed has failed.
                    if self.lost() or (self.is_main and self._left()):
                        raise self.loss()
            except self._store_failure as error:
                raise self.loss() from error
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_PAUSE)

    @property
    def _others(self) -> list[int]:
        return [rank for rank in range(self.count) if rank != self.rank]

    def _left(self) -> list[int]:
        return [rank for rank in self._others if self._store.check([f"left/{rank}"])]

    def _is_killed(self, rank: int) -> bool:
        if not self._store.check([f"process/{rank}"]):
            return False  # it has not started yet
        process, machine = self._store.get(f"process/{rank}").decode().split(" ", 1)
        return machine == _machine() and not _is_alive(int(process))


_job: Job | None = None


def join() -> Job | None:
    """Join the job of this process; return None without a job.

    The launcher's environment variables are unset. Otherwise every part of the main process that trains a model, such
    as a suite that builds its target model, would wait for the helpers.
    """
    global _job
    if _job is None and (variables := _variables()):
        for name in (name for own, others in VARIABLES.items() for name in (own, *others)):
            os.environ.pop(name, None)
        _job = _connected(variables)
    return _job


def current() -> Job | None:
    """Return the job that this process has joined, if any."""
    return _job


def of_group() -> Job:
    """Return the job of the current process group.

    The process need not have joined the job before.
    """
    return _job or _job_of_environment()


@cache
def _job_of_environment() -> Job:
    return _connected(_variables())


def process_count() -> int:
    """Return the number of processes that train together."""
    return 1 if _job is None else _job.count


def refuse_unusable_launch() -> None:
    """Raise `InputError` if a run cannot do what the launcher asks for.

    This check comes before anything is written.
    """
    if asked := [name for name in SHARDED if _asks_for(name)]:
        raise InputError(
            "sharded weights are not supported: each process must hold the whole model",
            where="accelerate launch",
            value=", ".join(asked),
            allowed="plain data parallelism",
            fix="launch the run with torchrun, or with accelerate launch --multi_gpu",
        )
    if _job is None and _variables():
        raise InputError(
            "this program was started in several processes, and each of them would write to the run's folder",
            value=f"{_variables()['WORLD_SIZE']} processes",
            fix="start the command `unlearn run` with torchrun or accelerate launch; or call run() in one process",
        )
    import torch

    devices = 0 if prefers_cpu() else torch.accelerator.device_count()
    if _job is not None and 0 < devices < _job.local_count:
        raise InputError(
            "there are more processes than devices on this machine",
            value=f"{_job.local_count} processes, {devices} devices",
            fix="start at most one process per device (--nproc_per_node, --num_processes)",
        )


def is_alone_by_mistake() -> bool:
    """Return whether accelerate was asked for several processes and started one.

    With `--cpu`, it leaves it to MPI to start the others.
    """
    return prefers_cpu() and "MASTER_ADDR" in os.environ and process_count() == 1


def prefers_cpu() -> bool:
    """Return whether `accelerate launch` was asked to use the CPU only."""
    return _asks_for("CPU")


def _asks_for(what: str) -> bool:
    return os.environ.get(f"ACCELERATE_USE_{what}", "").lower() in ("true", "1", "yes")


def _connected(variables: Mapping[str, str]) -> Job:
    """Return the job, connected with its other processes."""
    from torch.distributed import distributed_c10d as torch_processes

    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")  # accelerate's defaults, for MPI on one machine
    os.environ.setdefault("MASTER_PORT", "29500")
    with _environment(variables):
        store, _, _ = next(torch_processes.rendezvous("env://"))  # type: ignore[attr-defined]
    return Job(variables, torch_processes.PrefixStore("unlearnkit", store))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.pop(name) for name in VARIABLES if name in os.environ}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def _variables() -> dict[str, str]:
    """Return the launcher's variables, or nothing without other processes."""
    found = {
        name: next(os.environ[each] for each in (name, *others) if each in os.environ)
        for name, others in VARIABLES.items()
        if any(each in os.environ for each in (name, *others))
    }
    # Some platforms set a rank and a size for each machine. Only a launcher sets the place on the machine.
    return found if {"RANK", "LOCAL_RANK"} <= found.keys() and int(found.get("WORLD_SIZE", "1")) > 1 else {}


def _machine() -> str:
    """Return a name of the machine and of its process ids' namespace."""
    space = Path("/proc/self/ns/pid")
    return f"{platform.node()} {space.readlink() if space.exists() else ''}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it belongs to another user
    return True
