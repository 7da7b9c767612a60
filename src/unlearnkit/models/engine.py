"""The engine: a module that runs a model and computes quantities.

The engine contains the model's backbone and head. Its `forward` returns the quantities that objectives read, such as
log-probabilities. No other code calls the backbone or the head directly. The reason is data-parallel training, which
synchronizes gradients only if the head is called inside `forward`. Otherwise the head's gradients would silently differ
between processes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, get_args

import torch
from torch import Tensor, nn

from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import Labels, Pack
from unlearnkit.methods.quantities import Kind, Quantity
from unlearnkit.models import logprob
from unlearnkit.models.logprob import Head, widen
from unlearnkit.models.row_lengths import group_rows, length_class


class Engine(nn.Module):
    """A causal language model that returns values at labeled tokens.

    The engine applies the model's head itself, in chunks of tokens. At construction, the engine compares the resulting
    logits with the logits that the model itself computes. The logits may differ, because of an unknown scaling or an
    adapter on the head. In this case, the engine warns and lets the model compute all logits. The quantity `states`
    then contains the model's logits instead of hidden states.

    Rows of different lengths are padded on the right. If the length of a batch changes a model's results, the engine
    runs rows of different lengths separately, so that a row has the same values alone and in a batch.

    Raises:
        InputError: the model's predictions depend on later tokens. The engine pads rows without a mask, and such
            padding is correct for causal models only.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._reference_head: Head | None = None
        self._lengths = length_class(model)
        with self._autocast():
            self.own_head = self._agrees_with_plain_logits()
        if not self.own_head:
            warnings.warn(
                f"{type(self.causal()).__name__}: the engine cannot apply the head in chunks, "
                "so the model itself computes the logits of all positions, which takes more memory",
                stacklevel=2,
            )

    def causal(self) -> Any:
        """Return the transformers model, without the adapter's wrapper."""
        unwrap = getattr(self.model, "get_base_model", None)
        return unwrap() if callable(unwrap) else self.model

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device

    def head(self) -> Head:
        """Return the model's current head, without copying its weights."""
        causal = self.causal()
        config = causal.config.get_text_config()
        linear = causal.get_output_embeddings()
        scale = float(getattr(config, "logit_scale", None) or 1.0) / float(getattr(config, "logits_scaling", None) or 1)
        softcap = getattr(config, "final_logit_softcapping", None)
        return Head(linear.weight, getattr(linear, "bias", None), scale, softcap)

    def freeze_reference_head(self, of: Engine | None = None) -> None:
        """Store a copy of the current head as the reference model's head.

        The copy is needed to compare the model's distributions with those of the reference model. Call this method
        before the first update.

        Args:
            of: engine of the reference model. If None, the reference model is this engine's model as it is before
                training.
        """
        self._reference_head = (of or self).head().frozen()

    def forward(
        self, pack: Pack, want: Collection[Quantity], reference: Mapping[Quantity, Tensor] | None = None
    ) -> dict[Quantity, Tensor]:
        """Run the model on a micro-batch and return the requested quantities.

        Args:
            pack: one micro-batch.
            want: the requested quantities of the model. Quantities of views that are not in `pack` are omitted.
            reference: the reference model's `states`, for each view on which the two models are compared.

        Returns:
            The values of each quantity: (tokens,) float32 or wider; (tokens, width) for `states` and `hidden`;
            (tokens, 4) for `statistics`.
        """
        with self._autocast():
            return self._quantities(pack, want, reference)

    def _autocast(self) -> AbstractContextManager[object]:
        """Return a context that allows weights of different data types.

        A product of float32 and bfloat16 matrices is an error without autocast. An adapter converts its own inputs.
        """
        device = self.device.type
        types = {parameter.dtype for parameter in self.parameters()}
        if torch.bfloat16 not in types or len(types) == 1 or hasattr(self.model, "peft_config"):
            return nullcontext()
        return nullcontext() if torch.is_autocast_enabled(device) else torch.autocast(device, torch.bfloat16)

    def _quantities(
        self, pack: Pack, want: Collection[Quantity], reference: Mapping[Quantity, Tensor] | None
    ) -> dict[Quantity, Tensor]:
        own = [quantity for quantity in want if quantity.view in pack.labels]
        depths = sorted({quantity.layer for quantity in own if quantity.layer is not None})
        outputs = [self._states(ids, lengths, depths) for ids, lengths in zip(pack.calls, pack.lengths, strict=True)]
        states = torch.cat([last for last, _ in outputs])
        layers = {layer: torch.cat([inner[layer] for _, inner in outputs]) for layer in depths}
        head = self.head() if self.own_head else Head(torch.empty(0))
        dtype = compute_dtype(states)
        if self.own_head:
            states, head = states.to(dtype), head.cast(dtype)
        values: dict[Quantity, Tensor] = {}
        for view, labels in pack.labels.items():
            at = states[labels.position]
            # Gradients are summed in the order of `mine`. The order must be reproducible, and a set has no fixed order.
            mine = sorted((quantity for quantity in own if quantity.view == view), key=_position)
            functions = [quantity for quantity in mine if quantity.function is not None]
            for quantity in mine:
                if quantity.layer is not None:
                    values[quantity] = layers[quantity.layer][labels.position]
                elif quantity.function is None:
                    values[quantity] = self._value(quantity, at, head, labels, reference or {})
            if functions:
                values |= self._functions(functions, at, head, labels, reference or {})
        return values

    def _states(self, ids: Tensor, lengths: Sequence[int], layers: Sequence[int]) -> tuple[Tensor, dict[int, Tensor]]:
        """Return the final hidden states, and those of `layers`.

        Each tensor has the shape (positions, width). If the model applies its head itself, the first result contains
        logits instead of the final hidden states. Its shape is then (positions, vocabulary).
        """
        groups = [list(range(len(lengths)))] if self._lengths is None else group_rows(lengths, self._lengths)
        if len(groups) == 1:
            last, inner = self._run(ids, layers)
        else:
            parts = [self._run(ids[rows, : max(lengths[row] for row in rows)], layers) for rows in groups]
            order = torch.tensor([row for rows in groups for row in rows], device=ids.device).argsort()
            last = _joined([part for part, _ in parts], order, ids.shape[1])
            inner = {layer: _joined([part[layer] for _, part in parts], order, ids.shape[1]) for layer in layers}
        return last.flatten(0, 1), {layer: states.flatten(0, 1) for layer, states in inner.items()}

    def _run(self, ids: Tensor, layers: Sequence[int]) -> tuple[Tensor, dict[int, Tensor]]:
        """Run the model on rows; each result is (rows, positions, width)."""
        options = {"use_cache": False, **({"output_hidden_states": True} if layers else {})}
        if self.own_head:
            output = self.causal().get_decoder()(input_ids=ids, **options)
            last = output.last_hidden_state
        else:
            output = self.model(input_ids=ids, **options)
            last = widen(output.logits)
        return last, {layer: _layer(output.hidden_states, layer) for layer in layers}

    def _value(
        self, quantity: Quantity, states: Tensor, head: Head, labels: Labels, reference: Mapping[Quantity, Tensor]
    ) -> Tensor:
        match quantity.kind:
            case "logps" if self.own_head:
                return logprob.token_logps(states, head, labels.token)
            case "logps":
                return states.log_softmax(-1).gather(1, labels.token[:, None])[:, 0]
            case "kl":
                expected, reference_head = self._reference(quantity, reference, states.dtype)
                if self.own_head:
                    return logprob.token_kl(states, head, expected, reference_head)
                logps, expected = states.log_softmax(-1), expected.log_softmax(-1)
                return (expected.exp() * (expected - logps)).sum(-1)
            case "statistics" if self.own_head:
                return logprob.token_statistics(states, head, labels.token)
            case "statistics":
                return logprob.statistics_of_logits(states, labels.token)
            case "states":
                return states
            case _:
                raise RuntimeError(f"the engine cannot compute {quantity}")

    def _functions(
        self,
        quantities: Sequence[Quantity],
        states: Tensor,
        head: Head,
        labels: Labels,
        reference: Mapping[Quantity, Tensor],
    ) -> dict[Quantity, Tensor]:
        """Evaluate functions of the next-token distribution on one view.

        The logits of each chunk are computed once for all functions.
        """
        compared = next((quantity for quantity in quantities if quantity.compares), None)
        other, other_logits_of = None, None
        if compared is not None:
            other, other_head = self._reference(compared, reference, states.dtype)
            other_logits_of = self._logits_of(other_head)
        values = logprob.token_functions(
            [quantity.evaluate for quantity in quantities],
            states,
            labels.token,
            self._logits_of(head),
            other,
            other_logits_of,
            vocabulary=head.weight.shape[0] if self.own_head else states.shape[-1],
        )
        return dict(zip(quantities, values, strict=True))

    def _logits_of(self, head: Head) -> Callable[[Tensor], Tensor]:
        """Return a function that computes logits from states.

        If the model applies its head itself, the states are logits already.
        """
        return head.logits if self.own_head else widen

    def _reference(
        self, quantity: Quantity, reference: Mapping[Quantity, Tensor], dtype: torch.dtype
    ) -> tuple[Tensor, Head]:
        """Return the reference model's states and head, converted to `dtype`.

        If the model applies its head itself, the states are logits, and the head is empty.
        """
        states = Quantity(quantity.view, "states", of_reference=True)
        if states not in reference:
            raise RuntimeError(f"{quantity} needs {states}, which are missing from `reference`")
        if self._reference_head is None and self.own_head:
            raise RuntimeError(f"{quantity} needs the reference head: call freeze_reference_head before training")
        return reference[states].to(dtype), (self._reference_head or Head(torch.empty(0))).cast(dtype)

    @torch.no_grad()
    def _agrees_with_plain_logits(self) -> bool:
        """Return whether the engine's logits agree with the model's own logits.

        If the model's logits depend on the length of the text, rows of different lengths are no longer run together.

        Raises:
            InputError: the model's logits depend on later tokens.
        """
        causal, first = self.causal(), next(self.model.parameters())
        linear, vocabulary = causal.get_output_embeddings(), causal.config.get_text_config().vocab_size
        ids = torch.arange(3, 11, device=first.device)[None] % vocabulary  # a few models skip padding, id 0
        changed = torch.cat([ids[:, :-1], (ids[:, -1:] + 1) % vocabulary], dim=1)
        training = self.model.training
        self.model.eval()
        texts = (ids, changed, ids[:, :5])
        plain, moved, short = (widen(self.model(input_ids=each, use_cache=False).logits[0]) for each in texts)
        decoder: Any = causal.get_decoder() if hasattr(causal, "get_decoder") else None
        # Some models name their head as their decoder.
        usable = decoder is not None and type(decoder) is not nn.Linear
        output: Any = decoder(input_ids=ids, use_cache=False) if usable else None
        self.model.train(training)
        if plain.isnan().any():
            return True  # the weights diverged: nothing can be compared, and later measurements report the divergence
        # Both sets of logits are products in the model's dtype, so the bound depends on the precision of that dtype.
        # The bound is relative, because the logits of an untrained model are small. The bound is at most 3 %, so that
        # an unknown scaling is detected in bfloat16 too.
        states = getattr(output, "last_hidden_state", None)
        dtype = first.dtype if states is None else compute_dtype(states)
        bound = min(50 * float(torch.finfo(dtype).eps), 0.03) * float(plain.abs().max())
        if (plain - moved)[:-1].abs().max() > bound:
            raise InputError(
                "the model's predictions depend on later tokens, so it is not a causal language model",
                value=type(causal).__name__,
                fix="if the model is an encoder that can also be a decoder (like BERT), set is_decoder to true in its "
                "config.json",
            )
        if (plain[: len(short)] - short).abs().max() > bound:
            self._lengths = int  # every length is a class of its own
        # The model itself must compute the logits if its decoder is the whole model (Llama 4), or if its head does more
        # than a matrix product.
        if type(linear) is not nn.Linear or states is None:
            return False
        if states.shape[-1] != linear.in_features:
            return False  # there are layers between the decoder and the last matrix product (RemBERT)
        ours = self.head().cast(dtype).logits(states[0].to(dtype))
        return bool((plain - ours).abs().max() <= bound)


def _joined(parts: Sequence[Tensor], order: Tensor, length: int) -> Tensor:
    """Concatenate the states of groups of rows, in the rows' order.

    Each tensor has the shape (rows, positions, width). `length` is the number of positions of the result.
    """
    padded = [nn.functional.pad(part, (0, 0, 0, length - part.shape[1])) for part in parts]
    return torch.cat(padded)[order]


def _position(quantity: Quantity) -> tuple[int, tuple[str, ...]]:
    return get_args(Kind).index(quantity.kind), quantity.order


def _layer(hidden_states: Sequence[Tensor], layer: int) -> Tensor:
    """Return a decoder layer's output, (rows, positions, width).

    The first element of `hidden_states` is the embeddings, so the output of layer i is `hidden_states[i + 1]`.
    """
    count = len(hidden_states) - 1
    if not -1 <= layer < count:
        raise InputError(
            "the model has no such layer",
            where="layer",
            value=layer,
            allowed=f"0 to {count - 1}, or -1",
            fix="use one of these numbers; -1 is the last layer",
        )
    return hidden_states[layer + 1 if layer >= 0 else -1]


def compute_dtype(states: Tensor) -> torch.dtype:
    """Return the dtype of matrix products with `states`.

    This is the dtype of autocast if autocast is on, and the dtype of `states` otherwise.
    """
    device = states.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
