"""Two gloo processes against one, at the same global batch."""

import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.training.two_processes import CASES, STEPS, run, trainer

Found = tuple[Path, list[dict[str, Any]]]


def free_port() -> int:
    """A port below those that the system gives to outgoing connections, so that it is still free seconds later."""
    for port in random.SystemRandom().sample(range(20_000, 30_000), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no port is free")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    out = tmp_path_factory.mktemp("two")
    port = free_port()
    shared = {
        **os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.training.two_processes", str(out)]
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(
            command,
            cwd=root,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=180)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], "\n".join(said)
    return out, [json.loads((out / f"{rank}.json").read_text()) for rank in range(2)]


def weights(found: Found, name: str) -> list[dict[str, Tensor]]:
    return [load_file(found[0] / f"{name}.{rank}.safetensors") for rank in range(2)]


def assert_synchronized(found: Found, name: str, single: dict[str, Tensor]) -> None:
    """Both processes hold the same weights, and these are one process's."""
    one, other = weights(found, name)
    for key, value in one.items():
        assert torch.equal(value, other[key]), f"the processes hold different {key}"
        torch.testing.assert_close(value, single[key], rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_losses_terms_and_weights_equal_those_of_one_process(found: Found, case: str) -> None:
    made = trainer(case)
    want = run(made)
    assert len(want["losses"]) == STEPS
    for process in found[1]:
        # RMU's is a squared length, in the hundreds: a sum in another order is off by float32's rounding of that.
        assert process[case]["losses"] == pytest.approx(want["losses"], rel=1e-6, abs=1e-5)
        assert process[case]["norm"] == pytest.approx(want["norm"], rel=1e-5)
        for ours, theirs in zip(process[case]["terms"], want["terms"], strict=True):
            assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-5)
    assert max(want["losses"]) - min(want["losses"]) > 0.01  # so the weights moved enough to tell
    single = {key: p.detach() for key, p in made.engine.named_parameters()}
    assert_synchronized(found, case, single)


def test_the_check_trips_when_gradients_are_not_synchronized(found: Found) -> None:
    made = trainer("graddiff")
    want = run(made)
    single = {key: p.detach() for key, p in made.engine.named_parameters()}
    with pytest.raises(AssertionError, match="the processes hold different"):
        assert_synchronized(found, "unsynced", single)
    losses = found[1][0]["unsynced"]["losses"]
    assert losses[0] == pytest.approx(want["losses"][0], abs=1e-5)  # before the first update nothing shows
    assert losses != pytest.approx(want["losses"], abs=1e-5)


def test_one_process_that_is_told_to_stop_takes_the_other_with_it(found: Found) -> None:
    assert [process["stopped_after"] for process in found[1]] == [3, 3]
