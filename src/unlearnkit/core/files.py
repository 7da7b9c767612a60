"""Writing files so that they are there whole or not at all, and telling what kept them from being written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from pydantic import ValidationError

from unlearnkit.core.errors import InputError, UnlearnError


class WriteError(UnlearnError):
    """The disk is full, or the place may not be written to (exit code 1). What was there before is still there."""


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn what the system says of a file that cannot be written into `WriteError`, naming `place`."""
    try:
        yield
    except OSError as error:
        raise _not_written(place, error.strerror or str(error)) from error
    except Exception as error:
        # What the system says to safetensors comes as an error of its own; told by name, so as not to import it here.
        if type(error).__name__ != "SafetensorError":
            raise
        raise _not_written(place, str(error).partition("\n")[0]) from error


def write_atomic(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file beside its place and rename it: a reader, or a kill, meets the old file or the new one, whole.

    Raises `WriteError`; what was written by then is removed, and the old file is as it was.
    """
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        try:
            partial.unlink(missing_ok=True)
            partial.touch(mode=mode)
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        except Exception:
            partial.unlink(missing_ok=True)
            raise


def refuse_taken(path: Path, fix: str) -> None:
    """Raise `InputError` where there is something in a file's place already, which a person may have written."""
    if path.exists():
        raise InputError("the file is there already", value=str(path), fix=fix)


def sync(path: Path) -> None:
    """Have the system bring a file, or a folder's list of files, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_written(place: Path, why: str) -> WriteError:
    return WriteError(
        f"the file cannot be written: {why}",
        where=str(place),
        fix="make room, or mend the folder's rights; a run then goes on with --resume",
    )


@contextmanager
def reading(path: Path, fix: str | None = None) -> Iterator[None]:
    """Tell of a file of the run that was damaged or edited. What stands in it is not told: it may be a secret."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        why, where = first["msg"], f"{path}, field {field}" if field else str(path)
        raise _unreadable(why, where, fix) from error
    except KeyError as error:
        raise _unreadable("a field is missing", f"{path}, field {error.args[0]}", fix) from error
    except OSError as error:
        raise _unreadable(error.strerror or str(error), str(path), fix) from error
    except (ValueError, TypeError, yaml.YAMLError) as error:  # no JSON, no UTF-8, no YAML, no mapping
        raise _unreadable(str(error).splitlines()[0], str(path), fix) from error


def _unreadable(why: str, where: str, fix: str | None) -> InputError:
    return InputError(
        f"the file is not one that this version wrote: {why}",
        where=where,
        fix=fix or "bring it back as it was; or delete the run's folder and begin anew",
    )
