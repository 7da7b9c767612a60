"""Data sets of the Hugging Face hub, as folders on this machine."""

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
"""What describes a data set on the hub; its rows are elsewhere."""
NAMED = 8
"""How many files of a data set a message names."""


def local_copy(path: str, *, where: str) -> Path:
    """A file or folder as it is; a hub data set's id as the folder into which its files were downloaded.

    Args:
        path: file, folder or id. A name that ends as a file of rows does is no id: no hub is asked for it.
        where: the field that names it, for messages.

    Raises:
        InputError: there is no such file or folder, and the name is not that of a hub data set.
        Missing: the data set cannot be had from the hub.
    """
    here = Path(path).expanduser()
    if here.exists():
        return here
    name, inside = _id(path, where)
    if inside is not None:
        raise InputError("the whole data set is needed", where=where, value=path, fix=f"leave out :{inside}")
    return _downloaded(path, name, None, where)


def local_rows(path: str, *, where: str) -> Path:
    """A file or folder of rows: as `local_copy`, but of a hub data set only what holds the rows is downloaded.

    An id alone stands for the one file of rows that the data set has; `owner/name:PATH` for a file or folder in it.

    Raises:
        InputError: there is no such file or folder, here or in the data set; the data set has several files of rows.
        Missing: the data set cannot be had from the hub.
    """
    here = Path(path).expanduser()
    if here.exists():
        return here
    name, inside = _id(path, where)
    files = _listed(path, name, inside, where)
    rows = [file for file in files if PurePosixPath(file).suffix.lower() in FORMATS and file != CARD]
    asked = [file for file in files if inside and PurePosixPath(file).is_relative_to(inside)]
    if inside is None and len(rows) == 1:
        asked = rows
    if not asked:
        raise InputError(
            "the data set has no such file or folder" if inside else f"the data set has {len(rows)} files of rows",
            where=where,
            value=path,
            allowed=", ".join([*rows[:NAMED], *(["..."] if len(rows) > NAMED else [])]) or "a data set that has some",
            fix=f"name a file of it, or a folder: {name}:{rows[0]}" if rows else "name another data set",
        )
    return _downloaded(path, name, asked, where) / (inside or asked[0])


def _id(path: str, where: str) -> tuple[str, str | None]:
    """A data set's id, and what is named inside it."""
    named = _ID.fullmatch(path)
    if named is None or (named[2] is None and Path(path).suffix.lower() in FORMATS):
        raise InputError(
            "there is no such file or folder",
            where=where,
            value=path,
            allowed="a path, or the id of a hub data set (owner/name, or owner/name:FILE)",
            fix="check the path; a relative one begins at the working directory",
        )
    return named[1], named[2]


def _listed(path: str, name: str, inside: str | None, where: str) -> list[str]:
    """The names of a data set's files; without a network, of those that were asked for and downloaded before."""
    from huggingface_hub import snapshot_download  # here, because it takes a while and few need it
    from huggingface_hub.errors import DryRunError
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    silent: Any = partial(tqdm, disable=True)  # nothing is fetched yet
    with _told(path, where):
        try:
            told = snapshot_download(name, repo_type="dataset", dry_run=True, tqdm_class=silent)
            return sorted(file.filename for file in told)
        except DryRunError:
            wanted = None if inside is None else [escape(inside), f"{escape(inside)}/*"]
            folder = Path(snapshot_download(name, repo_type="dataset", allow_patterns=wanted, local_files_only=True))
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _downloaded(path: str, name: str, files: Sequence[str] | None, where: str) -> Path:
    """The folder of a data set's files, or of those that are named."""
    from huggingface_hub import snapshot_download

    allowed = None if files is None else [escape(file) for file in files]
    with _told(path, where):
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=allowed))


@contextmanager
def _told(path: str, where: str) -> Iterator[None]:
    """Say of what the hub does not give that it is missing."""
    from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError  # type: ignore[attr-defined]

    try:
        yield
    except (HTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise MissingDependency(
            f"there is no such path here, and the hub gives no data set of that name: {str(error).splitlines()[0]}",
            where=where,
            value=path,
            fix="check the path or id; for a data set that is not public, set HF_TOKEN",
        ) from error
