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
        try:
            partial.rename(folder)
        except OSError:
            # Another process was faster. Its result is the same: the folder's name is a fingerprint of the inputs.
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
