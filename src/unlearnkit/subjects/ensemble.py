"""An ensemble: several adapters on one base model that answer together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import Pack
from unlearnkit.data.trace_format import Style
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.adapter import put_adapters
from unlearnkit.models.decoding import NextTokens, next_tokens_of
from unlearnkit.models.engine import Engine, compute_dtype
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.models.load import load_model, load_tokenizer, place
from unlearnkit.models.logprob import chunks, statistics_of_logits, widen
from unlearnkit.models.settings import Dtype
from unlearnkit.records.probe import Probe
from unlearnkit.subjects.base import Capability, require
from unlearnkit.subjects.local import BATCH_ROWS, VIEW, LoadedSubject


class EnsembleSubject(LoadedSubject):
    """An ensemble of adapters that share one base model in memory.

    The probability of the next token is the normalized geometric mean of the members' probabilities: the members'
    log-probabilities are averaged for each token of the vocabulary and renormalized so that the probabilities sum to 1.
    A member can veto a token by giving the token a probability near 0. An ensemble with a single member has the
    distribution of this member.

    An ensemble as a whole has no gradients, weights or hidden states, so it does not offer these capabilities.

    Args:
        model: the base model with every member's adapter. Each adapter has a unique name (see `put_adapters`).
        tokenizer: the base model's tokenizer.
        members: the folder of each adapter, by the adapter's name in `model`.
        style: style of the markers around a trace that a probe prefills. If None, the first style whose tokens the
            tokenizer knows is used.
    """

    model: Any
    """The `PeftModel`. It runs with the adapter of the active member."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        members: Mapping[str, Path],
        *,
        style: Style | None = None,
    ) -> None:
        if not members:
            raise InputError("an ensemble needs at least one member", value=0, allowed="at least 1")
        super().__init__(model, tokenizer, style=style)
        self.members = dict(members)

    @classmethod
    def load(
        cls,
        base: str | ModelFolder,
        folders: Sequence[str | Path],
        dtype: Dtype = "float32",
        *,
        where: str = "model.path",
    ) -> Self:
        """Load a base model and one adapter per folder onto the device.

        Args:
            base: folder or Hub id of the base model.
            folders: the adapters' folders.
            dtype: type of the base model's weights.
            where: the recipe setting that names the models, for error messages.

        Raises:
            InputError: a model cannot be used, or an adapter does not fit the base model.
        """
        found = find_model(base, where=where)
        adapters = {f"member-{at}": find_model(str(folder), where=where) for at, folder in enumerate(folders)}
        with device_errors():
            model = place(put_adapters(load_model(found, dtype), adapters))
            return cls(model, load_tokenizer(found), {name: each.path for name, each in adapters.items()})

    @property
    def base(self) -> str:
        """Folder or Hub id of the base model."""
        return str(self.model.get_base_model().name_or_path)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The capabilities of an ensemble: generated text and token distributions."""
        return frozenset({"generate", "token_logprobs", "full_logits"})

    def with_style(self, style: Style | None) -> EnsembleSubject:
        """Return an ensemble of the same models with another trace style."""
        return EnsembleSubject(self.model, self.tokenizer, self.members, style=style)

    def gradient_norms(self, probe: Probe) -> list[float]:
        """Raise `InputError`, because an ensemble has no gradients."""
        del probe
        require(self, {"gradients"}, what="a gradient norm", fix="measure one member alone: its folder is an adapter")
        raise AssertionError("unreachable: an ensemble never offers gradients")

    def _activate(self, name: str) -> None:
        if self.model.active_adapter != name:
            self.model.set_adapter(name, inference_mode=True)

    def _next_tokens(self, model: PreTrainedModel) -> NextTokens:
        return _AveragedTokens(model, tuple(self.members), self._activate)

    def _batches(self, probes: Sequence[Probe], size: int = BATCH_ROWS) -> Iterator[Pack]:
        """Pack the probes' answers into batches, as `LoadedSubject` does.

        The batches are smaller if the logits of all members must be in memory for all positions at the same time.
        """
        return super()._batches(probes, size if self.engine.own_head else max(1, size // len(self.members)))

    def _values(self, batch: Pack, kind: Literal["logps", "statistics"]) -> Tensor:
        """Return token values under the averaged distribution, computed in chunks.

        For each member, the final hidden states of the batch are kept in memory. Logits are kept for only one chunk of
        tokens at a time.
        """
        engine, labels, wanted = self.engine, batch.labels[VIEW].token, Quantity(VIEW, "states")
        states, parts = [], []
        for name in self.members:
            self._activate(name)
            states.append(engine(batch, [wanted])[wanted])
        for part in chunks(len(labels), self.model.config.get_text_config().vocab_size):
            logps = average([_logits(engine, hidden[part]) for hidden in states])
            if kind == "statistics":
                parts.append(statistics_of_logits(logps, labels[part]))
            else:
                parts.append(logps.gather(1, labels[part, None])[:, 0])
        return torch.cat(parts)


class _AveragedTokens:
    """Computes averaged next-token distributions, with one cache per member."""

    def __init__(self, model: PreTrainedModel, names: Sequence[str], activate: Callable[[str], None]) -> None:
        self._readers: dict[str, NextTokens] = {name: next_tokens_of(model) for name in names}
        self._activate = activate

    def __call__(self, ids: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        """Run every member on the new tokens and return averaged log-probabilities."""
        logits = []
        for name, reader in self._readers.items():
            self._activate(name)
            logits.append(reader(ids, mask, positions))
        return average(logits)

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows in every member's cache."""
        for reader in self._readers.values():
            reader.keep(rows)


def average(logits: Sequence[Tensor]) -> Tensor:
    """Average distributions by a normalized geometric mean.

    Args:
        logits: each member's logits, (tokens, vocabulary).

    Returns:
        Log-probabilities, (tokens, vocabulary), in float32 or wider. They are the mean of the members' log-softmax
        values, renormalized.
    """
    total = widen(logits[0]).log_softmax(-1)
    for each in logits[1:]:
        total = total + widen(each).log_softmax(-1)
    return (total / len(logits)).log_softmax(-1)


def _logits(engine: Engine, states: Tensor) -> Tensor:
    """Return the logits of hidden states.

    If the engine does not run the model's head itself, `states` already contains logits and is returned unchanged.
    """
    if not engine.own_head:
        return states
    return engine.head().cast(compute_dtype(states)).logits(states)
