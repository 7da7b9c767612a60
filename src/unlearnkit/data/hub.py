"""Download data sets from the Hugging Face Hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.core.hub_errors import hub_errors
from unlearnkit.data.formats import FORMATS

_ID = re.compile(r"([\w.-]+/[\w.-]+)(?::(.+))?")
CARD = "README.md"
"""File that describes a data set on the Hub. This file contains no rows."""
NAMED = 8
"""Maximum number of files that a message lists."""


def local_copy(path: str, *, where: str) -> Path:
    """Return the local path of a data set, downloading it if necessary.

    Args:
        path: a file, a folder, or the id of a Hub data set. A path that ends with the extension of a data file, such as
            `.jsonl`, is never interpreted as an id, so the Hub is not queried for such a path.
        where: the recipe field that contains `path`, for messages.

    Raises:
        InputError: `path` is neither an existing file or folder nor the id of a Hub data set, or `path` names only a
            part of a data set.
        MissingDependency: the data set cannot be downloaded from the Hub.
    """
    if (local := Path(path).expanduser()).exists():
        return local
    name, inside = _id(path, where)
    if inside is not None:
        what = "the path names a part of a data set, but the whole data set is needed"
        raise InputError(what, where=where, value=path, fix=f"leave out :{inside}")
    return _downloaded(path, name, None, where)


def local_rows(path: str, *, where: str) -> Path:
    """Return the local path of selected rows, downloading files if necessary.

    `path` is either a local file or folder, or a selection from a Hub data set. Only selected files are downloaded. If
    the data set has exactly one file of rows, `owner/name` selects this file. `owner/name:PATH` selects a file or
    folder of the data set.

    Raises:
        InputError: the file or folder exists neither locally nor in the data set; or `path` is an id without a file
            or folder, and the data set does not have exactly one file of rows.
        MissingDependency: the data set cannot be downloaded from the Hub.
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
        what = f"the id names no file, and the data set has {len(rows)} files of rows instead of exactly one"
        raise InputError(
            "the data set has no such file or folder" if inside else what,
            where=where,
            value=path,
            allowed=", ".join([*rows[:NAMED], *(["..."] if len(rows) > NAMED else [])]) or "a data set with data files",
            fix=f"add a file or folder: {name}:{rows[0]}" if rows else "choose another data set",
        )
    return _downloaded(path, name, selected, where) / (inside or selected[0])


def _id(path: str, where: str) -> tuple[str, str | None]:
    """Split a Hub path into data set id and inner path.

    The inner path is the file or folder after the colon, or None if the Hub path has no colon.
    """
    named = _ID.fullmatch(path)
    if named is None or (named[2] is None and Path(path).suffix.lower() in FORMATS):
        raise InputError(
            "there is no such file or folder",
            where=where,
            value=path,
            allowed="a path, or the id of a Hub data set (owner/name, or owner/name:FILE)",
            fix="check the path; a relative path starts at the working directory",
        )
    return named[1], named[2]


def _listed(path: str, name: str, inside: str | None, where: str) -> list[str]:
    """Return the file names of a data set.

    If the Hub cannot be reached, the result lists only files that were downloaded before and that match `inside`.
    """
    from huggingface_hub import snapshot_download  # imported here because it is slow and rarely needed
    from huggingface_hub.errors import DryRunError, LocalEntryNotFoundError
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    silent: Any = partial(tqdm, disable=True)  # no progress bar, because a dry run downloads nothing
    with hub_errors("data set", path, name=name, where=where):
        try:
            planned = snapshot_download(name, repo_type="dataset", dry_run=True, tqdm_class=silent)
            return sorted(file.filename for file in planned)
        except DryRunError as not_listed:
            wanted = None if inside is None else [escape(inside), f"{escape(inside)}/*"]
            try:
                copy = snapshot_download(name, repo_type="dataset", allow_patterns=wanted, local_files_only=True)
            except LocalEntryNotFoundError as error:
                raise error from not_listed  # the reason why the files cannot be listed: gated, not found, offline
            folder = Path(copy)
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _downloaded(path: str, name: str, files: Sequence[str] | None, where: str) -> Path:
    """Download files of a data set, and return their folder.

    If `files` is None, all files are downloaded.
    """
    from huggingface_hub import snapshot_download

    allowed = None if files is None else [escape(file) for file in files]
    with hub_errors("data set", path, name=name, where=where):
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=allowed))
