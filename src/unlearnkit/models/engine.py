"""The engine: backbone and head in one module, whose `forward` returns what objectives ask for.

Nothing outside calls the parts: a head that is called outside the wrapped `forward` loses gradient synchronization
under data-parallel training without a word.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import Pack
from unlearnkit.methods.objective import View
from unlearnkit.models.logprob import (
    Head,
    TokenStatistics,
    statistics_of_logits,
    token_kl,
    token_logps,
    token_statistics,
    widen,
)


@dataclass(frozen=True)
class Request:
    """What a forward pass is to return, by view."""

    logps: frozenset[View] = frozenset()
    kl: frozenset[View] = frozenset()
    hidden: frozenset[View] = frozenset()
    statistics: frozenset[View] = frozenset()
    layers: frozenset[tuple[View, int]] = frozenset()
    """Views and decoder layers, counted from 0; -1 is the last."""


@dataclass(frozen=True)
class Outputs:
    """What the forward pass made of the labeled tokens of one view; None where it was not wanted."""

    logps: Tensor | None
    """(tokens,) float32."""
    kl: Tensor | None
    """(tokens,) float32, KL(reference || model)."""
    hidden: Tensor | None
    """(tokens, width): final hidden state at the position that predicts each token."""
    statistics: TokenStatistics | None
    layers: Mapping[int, Tensor] = field(default_factory=dict)
    """(tokens, width) by layer: what it gives at the position that predicts each token."""


class Engine(nn.Module):
    """A causal language model that gives values at labeled tokens.

    The head is applied in chunks by our own code; at construction this is checked against the model's own logits. A
    model whose logits differ (an unknown scaling, an adapter on the head) is run through its own head, with a warning.
    One that looks ahead raises `InputError`: rows are padded without a mask, which only a causal model does not see.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._reference_head: Head | None = None
        self.own_head = self._agrees_with_plain_logits()
        if not self.own_head:
            warnings.warn(
                f"{type(self.causal()).__name__}: the head is not the plain one this engine knows; "
                "logits of all positions are made by the model itself, which takes more memory",
                stacklevel=2,
            )

    def causal(self) -> Any:
        """The transformers model, without the adapter's wrapper."""
        unwrap = getattr(self.model, "get_base_model", None)
        return unwrap() if callable(unwrap) else self.model

    def head(self) -> Head:
        """The model's head as it is now, sharing its weights."""
        causal = self.causal()
        config = causal.config.get_text_config()
        linear = causal.get_output_embeddings()
        scale = float(getattr(config, "logit_scale", None) or 1.0) / float(getattr(config, "logits_scaling", None) or 1)
        softcap = getattr(config, "final_logit_softcapping", None)
        return Head(linear.weight, getattr(linear, "bias", None), scale, softcap)

    def freeze_reference_head(self, of: Engine | None = None) -> None:
        """Keep the head as it is now for `kl`; call it before the first update.

        `of`: the reference model's engine, where that is another model.
        """
        self._reference_head = (of or self).head().frozen()

    def forward(
        self, pack: Pack, want: Request, reference_hidden: Mapping[View, Tensor] | None = None
    ) -> dict[View, Outputs]:
        """Run the calls of `pack` and return what is wanted of each view.

        Args:
            pack: one micro-batch.
            want: the values wanted, by view.
            reference_hidden: (tokens, width) hidden states of the reference model for each view in `want.kl`.
        """
        depths = sorted({layer for _, layer in want.layers})
        made = [self._states(ids, depths) for ids in pack.calls]
        states = torch.cat([last for last, _ in made])
        layers = {layer: torch.cat([inner[layer] for _, inner in made]) for layer in depths}
        head = self.head() if self.own_head else Head(torch.empty(0))
        dtype = compute_dtype(states)
        if self.own_head:
            states, head = states.to(dtype), head.cast(dtype)
        outputs: dict[View, Outputs] = {}
        for view, labels in pack.labels.items():
            at = states[labels.position]
            outputs[view] = Outputs(
                logps=self._logps(at, head, labels.token) if view in want.logps else None,
                kl=self._kl(at, head, (reference_hidden or {})[view]) if view in want.kl else None,
                hidden=at if view in want.hidden else None,
                statistics=self._statistics(at, head, labels.token) if view in want.statistics else None,
                layers={layer: layers[layer][labels.position] for of, layer in want.layers if of == view},
            )
        return outputs

    def _states(self, ids: Tensor, layers: Sequence[int]) -> tuple[Tensor, dict[int, Tensor]]:
        """Final hidden states (logits, where the head is not ours) and those of `layers`: (positions, width) each."""
        options = {"use_cache": False, **({"output_hidden_states": True} if layers else {})}
        if self.own_head:
            made = self.causal().get_decoder()(input_ids=ids, **options)
            last = made.last_hidden_state
        else:
            made = self.model(input_ids=ids, **options)
            last = widen(made.logits)
        return last.flatten(0, 1), {layer: _layer(made.hidden_states, layer) for layer in layers}

    def _logps(self, states: Tensor, head: Head, labels: Tensor) -> Tensor:
        if self.own_head:
            return token_logps(states, head, labels)
        return states.log_softmax(-1).gather(1, labels[:, None])[:, 0]

    def _statistics(self, states: Tensor, head: Head, labels: Tensor) -> TokenStatistics:
        return token_statistics(states, head, labels) if self.own_head else statistics_of_logits(states, labels)

    def _kl(self, states: Tensor, head: Head, reference: Tensor) -> Tensor:
        if not self.own_head:
            logps, expected = states.log_softmax(-1), widen(reference).log_softmax(-1)
            return (expected.exp() * (expected - logps)).sum(-1)
        if self._reference_head is None:
            raise RuntimeError("kl is wanted, and freeze_reference_head was not called before training")
        return token_kl(states, head, reference.to(states.dtype), self._reference_head.cast(states.dtype))

    @torch.no_grad()
    def _agrees_with_plain_logits(self) -> bool:
        causal, first = self.causal(), next(self.model.parameters())
        linear, vocabulary = causal.get_output_embeddings(), causal.config.get_text_config().vocab_size
        training = self.model.training
        self.model.eval()
        ids = torch.arange(8, device=first.device)[None] % vocabulary
        plain = widen(self.model(input_ids=ids, use_cache=False).logits[0])
        if plain.isnan().any():
            self.model.train(training)
            return True  # weights that ran away: nothing can be told of them, and whoever measures says so
        other = torch.cat([ids[:, :-1], (ids[:, -1:] + 1) % vocabulary], dim=1)
        moved = widen(self.model(input_ids=other, use_cache=False).logits[0])
        made: Any = causal.get_decoder()(input_ids=ids, use_cache=False) if hasattr(causal, "get_decoder") else None
        self.model.train(training)
        # Both are products in the model's dtype, so the bound follows that dtype's precision; it is relative, since the
        # logits of a fresh model are small, and at most 3 %, so that a scaling is seen in bfloat16 too.
        bound = min(50 * float(torch.finfo(first.dtype).eps), 0.03) * float(plain.abs().max())
        if (plain - moved)[:-1].abs().max() > bound:
            raise InputError(
                "the model looks at tokens after the one it predicts: it is no causal language model",
                value=type(causal).__name__,
                fix="if it is an encoder that can be a decoder, like BERT: set is_decoder in its config.json",
            )
        # A decoder that is the whole model (Llama 4's) or a head that is more than a product is left to the model.
        if type(linear) is not nn.Linear or not hasattr(made, "last_hidden_state"):
            return False
        ours = self.head().logits(made.last_hidden_state[0])
        return bool((plain - ours).abs().max() <= bound)


def _layer(hidden_states: Sequence[Tensor], layer: int) -> Tensor:
    """What a decoder layer gives. The first of transformers' hidden states are the embeddings."""
    count = len(hidden_states) - 1
    if not -1 <= layer < count:
        raise InputError(
            "the model has no such layer",
            where="layer",
            value=layer,
            allowed=f"0 to {count - 1}, or -1",
            fix="name one of these layers",
        )
    return hidden_states[layer + 1 if layer >= 0 else -1].flatten(0, 1)


def compute_dtype(states: Tensor) -> torch.dtype:
    """The dtype of matrix products with `states`: autocast's where it is on, else their own."""
    device = states.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
