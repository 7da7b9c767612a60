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

    For example, the disk is full or the folder is not writable. The previous content of the file is unchanged.
    """


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Convert a failed write into a `WriteError` that names `place`."""
    try:
        yield
    except Exception as error:
        # The package safetensors raises its own error type for a failed write. Comparing the name of the type avoids an
        # import of safetensors.
        if not isinstance(error, OSError) and type(error).__name__ != "SafetensorError":
            raise
        raise WriteError(
            f"the file cannot be written: {_reason(error)}",
            where=str(place),
            fix="free some space, or correct the permissions of the folder; to continue a stopped run, use --resume",
        ) from error


def write_atomic(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write a file atomically: write to a temporary file and rename it.

    Readers see either the old file or the complete new file, even if the writing process is killed.

    Raises:
        WriteError: the file cannot be written. The temporary file is removed and the old file is unchanged.
    """
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        try:
            partial.unlink(missing_ok=True)
            partial.touch(mode=mode)
            if isinstance(content, bytes):
                partial.write_bytes(content)
            else:
                partial.write_text(content, encoding="utf-8")
            partial.replace(path)
        except Exception:
            partial.unlink(missing_ok=True)
            raise


def read_text(path: Path, what: str, *, fix: str, where: str | None = None) -> str:
    """Read a text file whose path the user gave.

    Args:
        path: the file.
        what: description of the file in the message, such as `the recipe`.
        fix: how the user can solve the problem, for the message.
        where: the option that gives the path, for the message.

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"{what} cannot be read: {why}", where=where, value=str(path), fix=fix) from error


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


@contextmanager
def reading(path: Path, fix: str | None = None) -> Iterator[None]:
    """Convert an error from reading a stored file into an `InputError`.

    The file was written by this package, so an error means that the file was damaged or edited. The message does not
    quote the content of the file, because the content may be secret.
    """
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        # The file cannot be opened, is not valid JSON, UTF-8 or YAML, is not a mapping, or has the wrong fields.
        why, field = _reason(error), ""
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            why, field = first["msg"], ".".join(map(str, first["loc"]))
        elif isinstance(error, KeyError):
            why, field = "a field is missing", error.args[0]
        raise InputError(
            f"this version cannot read the file: {why}",
            where=f"{path}, field {field}" if field else str(path),
            fix=fix or "restore the original file, or delete the run's folder and start again",
        ) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).partition("\n")[0]
