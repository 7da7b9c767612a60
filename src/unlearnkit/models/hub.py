"""Models on the Hugging Face Hub: their files, brought into its cache on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from unlearnkit.errors import BadInput, Missing

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
        BadInput: the name is no Hub id, or the Hub has no such model.
        Missing: the Hub cannot be reached, or does not give this model to this user.
    """
    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns), revision=revision))
    except HFValidationError as error:
        raise BadInput(
            "there is no such model folder, and this is no Hub id",
            where=where,
            value=name,
            allowed="a folder, or owner/name on the Hub",
        ) from error
    except GatedRepoError as error:
        raise Missing(
            "the Hub gives this model only to those whom its owner lets have it",
            where=where,
            value=name,
            fix="accept its terms on its page, then: hf auth login",
        ) from error
    except RepositoryNotFoundError as error:
        raise BadInput(
            "there is no such model folder, and the Hub shows you no such model",
            where=where,
            value=name,
            fix="correct the name; for a private model: hf auth login",
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise Missing(
            "the model is not on this machine, and the Hub cannot be reached",
            where=where,
            value=name,
            fix="connect (and unset HF_HUB_OFFLINE), or name a local folder",
        ) from error
