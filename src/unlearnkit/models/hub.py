"""Models on the Hugging Face Hub: their files, brought into its cache on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is that of the client's HTTP library
    GatedRepoError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from unlearnkit.core.errors import InputError, MissingDependency

TEXTS = ("*.json", "*.jinja", "*.txt", "*.model")
"""Configuration and tokenizer: small files, which are looked at before any weight is downloaded."""


def from_hub(name: str, patterns: Sequence[str], *, where: str, revision: str | None = None) -> Path:
    """The folder in the Hub's cache with those files of a model whose names match; downloaded where they are not there.

    With `HF_HUB_OFFLINE=1`, or without a network, what the cache holds has to do.

    Args:
        name: Hub id, `owner/name`.
        patterns: names of files, with `*` for any letters.
        where: what names the model, for messages.
        revision: commit; None for the newest.

    Raises:
        InputError: the name is no Hub id, or the Hub has no such model.
        Missing: the Hub cannot be reached, or does not give this model to this user; or there is no room for it.
    """
    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns), revision=revision))
    except HFValidationError as error:
        raise InputError(
            "there is no such model folder, and this is no Hub id",
            where=where,
            value=name,
            allowed="a folder, or owner/name on the Hub",
            fix="correct the path or id; a relative path begins at the working directory",
        ) from error
    except GatedRepoError as error:
        raise MissingDependency(
            "the Hub gives this model only to those whom its owner lets have it",
            where=where,
            value=name,
            fix="accept its terms on its page, then: hf auth login",
        ) from error
    except RepositoryNotFoundError as error:
        raise InputError(
            "there is no such model folder, and the Hub shows you no such model",
            where=where,
            value=name,
            fix="correct the name; for a private model: hf auth login",
        ) from error
    except (HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise MissingDependency(
            "the model is not on this machine, and the Hub cannot be reached or broke off",
            where=where,
            value=name,
            fix="connect (and unset HF_HUB_OFFLINE) and try again, or name a local folder",
        ) from error
    except OSError as error:
        raise MissingDependency(
            f"what is downloaded cannot be kept: {error}",
            where=constants.HF_HUB_CACHE,
            fix="make room there, or choose another place with HF_HOME",
        ) from error
