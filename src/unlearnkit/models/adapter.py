"""Create, load, save and merge adapters.

peft computes the weights of a merged model. This module makes sure that weights that several layers share are changed
only where the adapter changes them, and compares the outputs of the merged model with those of the model with the
adapter.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from unlearnkit.core.errors import InputError
from unlearnkit.models.adapter_config import FIX
from unlearnkit.models.folder import ModelFolder
from unlearnkit.models.settings import LoraSettings

TOLERANCE = 1e-4
"""Maximum difference between the logits of two models that should be equal, relative to the largest logit."""
_PROBED = 8
"""Number of tokens on which two models are compared."""


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
        revision=getattr(model.config, "_commit_hash", None),  # of a base model on the Hub
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
    from peft import PeftConfig

    wrapped: Any = None
    for name, folder in folders.items():
        try:
            with silence():
                if wrapped is None:
                    config = PeftConfig.from_pretrained(str(folder.path))
                    wrapped = _wrapped(model, config, name)
                # PeftModel.from_pretrained does the same, but only warns about weights missing from the file.
                result = wrapped.load_adapter(str(folder.path), name, torch_device="cpu")
        except (ValueError, TypeError, RuntimeError) as error:
            if needs_values(error):
                return model  # this outline has the base model's weights only
            raise _misfit(folder, str(error)) from error
        except KeyError as error:
            raise _misfit(folder, f"the weight {error} is missing from the file") from error
        if missing := sorted(result.missing_keys):
            raise _misfit(folder, f"{len(missing)} weights are missing from the file, including {missing[0]}")
        if unknown := sorted(result.unexpected_keys):
            raise _misfit(folder, f"{len(unknown)} weights in the file have no place in it, including {unknown[0]}")
    return wrapped  # type: ignore[no-any-return]  # a PeftModel, which has the interface of a PreTrainedModel


def _wrapped(model: Any, config: Any, name: str) -> Any:
    """Put an adapter without values onto the base model."""
    from peft import PeftModelForCausalLM

    outline = model.device.type == "meta"
    if outline:
        for weight in model.parameters():
            weight.__dict__.pop("_is_hf_initialized", None)  # peft cannot copy a meta weight with this mark
    # On the meta device, an initialization that reads the base model's weights needs an adapter on the meta device.
    wrapped = PeftModelForCausalLM(model, config, adapter_name=name, low_cpu_mem_usage=outline)
    replication, text = getattr(config, "layer_replication", None), model.config.get_text_config()
    types = getattr(text, "layer_types", None)
    if replication and types and len(types) != text.num_hidden_layers:  # peft only updates the number of layers
        text.layer_types = [types[layer] for start, end in replication for layer in range(start, end)]
    return wrapped


def needs_values(error: BaseException) -> bool:
    """Return whether an operation lacked values of meta weights."""
    return isinstance(error, NotImplementedError) and "meta" in str(error)


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


def merge_adapter(model: PreTrainedModel, where: str = "model.path") -> PreTrainedModel:
    """Merge the adapter into the model's weights, and unfreeze all weights.

    peft freezes the weights of a loaded adapter and of its base model. After merging, all weights can be trained. The
    merged weights are computed in float32 and rounded once, to the model's dtype. In float32, merging changes the
    logits only by rounding errors. A model without an adapter is returned unchanged.

    Args:
        model: the model with its adapter.
        where: name of the setting that specifies the model, or the adapter's folder, for messages.

    Raises:
        InputError: peft cannot merge this adapter, or the merged model computes other logits.
    """
    if not hasattr(model, "peft_config"):
        return model
    untyped: Any = model
    if not hasattr(untyped.base_model, "merge_and_unload"):
        raise _unmergeable(untyped, "peft has no way to merge it", where)
    outline, training = model.device.type == "meta", model.training
    dtypes = [] if outline else list(_dtypes(untyped))
    source = untyped.get_base_model().dtype
    untyped.eval()
    if not outline:
        untyped.float()
    expected = None if outline else probe(model)
    tied = _unshare(untyped, where)
    merged = _merged(untyped, where)
    _tie(merged, tied)
    if expected is not None:
        refuse_difference(expected, probe(merged), "the merged model does not compute what the adapter computes", where)
        _restore(merged, dtypes, source)
    merged.train(training)
    return merged.requires_grad_(True)


def probe(model: Any) -> Tensor:
    """Return the logits of a model for a few tokens."""
    ids = torch.arange(1, _PROBED + 1, device=model.device) * 97 % model.get_input_embeddings().weight.shape[0]
    with torch.no_grad():
        logits: Tensor = model(input_ids=ids[None], use_cache=False).logits
    return logits.float().cpu()


def refuse_difference(expected: Tensor, found: Tensor, what: str, where: str) -> None:
    """Raise `InputError` if the logits of two models are not equal.

    Rounding errors are accepted. Infinite or NaN logits are not compared: they mean that the weights diverged, which is
    reported elsewhere.
    """
    if not (expected.isfinite().all() and found.isfinite().all()):
        return
    difference, scale = float((found - expected).abs().max()), float(expected.abs().max())
    if difference > TOLERANCE * max(scale, 1.0):
        raise InputError(
            what,
            where=where,
            value=f"the logits differ by up to {difference:.2g}",
            allowed=f"rounding errors, i.e. differences up to {TOLERANCE * max(scale, 1.0):.2g}",
            fix=FIX,
        )


@contextmanager
def silence() -> Iterator[None]:
    """Suppress needless warnings of transformers and peft.

    The suppressed warnings are:

    - transformers warns about weights that are missing or were not copied. This package checks the weights itself.
    - peft reads a deprecated attribute of transformers when activations are checkpointed.
    - peft warns that it ignores some entries of `rank_pattern` and `alpha_pattern`. In a model with fused experts, peft
      itself creates these entries, and it does use them.
    - peft warns when an adapter changes tied weights. `merge_adapter` handles this case.
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


def _merged(model: Any, where: str) -> PreTrainedModel:
    try:
        with silence():
            merged: PreTrainedModel = model.merge_and_unload()
    except (NotImplementedError, ValueError, RuntimeError) as error:
        if needs_values(error):
            outline: PreTrainedModel = model.unload()  # the same weights; which values they have does not matter
            return outline
        if isinstance(error, (NotImplementedError, ValueError)) or "merge" in str(error):
            raise _unmergeable(model, str(error), where) from error
        raise
    return merged


def _unmergeable(model: Any, why: str, where: str) -> InputError:
    kinds = sorted({str(config.peft_type.value) for config in model.peft_config.values()})
    return InputError(f"this adapter cannot be merged into the weights: {why}", where=where, value=kinds[0], fix=FIX)


def _unshare(model: Any, where: str) -> list[Any]:
    """Give layers their own copies of weights that the adapter changes.

    Merging changes weights in place. Without the copies, merging an adapter of the head would also change embeddings
    that share the head's weights, and merging an adapter of a replicated layer would change all replicas. Weights that
    share memory although the model does not tie them are copied too, because such a model cannot be saved.

    Returns:
        The configurations that tie head and embeddings. In all of them, `tie_word_embeddings` is set to False.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    causal = model.get_base_model()
    declared = set(causal.all_tied_weights_keys) | set(causal.all_tied_weights_keys.values())
    adapted = {id(m.get_base_layer()) for m in causal.modules() if isinstance(m, BaseTunerLayer)}
    outer = [_weight_module(part) for part in (causal.get_output_embeddings(), causal.get_input_embeddings())]
    first: dict[int, tuple[str, nn.Module]] = {}
    for name, module in causal.named_modules(remove_duplicate=False):
        for key, weight in module.named_parameters(recurse=False):
            before_name, before = first.setdefault(id(weight), (f"{name}.{key}", module))
            if before is module:
                continue
            changed = {id(before), id(module)} & adapted
            if not changed and {before_name, f"{name}.{key}"} <= declared:
                continue
            if changed and not all(any(part is one for one in outer) for part in (before, module)):
                _refuse_tied({before_name, f"{name}.{key}"}, declared, where)
            module.register_parameter(key, nn.Parameter(weight.detach().clone(), weight.requires_grad))
    configs = {id(config): config for config in (causal.config, causal.config.get_text_config())}.values()
    tied = [config for config in configs if config.tie_word_embeddings]
    for config in tied:
        config.tie_word_embeddings = False
    return tied


def _refuse_tied(names: set[str], declared: set[str], where: str) -> None:
    """Raise `InputError` if the adapter changes weights that the model ties.

    Head and embeddings are no problem: a configuration can untie them.
    """
    plain = {name.replace(".base_layer", "") for name in names}
    if plain <= declared:
        raise InputError(
            "the adapter changes weights that several layers of the model share, so it cannot be merged",
            where=where,
            value=", ".join(sorted(plain)),
            fix=FIX,
        )


def _weight_module(part: Any) -> Any:
    """Return the module of the base model inside peft's wrappers."""
    while True:
        inner = getattr(part, "original_module", None)
        inner = getattr(part, "base_layer", None) if inner is None else inner
        if inner is None:
            return part
        part = inner


def _tie(merged: Any, tied: Sequence[Any]) -> None:
    """Tie head and embeddings again, if they are still equal.

    `tied` contains the configurations that tied them.
    """
    head, embeddings = merged.get_output_embeddings(), merged.get_input_embeddings()
    if not tied or head is None:
        return
    if head.weight is not embeddings.weight:
        if merged.device.type == "meta" or not torch.equal(head.weight, embeddings.weight):
            return
        head.weight = embeddings.weight
    for config in tied:
        config.tie_word_embeddings = True


def _dtypes(model: nn.Module) -> Iterator[tuple[nn.Module, str, torch.dtype]]:
    """Yield module, name and dtype of every floating-point weight and buffer."""
    for module in model.modules():
        tensors = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        yield from ((module, name, tensor.dtype) for name, tensor in tensors if tensor.is_floating_point())


def _restore(merged: PreTrainedModel, dtypes: list[tuple[nn.Module, str, torch.dtype]], source: torch.dtype) -> None:
    """Round the merged weights to the dtypes that they had before."""
    before = {(id(module), name): dtype for module, name, dtype in dtypes}
    for module, name, dtype in list(_dtypes(merged)):
        wanted = before.get((id(module), name), source)
        if dtype == wanted:
            continue
        tensor = getattr(module, name)
        if isinstance(tensor, nn.Parameter):
            tensor.data = tensor.data.to(wanted)
        else:
            setattr(module, name, tensor.to(wanted))


def _misfit(folder: ModelFolder, why: str) -> InputError:
    base = folder.base.name if folder.base is not None else None
    return InputError(
        f"the adapter does not fit its base model: {why}",
        where=str(folder.path),
        value=base,
        fix="correct base_model_name_or_path in the adapter's adapter_config.json, or copy the adapter again",
    )
