"""Write files atomically, and report unreadable or unwritable files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from pydantic import ValidationError

from unlearnkit.core.errors import InputError, UnlearnError


class WriteError(UnlearnError):
    """A file cannot be written (exit code 1).

    The disk is full, or the folder is not writable. The previous content of the file is unchanged.
    """


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Convert an error while writing into a `WriteError` that names `place`."""
    try:
        yield
    except OSError as error:
        raise _not_written(place, error.strerror or str(error)) from error
    except Exception as error:
        # safetensors raises its own error type for a failed write. Compare its name, to avoid importing it here.
        if type(error).__name__ != "SafetensorError":
            raise
        raise _not_written(place, str(error).partition("\n")[0]) from error


def write_atomic(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file atomically: write to a temporary file and rename it.

    A reader, or a process that is killed, sees either the old file or the new one, never a part.

    Raises:
        WriteError: the file cannot be written. The temporary file is removed and the old file is unchanged.
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
    """Raise `InputError` if `path` exists, so that nothing is overwritten."""
    if path.exists():
        raise InputError("the file exists already", value=str(path), fix=fix)


def sync(path: Path) -> None:
    """Flush a file, or a folder's directory entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_written(place: Path, why: str) -> WriteError:
    return WriteError(
        f"the file cannot be written: {why}",
        where=str(place),
        fix="free some space, or correct the permissions of the folder; then continue a run with --resume",
    )


@contextmanager
def reading(path: Path, fix: str | None = None) -> Iterator[None]:
    """Convert an error while reading a run's file into an `InputError`.

    The file was damaged or edited. Its content is not quoted, because it may be secret.
    """
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
    except (ValueError, TypeError, yaml.YAMLError) as error:  # not JSON, not UTF-8, not YAML or not a mapping
        raise _unreadable(str(error).splitlines()[0], str(path), fix) from error


def _unreadable(why: str, where: str, fix: str | None) -> InputError:
    return InputError(
        f"this version cannot read the file: {why}",
        where=where,
        fix=fix or "restore the file as it was; or delete the run's folder and start again",
    )
