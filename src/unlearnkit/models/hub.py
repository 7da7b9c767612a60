"""Download models from the Hugging Face Hub into the Hub's local cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download

from unlearnkit.core.hub_errors import hub_errors

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
        revision: branch, tag or commit; None for the newest commit.

    Raises:
        InputError: the name is not a Hub id, or the Hub has no model with this name or no such revision of it.
        MissingDependency: the Hub cannot be reached, the Hub denies this user access to the model, or the files cannot
            be stored.
    """
    with hub_errors("model", name, name=name, where=where, revision=revision):
        return Path(snapshot_download(name, allow_patterns=list(patterns), revision=revision))
