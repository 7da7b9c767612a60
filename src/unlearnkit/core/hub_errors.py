"""Explain errors of the Hugging Face Hub's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from unlearnkit.core.errors import InputError, MissingDependency, UnlearnError

Kind = Literal["model", "data set"]
_LOCAL: dict[Kind, str] = {"model": "model folder", "data set": "file or folder"}
_PAGES: dict[Kind, str] = {"model": "", "data set": "datasets/"}
_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN to a token that may read it"


@contextmanager
def hub_errors(kind: Kind, source: str, *, name: str, where: str, revision: str | None = None) -> Iterator[None]:
    """Convert errors of the Hub client into errors with a fix.

    Args:
        kind: what is downloaded.
        source: what the user wrote. It may contain more than the Hub id.
        name: Hub id, `owner/name`.
        where: name of the setting that contains `source`.
        revision: branch, tag or commit that was asked for; None for the newest commit.

    Raises:
        InputError: the Hub has no such repository, revision or file.
        MissingDependency: the repository is gated, this user may not read it, the Hub cannot be reached, or the files
            cannot be stored.
    """
    from huggingface_hub import errors  # imported here because it is slow and rarely needed

    client_errors = (errors.HTTPError, errors.HFValidationError, errors.OfflineModeIsEnabled, OSError)  # type: ignore[attr-defined]
    try:
        yield
    except client_errors as error:
        raise _explained(error, kind, source, name, where, revision) from error


def _explained(
    error: BaseException, kind: Kind, source: str, name: str, where: str, revision: str | None
) -> UnlearnError:
    from huggingface_hub import constants, errors

    causes = _chain(error)

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if caused_by(errors.HFValidationError):
        return InputError(
            f"there is no such {_LOCAL[kind]}, and the name is not a Hub id",
            where=where,
            value=source,
            allowed=f"a {_LOCAL[kind]}, or owner/name on the Hub",
            fix="correct the path or id; a relative path starts at the working directory",
        )
    if caused_by(errors.GatedRepoError):  # before RepositoryNotFoundError, which is its base class
        page = f"{constants.ENDPOINT}/{_PAGES[kind]}{name}"
        return MissingDependency(
            f"the {kind} is gated: only users approved by its owner can download it from the Hub",
            where=where,
            value=source,
            fix=f"accept the terms on {page}, wait until access is granted if the owner must approve it, and {_LOG_IN}",
        )
    if caused_by(errors.RevisionNotFoundError):
        return InputError(
            f"the {kind} has no such revision on the Hub",
            where=where,
            value=f"{source}, revision {revision}",
            allowed="a branch, tag or commit of the repository",
            fix="correct the revision",
        )
    if caused_by(errors.RemoteEntryNotFoundError):
        return InputError(
            f"a file of the {kind} does not exist on the Hub: {_first_line(error)}",
            where=where,
            value=source,
            fix="check the files on the page of the repository, and correct the name",
        )
    if caused_by(errors.RepositoryNotFoundError):
        return InputError(
            f"there is no such {_LOCAL[kind]} and no such {kind} on the Hub, or you cannot access the {kind}",
            where=where,
            value=source,
            fix=f"correct the name; if the {kind} is private, {_LOG_IN} (hf auth login)",
        )
    statuses = {cause.response.status_code for cause in causes if isinstance(cause, errors.HfHubHTTPError)}
    if denied := statuses & {401, 403}:
        return MissingDependency(
            f"the Hub denies access to the {kind} (HTTP {min(denied)}): {_first_line(causes[-1])}",
            where=where,
            value=source,
            fix=f"{_LOG_IN}; a fine-grained token needs the permission to read this repository",
        )
    local_errors = (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, errors.FileMetadataError)
    if caused_by(errors.HTTPError, *local_errors):  # type: ignore[attr-defined]
        return _not_reached(kind, source, where, statuses, offline=caused_by(errors.OfflineModeIsEnabled))
    return MissingDependency(
        f"the downloaded files cannot be stored: {error}",
        where=constants.HF_HUB_CACHE,
        fix="free space on the disk, or set the environment variable HF_HOME to a folder on another disk",
    )


def _not_reached(kind: Kind, source: str, where: str, statuses: set[int], *, offline: bool) -> MissingDependency:
    from huggingface_hub import constants

    offline = offline or constants.HF_HUB_OFFLINE
    why = "the Hub cannot be reached or the download was interrupted"
    if offline:
        why = "the Hub cannot be reached, because HF_HUB_OFFLINE is set"
    elif statuses:
        why = f"the Hub answered with HTTP {min(statuses)}"
    return MissingDependency(
        f"the {kind} is not on this machine, and the download failed: {why}",
        where=where,
        value=source,
        fix=f"{'unset HF_HUB_OFFLINE, and ' if offline else ''}connect to the internet and try again; or use a local "
        f"{'folder' if kind == 'model' else 'file or folder'}",
    )


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and the errors that caused it.

    The Hub's client wraps the error of a request in an error about its cache.
    """
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__
    return chain


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
