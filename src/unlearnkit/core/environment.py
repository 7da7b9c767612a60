"""Describe the machine, measure memory, limit threads, and report device errors."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import torch

from unlearnkit import __version__
from unlearnkit.core.errors import UnlearnError
from unlearnkit.core.processes import process_count

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def environment() -> dict[str, str]:
    """Describe the software and hardware that may affect a run's numbers.

    The result maps names, such as `torch` or `device`, to descriptions. The run's settings are not included.
    """
    return {
        "unlearnkit": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: version(name) for name in ("transformers", "accelerate", "peft")},
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": str(torch.get_num_threads()),
        **({"processes": str(process_count())} if process_count() > 1 else {}),
    }


def reset_peak_memory() -> None:
    """Reset the peak memory counter of this process.

    Only Linux supports the reset. On other systems this function does nothing.
    """
    # If /proc is missing or read-only, as in some containers, the counter is not reset.
    with suppress(OSError):
        _CLEAR.write_text("5", encoding="ascii")


def peak_rss_mb() -> float:
    """Return this process's peak resident memory in MB (10^6 bytes).

    On Linux the peak is read from `/proc`, because `getrusage` also counts the memory of the parent process if this
    process was forked.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@contextmanager
def device_errors() -> Iterator[None]:
    """Convert out-of-memory and device errors into an `UnlearnError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # Torch has no error type for exhausted main memory, but the message names the CPU allocator.
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator" in str(error):
            what = "there is not enough memory"
            fix = (
                "lower train.micro_batch_size (the gradients stay the same) or train.max_length, or train an adapter "
                "(model.lora); the last checkpoint was kept"
            )
        elif isinstance(error, torch.AcceleratorError):
            what = f"the device failed: {str(error).partition(chr(10))[0]}"
            fix = "continue the run with --resume; if it fails again, choose another device with CUDA_VISIBLE_DEVICES"
        else:
            raise
        raise UnlearnError(what, where=environment()["device"], fix=fix) from error


def share_threads(processes: int) -> None:
    """Limit this process to 1 / `processes` of its CPU threads.

    The process keeps at least one thread.
    """
    if processes > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))


def quiet_libraries() -> None:
    """Turn off the progress bars of huggingface_hub and transformers."""
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    disable_progress_bars()
