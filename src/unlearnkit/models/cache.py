"""Cache models that were built once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for reproducible files: `UNLEARNKIT_CACHE`, else `~/.cache/unlearnkit`."""
    chosen = os.environ.get("UNLEARNKIT_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "unlearnkit"


def cached(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return `folder`, built by `build` if it does not exist.

    It is created atomically.
    """
    if folder.exists():
        return folder
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        build(partial)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    try:
        partial.rename(folder)
    except OSError:
        # Another process was faster; its result is the same, since the folder's name holds a fingerprint of the inputs.
        shutil.rmtree(partial, ignore_errors=True)
        if not folder.exists():
            raise
    return folder
