"""Download models from the Hugging Face Hub into the Hub's local cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import constants, errors, snapshot_download

from unlearnkit.core.errors import InputError, MissingDependency

TEXTS = ("*.json", "*.jinja", "*.txt", "*.model")
"""Name patterns of the configuration and tokenizer files. These files are small, and they are checked before any
weights are downloaded."""


def from_hub(name: str, patterns: Sequence[str], *, where: str, revision: str | None = None) -> Path:
    """Return the folder of a model in the local Hub cache.

    Missing files are downloaded. With `HF_HUB_OFFLINE=1`, or without a network, only the cache is used.

    Args:
        name: Hub id, `owner/name`.
        patterns: file name patterns with `*` as wildcard. Files that match any pattern are downloaded.
        where: name of the setting that specifies the model, for messages.
        revision: commit hash; None for the newest commit.

    Raises:
        InputError: the name is not a Hub id, or the Hub has no model with this name.
        MissingDependency: the Hub cannot be reached, the Hub denies this user access to the model, or the files cannot
            be stored.
    """
    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns), revision=revision))
    except errors.HFValidationError as error:
        raise InputError(
            "there is no such model folder, and the name is not a Hub id",
            where=where,
            value=name,
            allowed="a folder, or owner/name on the Hub",
            fix="correct the path or id; a relative path starts at the working directory",
        ) from error
    except errors.GatedRepoError as error:
        raise MissingDependency(
            "the model is gated: only users approved by the model's owner can download it from the Hub",
            where=where,
            value=name,
            fix="accept the model's terms on its Hub page, then log in: hf auth login",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            "there is no such model folder and no such model on the Hub, or you cannot access the model",
            where=where,
            value=name,
            fix="correct the name; if the model is private, log in: hf auth login",
        ) from error
    except (errors.HTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:  # type: ignore[attr-defined]
        raise MissingDependency(
            "the model is not on this machine, and the download failed: "
            "the Hub cannot be reached or the download was interrupted",
            where=where,
            value=name,
            fix="connect to the internet, unset HF_HUB_OFFLINE, and try again; or use a local folder",
        ) from error
    except OSError as error:
        raise MissingDependency(
            f"the downloaded files cannot be stored: {error}",
            where=constants.HF_HUB_CACHE,
            fix="free space on the disk, or set the environment variable HF_HOME to a folder on another disk",
        ) from error
