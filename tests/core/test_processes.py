"""Messages between the processes of a job, with two ends of it in one process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from torch.distributed import HashStore

from unlearnkit.core import processes
from unlearnkit.core.errors import InputError, Interrupted, UnlearnError
from unlearnkit.core.processes import Dismissed, Job, ProcessLost


def variables(rank: int, count: int = 2) -> dict[str, str]:
    return {"RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(count)}


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> tuple[Job, Job]:
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    store = HashStore()
    return Job(variables(0), store), Job(variables(1), store)


def killed(job: Job) -> None:
    """Let a job's process be one that no longer exists."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    job._store.set(f"process/{job.rank}", f"{gone.pid} {processes._machine()}")


def test_messages_arrive_in_order_until_the_end(pair: tuple[Job, Job]) -> None:
    main, helper = pair
    for number in range(5):
        main.send(number)
        assert helper.receive() == number
    # The main process may fail before the helper has read its last message.
    main.send("last")
    main.leave()
    assert helper.receive() == "last"
    with pytest.raises(Dismissed):
        helper.receive()
    assert helper._store.num_keys() < 8  # messages that were read are not kept


def test_waiting_lasts_longer_than_any_pause_and_takes_no_time_of_the_cpu(pair: tuple[Job, Job]) -> None:
    main, helper = pair
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(helper.receive)
        used = time.process_time()
        time.sleep(2.5)
        used = time.process_time() - used
        assert not waiting.done()
        main.send("go")
        assert waiting.result(5) == "go"
    assert used < 0.5


def test_a_meeting_ends_when_all_are_there(pair: tuple[Job, Job]) -> None:
    main, helper = pair
    with ThreadPoolExecutor() as threads:
        for _ in range(2):
            waiting = threads.submit(main.meet)
            time.sleep(0.1)
            assert not waiting.done()
            helper.meet()
            waiting.result(5)


def test_who_waits_learns_that_the_other_was_killed(pair: tuple[Job, Job]) -> None:
    main, helper = pair
    assert main.lost() == helper.lost() == []
    killed(main)
    assert helper.lost() == [0]
    with pytest.raises(ProcessLost, match=r"(?s)another process.*process 0 of 2.*--resume"):
        helper.receive()
    killed(helper)
    with pytest.raises(ProcessLost, match="process 1 of 2"):
        main.meet()


def test_a_helper_that_has_failed_is_not_waited_for_and_does_not_count_as_killed(pair: tuple[Job, Job]) -> None:
    main, helper = pair
    killed(helper)
    helper.leave()
    assert main.lost() == []
    with pytest.raises(ProcessLost):
        main.meet()


def test_an_error_is_told_by_one_process(pair: tuple[Job, Job]) -> None:
    main, helper = pair
    assert not helper.reports(Interrupted("stopped"))
    assert not helper.reports(Dismissed())
    assert helper.reports(UnlearnError("first"))
    assert not main.reports(ProcessLost("because of it"))
    assert helper.reports(UnlearnError("first"))  # asked again, the answer is the same


def test_the_launchers_variables_are_set_only_where_they_are_wanted(
    pair: tuple[Job, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "before")
    with pair[1].environment():
        assert {name: os.environ[name] for name in processes.VARIABLES} == variables(1)
    assert os.environ["RANK"] == "before"
    assert "WORLD_SIZE" not in os.environ


@pytest.mark.parametrize(
    ("found", "several"),
    [
        (variables(1), True),
        (variables(0, 1), False),
        ({"RANK": "1", "WORLD_SIZE": "2"}, False),  # a platform's number of the machine, without a launcher
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}, True),
        ({}, False),
    ],
)
def test_several_processes_are_recognized(
    found: dict[str, str], several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    assert bool(processes._variables()) is several
    if several:
        with pytest.raises(InputError, match="each of them would write"):
            processes.refuse_unusable_launch()
    else:
        assert processes.join() is None
        processes.refuse_unusable_launch()


def test_sharded_weights_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(InputError, match="sharded weights are not supported") as raised:
        processes.refuse_unusable_launch()
    assert raised.value.value == "FSDP"


def test_the_command_line_imports_no_torch_in_one_process(tmp_path: Path) -> None:
    said = "import sys; from unlearnkit.core import processes; print(processes.join(), 'torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout == "None False\n"
