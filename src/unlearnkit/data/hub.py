"""Download data sets of the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.data.formats import FORMATS

_ID = re.compile(r"([\w.-]+/[\w.-]+)(?::(.+))?")
CARD = "README.md"
"""The file that describes a data set on the hub; it contains no rows."""
NAMED = 8
"""Maximum number of files that a message lists."""


def local_copy(path: str, *, where: str) -> Path:
    """Return a local path, downloading a hub data set if needed.

    Args:
        path: file, folder or id. A name with the extension of a rows file is not an id: the hub is not queried.
        where: the field that names it, for messages.

    Raises:
        InputError: there is no such file or folder, and the name is not the id of a hub data set.
        MissingDependency: the hub does not provide the data set.
    """
    if (local := Path(path).expanduser()).exists():
        return local
    name, inside = _id(path, where)
    if inside is not None:
        raise InputError("the whole data set is needed", where=where, value=path, fix=f"leave out :{inside}")
    return _downloaded(path, name, None, where)


def local_rows(path: str, *, where: str) -> Path:
    """Return a local path of rows, downloading only those if needed.

    An id alone selects the data set's only rows file; `owner/name:PATH` selects a file or folder in it.

    Raises:
        InputError: there is no such file or folder, here or in the data set; or the data set has several rows files.
        MissingDependency: the hub does not provide the data set.
    """
    if (local := Path(path).expanduser()).exists():
        return local
    name, inside = _id(path, where)
    files = _listed(path, name, inside, where)
    rows = [file for file in files if PurePosixPath(file).suffix.lower() in FORMATS and file != CARD]
    selected = [file for file in files if inside and PurePosixPath(file).is_relative_to(inside)]
    if inside is None and len(rows) == 1:
        selected = rows
    if not selected:
        raise InputError(
            "the data set has no such file or folder" if inside else f"the data set has {len(rows)} files of rows",
            where=where,
            value=path,
            allowed=", ".join([*rows[:NAMED], *(["..."] if len(rows) > NAMED else [])]) or "a data set with rows files",
            fix=f"name a file or folder in it: {name}:{rows[0]}" if rows else "name another data set",
        )
    return _downloaded(path, name, selected, where) / (inside or selected[0])


def _id(path: str, where: str) -> tuple[str, str | None]:
    """Split into a data set's id and the path inside it."""
    named = _ID.fullmatch(path)
    if named is None or (named[2] is None and Path(path).suffix.lower() in FORMATS):
        raise InputError(
            "there is no such file or folder",
            where=where,
            value=path,
            allowed="a path, or the id of a hub data set (owner/name, or owner/name:FILE)",
            fix="check the path; a relative one starts at the working directory",
        )
    return named[1], named[2]


def _listed(path: str, name: str, inside: str | None, where: str) -> list[str]:
    """Return the file names of a data set.

    Offline, only those of downloaded files that match.
    """
    from huggingface_hub import snapshot_download  # imported here because it is slow and rarely needed
    from huggingface_hub.errors import DryRunError
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    silent: Any = partial(tqdm, disable=True)  # a dry run downloads nothing
    with _hub_errors(path, where):
        try:
            planned = snapshot_download(name, repo_type="dataset", dry_run=True, tqdm_class=silent)
            return sorted(file.filename for file in planned)
        except DryRunError:
            wanted = None if inside is None else [escape(inside), f"{escape(inside)}/*"]
            folder = Path(snapshot_download(name, repo_type="dataset", allow_patterns=wanted, local_files_only=True))
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _downloaded(path: str, name: str, files: Sequence[str] | None, where: str) -> Path:
    """Return the folder with a data set's files, or some of them."""
    from huggingface_hub import snapshot_download

    allowed = None if files is None else [escape(file) for file in files]
    with _hub_errors(path, where):
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=allowed))


@contextmanager
def _hub_errors(path: str, where: str) -> Iterator[None]:
    """Convert errors of the hub into a `MissingDependency`."""
    from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError  # type: ignore[attr-defined]

    try:
        yield
    except (HTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise MissingDependency(
            f"there is no such path here, and the hub has no data set of that name: {str(error).splitlines()[0]}",
            where=where,
            value=path,
            fix="check the path or id; for a data set that is not public, set HF_TOKEN",
        ) from error
