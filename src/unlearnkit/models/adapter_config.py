"""Read an adapter's configuration, and refuse adapters that cannot be merged.

Adapters are merged into the base model before training. The checks in this module read only `adapter_config.json`, so
an adapter is refused before the base model is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from unlearnkit.core.errors import InputError

FIX = "use an adapter that peft can merge (see merge_and_unload in its documentation), or a model without an adapter"
_UNMERGEABLE_SETTINGS = {
    "alora_invocation_tokens": "an aLoRA adapter: it is active only after its invocation tokens",
    "arrow_config": "an Arrow router: it mixes several adapters for each token",
}
"""Settings of a LoRA adapter whose effect depends on the input, so that no change of the weights has the same effect.
The values name the kind of adapter."""
_LOST_INITS = {
    "corda": "CorDA",
    "lora_ga": "LoRA-GA",
}
"""Initializations of a LoRA adapter that change the base model's weights in a way that the adapter's folder does not
record."""


class AdapterBase(NamedTuple):
    """The base model that an adapter names."""

    name: str
    """Folder or Hub id."""
    revision: str | None
    """Branch, tag or commit on the Hub; None for the newest commit."""


def adapter_base(settings: Mapping[str, Any], file: Path) -> AdapterBase:
    """Return the base model of an adapter.

    Args:
        settings: content of `adapter_config.json`.
        file: path of `adapter_config.json`, for messages.

    Raises:
        InputError: the adapter cannot be merged into a causal language model, or names no base model.
    """
    _refuse_kind(settings, file)
    name, revision = settings.get("base_model_name_or_path"), settings.get("revision")
    if not isinstance(name, str) or not name:
        raise InputError(
            "the adapter does not name its base model",
            where=f"{file}, field base_model_name_or_path",
            fix="add the folder or Hub id of the base model to this field",
        )
    if revision is not None and not isinstance(revision, str):
        raise InputError(
            "the revision of the base model is not text",
            where=f"{file}, field revision",
            value=revision,
            allowed="a branch, tag or commit of the base model, or null",
            fix="correct the field",
        )
    return AdapterBase(name, revision or None)


def _refuse_kind(settings: Mapping[str, Any], file: Path) -> None:
    from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING  # imported here because it is slow

    tuners = {kind.value: tuner for kind, tuner in PEFT_TYPE_TO_TUNER_MAPPING.items()}
    kind = settings.get("peft_type")
    mergeable = sorted(name for name, tuner in tuners.items() if hasattr(tuner, "merge_and_unload"))
    if kind not in mergeable:
        known = "cannot be merged into the weights" if kind in tuners else "is not supported by the installed peft"
        raise InputError(
            f"this type of adapter {known}, so it is not supported",
            where=f"{file}, field peft_type",
            value=kind,
            allowed=", ".join(mergeable),
            fix=FIX,
        )
    task = settings.get("task_type")
    if task not in (None, "CAUSAL_LM"):
        raise InputError(
            "the adapter was trained for another task than language modeling",
            where=f"{file}, field task_type",
            value=task,
            allowed="CAUSAL_LM",
            fix="use an adapter of a causal language model",
        )
    for field, name in _UNMERGEABLE_SETTINGS.items():
        if settings.get(field):
            raise InputError(
                f"this is {name}, so it cannot be merged into the weights",
                where=f"{file}, field {field}",
                fix=FIX,
            )
    init = settings.get("init_lora_weights")
    if init in _LOST_INITS:
        raise InputError(
            f"this adapter was initialized by {_LOST_INITS[init]}, which changes the base model, and the adapter's "
            "folder does not contain the changed base model",
            where=f"{file}, field init_lora_weights",
            value=init,
            fix="save the adapter again with peft's argument path_initial_model_for_weight_conversion, or save the "
            "merged model",
        )
