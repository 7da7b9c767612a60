"""Cache models that are built once and reused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: `$UNLEARNKIT_CACHE`, or by default `~/.cache/unlearnkit`.

    The folder contains only files that can be created again.
    """
    chosen = os.environ.get("UNLEARNKIT_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "unlearnkit"


def cached(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return `folder`; if it does not exist, create it with `build`.

    The folder is created atomically: it never exists with only some of its files.
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
            # Another process created the folder first. Its content is the same, because the folder's
            # name is a fingerprint of the inputs.
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
