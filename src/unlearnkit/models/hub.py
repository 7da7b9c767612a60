"""Download models from the Hugging Face Hub into its cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import constants, errors, snapshot_download

from unlearnkit.core.errors import InputError, MissingDependency

TEXTS = ("*.json", "*.jinja", "*.txt", "*.model")
"""Configuration and tokenizer: small files, checked before any weights are downloaded."""


def from_hub(name: str, patterns: Sequence[str], *, where: str, revision: str | None = None) -> Path:
    """Return the Hub cache's folder of a model.

    Missing files are downloaded. With `HF_HUB_OFFLINE=1`, or without a network, only the cache is used.

    Args:
        name: Hub id, `owner/name`.
        patterns: file name patterns with `*`.
        where: the setting that names the model, for messages.
        revision: commit; None for the newest.

    Raises:
        InputError: the name is not a Hub id, or the Hub has no such model.
        MissingDependency: the Hub cannot be reached, or denies this user the model; or the disk is full.
    """
    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns), revision=revision))
    except errors.HFValidationError as error:
        raise InputError(
            "there is no such model folder, and this is not a Hub id",
            where=where,
            value=name,
            allowed="a folder, or owner/name on the Hub",
            fix="correct the path or id; a relative one starts at the working directory",
        ) from error
    except errors.GatedRepoError as error:
        raise MissingDependency(
            "the model is gated: the Hub provides it only to users that its owner has approved",
            where=where,
            value=name,
            fix="accept its terms on its page, then: hf auth login",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            "there is no such model folder, and the Hub has no such model that you may see",
            where=where,
            value=name,
            fix="correct the name; for a private model: hf auth login",
        ) from error
    except (errors.HTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:  # type: ignore[attr-defined]
        raise MissingDependency(
            "the model is not on this machine, and the Hub cannot be reached or the download broke off",
            where=where,
            value=name,
            fix="connect (and unset HF_HUB_OFFLINE) and try again, or name a local folder",
        ) from error
    except OSError as error:
        raise MissingDependency(
            f"the download cannot be stored: {error}",
            where=constants.HF_HUB_CACHE,
            fix="free some space there, or choose another folder with HF_HOME",
        ) from error
