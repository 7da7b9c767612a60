"""Create, load and merge LoRA adapters."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from unlearnkit.core.errors import InputError
from unlearnkit.models.folder import ModelFolder
from unlearnkit.models.settings import LoraSettings


def add_lora(model: PreTrainedModel, settings: LoraSettings, seed: int = 0) -> PreTrainedModel:
    """Freeze the model's weights and add a new adapter, initialized from `seed`."""
    from peft import LoraConfig, get_peft_model

    untyped: Any = model
    modules = settings.target_modules if isinstance(settings.target_modules, str) else list(settings.target_modules)
    if modules == "all-linear" and (others := beside_text(model)):
        head = untyped.get_output_embeddings()
        inner = [name for name, part in model.named_modules() if isinstance(part, nn.Linear) and part is not head]
        modules = sorted(name for name in inner if name not in others)
    config = LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        target_modules=modules,
        task_type="CAUSAL_LM",
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),  # GPT-2's layers are transposed
    )
    # The adapter is sampled from a separate random state, so that a restarted run starts with the same adapter, no
    # matter which random numbers were drawn before.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            with silence():
                adapted: Any = get_peft_model(model, config)
        except ValueError as error:
            linear = {name.rpartition(".")[2] for name, part in model.named_modules() if isinstance(part, nn.Linear)}
            raise InputError(
                f"the model does not support this adapter: {error}",
                where="model.lora.target_modules",
                value=settings.target_modules,
                allowed=f"all-linear, or some of: {', '.join(sorted(linear))}",
                fix="set target_modules to names of this model's layers, or to all-linear",
            ) from error
    return adapted  # type: ignore[no-any-return]  # a PeftModel, which has the interface of a PreTrainedModel


def beside_text(model: PreTrainedModel) -> frozenset[str]:
    """Return the names of the modules and weights that process no text.

    In a vision-language model, these are all parts except the decoder, the embeddings and the head. In other models,
    there are none.
    """
    untyped: Any = model
    causal = untyped.get_base_model() if hasattr(model, "peft_config") else untyped
    config = causal.config.get_text_config()
    if config is causal.config:
        return frozenset()
    decoders = [part for part in causal.modules() if type(getattr(part, "config", None)) is type(config)]
    parts = [*decoders, causal.get_input_embeddings(), causal.get_output_embeddings()]
    text = {id(each) for part in parts for each in (*part.modules(), *part.parameters())}
    named = (*model.named_modules(), *model.named_parameters())
    return frozenset(name for name, each in named if id(each) not in text)


def put_adapters(model: PreTrainedModel, folders: Mapping[str, ModelFolder]) -> PreTrainedModel:
    """Load several frozen adapters onto one model and activate the first.

    Args:
        model: the base model.
        folders: maps the adapters' names to the adapters' folders. The names can be passed to peft's `set_adapter`.

    Raises:
        InputError: an adapter does not fit the base model.
    """
    from peft import PeftConfig, PeftModelForCausalLM

    wrapped: Any = None
    for name, folder in folders.items():
        try:
            if wrapped is None:
                with silence():
                    config = PeftConfig.from_pretrained(str(folder.path))
                    wrapped = PeftModelForCausalLM(model, config, adapter_name=name)
            # PeftModel.from_pretrained does the same, but only warns about weights missing from the file.
            missing = wrapped.load_adapter(str(folder.path), name, torch_device="cpu").missing_keys
        except (ValueError, TypeError, RuntimeError) as error:
            raise _misfit(folder, str(error)) from error
        if missing:
            raise _misfit(folder, f"{len(missing)} weights are missing from the file, including {sorted(missing)[0]}")
    return wrapped  # type: ignore[no-any-return]  # a PeftModel, which has the interface of a PreTrainedModel


def save_adapter(model: PreTrainedModel, folder: Path) -> None:
    """Save the active adapter in peft's format.

    Saving the same adapter again gives the same bytes.
    """
    untyped: Any = model
    config = untyped.peft_config[untyped.active_adapter]
    if isinstance(config.target_modules, set):
        config.target_modules = sorted(config.target_modules)  # the order of a set varies between processes
    # Training does not change the number of embeddings, so the embeddings are not saved. Without this argument, peft
    # would query the Hub to decide whether to save the embeddings.
    untyped.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink()  # an empty template; the run has its own model card


def adapter_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """Return CPU copies of the active adapter's weights, by name.

    The names are the same as in a saved adapter's file.
    """
    from peft import get_peft_model_state_dict

    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}


def set_adapter_weights(model: PreTrainedModel, weights: Mapping[str, Tensor]) -> None:
    """Set the active adapter's weights.

    Args:
        model: the model.
        weights: weights by name, as returned by `adapter_weights` or as read from an adapter's file.
    """
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(model, dict(weights))


def merge_adapter(model: PreTrainedModel) -> PreTrainedModel:
    """Merge the adapter into the model's weights, and unfreeze all weights.

    peft freezes the weights of a loaded adapter and of its base model. After merging, all weights can be trained. The
    merged weights are rounded once, to the model's dtype. In float32, merging changes the logits only by rounding
    errors. A model without an adapter is returned unchanged.
    """
    merge = getattr(model, "merge_and_unload", None)
    if merge is None:
        return model
    _untie(model)
    merged: PreTrainedModel = merge()
    return merged.requires_grad_(True)


@contextmanager
def silence() -> Iterator[None]:
    """Suppress needless warnings of transformers and peft.

    The suppressed warnings are:

    - transformers warns about weights that are missing or were not copied. This package checks the weights itself.
    - peft reads a deprecated attribute of transformers when activations are checkpointed.
    - peft warns that it ignores some entries of `rank_pattern` and `alpha_pattern`. In a model with fused experts, peft
      itself creates these entries, and it does use them.
    - peft warns when an adapter on tied weights is merged. `_untie` handles this case.
    """
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="for .*: copying from a non-meta parameter")
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", category=FutureWarning)
            warnings.filterwarnings("ignore", message=r"The following (rank|alpha)_pattern keys .*\.gate_up_proj'\]")
            warnings.filterwarnings("ignore", message="Model has `tie_word_embeddings=True` and a tied layer is")
            yield
    finally:
        logging.set_verbosity(verbosity)


def _untie(model: Any) -> None:
    """Untie head and embeddings if the adapter changes one of them.

    If the head and the embeddings share their weights, the head gets a copy of the weights. Without the copy, merging
    an adapter of the head would also change the embeddings, and vice versa. The adapter may also contain complete new
    weights of the head or the embeddings. In this case, nothing is copied. In both cases, `tie_word_embeddings` is set
    to False in the model's configuration.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import ModulesToSaveWrapper

    causal = model.get_base_model()
    head, embeddings = causal.get_output_embeddings(), causal.get_input_embeddings()
    if not any(isinstance(layer, (BaseTunerLayer, ModulesToSaveWrapper)) for layer in (head, embeddings)):
        return
    inner = head.get_base_layer() if isinstance(head, BaseTunerLayer) else head
    if inner.weight is embeddings.weight:
        inner.weight = nn.Parameter(inner.weight.detach().clone())
    for config in {id(c): c for c in (causal.config, causal.config.get_text_config())}.values():
        config.tie_word_embeddings = False


def _misfit(folder: ModelFolder, why: str) -> InputError:
    base = folder.base.name if folder.base is not None else None
    return InputError(
        f"the adapter does not fit its base model: {why}",
        where=str(folder.path),
        value=base,
        fix="correct base_model_name_or_path in the adapter's adapter_config.json, or copy the adapter again",
    )
