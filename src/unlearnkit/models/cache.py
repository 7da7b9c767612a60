"""Where models that were built once are kept, and how they get there whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """The folder for things that can be made again: `UNLEARNKIT_CACHE`, else `~/.cache/unlearnkit`."""
    chosen = os.environ.get("UNLEARNKIT_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "unlearnkit"


def cached(folder: Path, build: Callable[[Path], None]) -> Path:
    """`folder`, built by `build` if it is not there. It appears whole or not at all."""
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
        # Another process was faster; its result is the same, being a function of the folder's fingerprint.
        shutil.rmtree(partial, ignore_errors=True)
        if not folder.exists():
            raise
    return folder
