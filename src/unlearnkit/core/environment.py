"""What the work runs on: versions, threads, device, memory."""

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

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def environment() -> dict[str, str]:
    """What the numbers of a run may depend on beside its recipe, by name."""
    return {
        "unlearnkit": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: version(name) for name in ("transformers", "accelerate", "peft")},
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": str(torch.get_num_threads()),
    }


def reset_peak_memory() -> None:
    """Forget the memory peak so far, where the system can (Linux): what comes is measured apart from what was."""
    # Where /proc is read-only, as in some containers, the peak stays that of the whole process.
    if _CLEAR.exists():
        with suppress(OSError):
            _CLEAR.write_text("5", encoding="ascii")


def peak_rss_mb() -> float:
    """The most memory this process has held at once, in MB of a million bytes.

    On Linux it is read from `/proc`: `getrusage` counts a parent's memory in a child that was started from it.
    """
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@contextmanager
def device_errors() -> Iterator[None]:
    """Turn what the device says of too little memory, or of itself, into an `UnlearnError`."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _no_memory() from error
    except torch.AcceleratorError as error:
        raise UnlearnError(
            f"the device failed: {str(error).partition(chr(10))[0]}",
            where=environment()["device"],
            fix="go on with --resume; if it fails again, choose another device with CUDA_VISIBLE_DEVICES",
        ) from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error):  # what torch says of the machine's own memory
            raise
        raise _no_memory() from error


def _no_memory() -> UnlearnError:
    return UnlearnError(
        "there is not enough memory",
        where=environment()["device"],
        fix="lower train.micro_batch_size, which changes no gradient, or train.max_length; or train an adapter "
        "(model.lora). The last checkpoint is kept",
    )


def share_threads(processes: int) -> None:
    """Take one of so many equal shares of the threads that this process would use alone; one thread at least."""
    if processes > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))


def quiet_libraries() -> None:
    """Keep the progress bars of the libraries out of our own output."""
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    disable_progress_bars()
