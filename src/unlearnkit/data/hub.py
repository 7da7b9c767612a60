"""Data sets of the Hugging Face hub, as folders on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from unlearnkit.data.formats import FORMATS
from unlearnkit.errors import BadInput, Missing

_ID = re.compile(r"[\w.-]+/[\w.-]+")


def local_copy(path: str, *, where: str) -> Path:
    """A file or folder as it is; a hub data set's id as the folder into which its files were downloaded.

    Args:
        path: file, folder or id. A name that ends as a file of rows does is no id: no hub is asked for it.
        where: the field that names it, for messages.

    Raises:
        BadInput: there is no such file or folder, and the name is not that of a hub data set.
        Missing: the data set cannot be had from the hub.
    """
    here = Path(path).expanduser()
    if here.exists():
        return here
    if not _ID.fullmatch(path) or here.suffix.lower() in FORMATS:
        raise BadInput(
            "there is no such file or folder",
            where=where,
            value=path,
            allowed="a path, or the id of a hub data set (owner/name)",
            fix="check the path; a relative one begins at the working directory",
        )
    from huggingface_hub import snapshot_download  # here, because it takes a while and few need it
    from huggingface_hub.errors import HFValidationError, HTTPError, LocalEntryNotFoundError  # type: ignore[attr-defined]

    try:
        return Path(snapshot_download(path, repo_type="dataset"))
    except (HTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise Missing(
            f"there is no such path here, and the hub gives no data set of that name: {str(error).splitlines()[0]}",
            where=where,
            value=path,
            fix="check the path or id; for a data set that is not public, set HF_TOKEN",
        ) from error
