"""Several adapters on one base that answer together."""

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
from unlearnkit.models.engine import Engine, compute_dtype
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.models.generate import CachedModel, NextTokens
from unlearnkit.models.load import load_model, load_tokenizer, place
from unlearnkit.models.logprob import chunks, statistics_of_logits, widen
from unlearnkit.models.settings import Dtype
from unlearnkit.records.probe import Probe
from unlearnkit.subjects.base import Capability, require
from unlearnkit.subjects.local import BATCH_ROWS, VIEW, LoadedSubject


class EnsembleSubject(LoadedSubject):
    """Members that share one base in memory and differ in their adapters.

    The probability of the next token is the normalized geometric mean of the members' probabilities: the mean of their
    log-probabilities over the vocabulary, renormalized so that the probabilities sum to 1. A member that is sure a
    token is wrong can veto it. With one member this is that member's own distribution.

    There are no gradients, weights or hidden states of the ensemble as a whole, so it offers none.

    Args:
        model: the base with every member's adapter under a name of its own, as `put_adapters` returns it.
        tokenizer: of the base.
        members: folder of each adapter, by its name in `model`.
        style: how traces that probes begin are marked; None: the first style whose tokens the tokenizer knows.
    """

    model: Any
    """A `PeftModel`, which runs whichever member is active."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        members: Mapping[str, Path],
        *,
        style: Style | None = None,
    ) -> None:
        if not members:
            raise InputError("an ensemble needs a member", value=0, allowed="at least 1")
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
        """Load a base and an adapter from each folder onto the device.

        Args:
            base: folder or Hub id of the base.
            folders: of the adapters.
            dtype: of the base's weights.
            where: the place that names the models, for errors.

        Raises:
            InputError: a model cannot be used, or an adapter does not fit the base.
        """
        found = find_model(base, where=where)
        adapters = {f"member-{at}": find_model(str(folder), where=where) for at, folder in enumerate(folders)}
        with device_errors():
            model = place(put_adapters(load_model(found, dtype), adapters))
            return cls(model, load_tokenizer(found), {name: each.path for name, each in adapters.items()})

    @property
    def base(self) -> str:
        """Folder or Hub id of the base."""
        return str(self.model.get_base_model().name_or_path)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What several models together have: text and distributions."""
        return frozenset({"generate", "token_logprobs", "full_logits"})

    def with_style(self, style: Style | None) -> EnsembleSubject:
        """Return an ensemble with shared models that marks traces in this style."""
        return EnsembleSubject(self.model, self.tokenizer, self.members, style=style)

    def gradient_norms(self, probe: Probe) -> list[float]:
        """Raise `InputError`: an ensemble has no gradient of its own."""
        del probe
        require(self, {"gradients"}, what="a gradient norm", fix="measure a member: its folder holds an adapter")
        raise AssertionError("unreachable: an ensemble never offers gradients")

    def _activate(self, name: str) -> None:
        if self.model.active_adapter != name:
            self.model.set_adapter(name, inference_mode=True)

    def _next_tokens(self, model: PreTrainedModel) -> NextTokens:
        return _AveragedTokens(model, tuple(self.members), self._activate)

    def _batches(self, probes: Sequence[Probe], size: int = BATCH_ROWS) -> Iterator[Pack]:
        """Pack the probes' answers; see `LoadedSubject`.

        Batches are smaller if every member's logits of all positions are in memory at once.
        """
        return super()._batches(probes, size if self.engine.own_head else max(1, size // len(self.members)))

    def _values(self, batch: Pack, kind: Literal["logps", "statistics"]) -> Tensor:
        """Return values under the averaged distribution, computed chunk by chunk.

        The final hidden states of a batch are kept of each member, and the logits of one chunk.
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
    """The averaged next-token distribution of each row, with a cache per member."""

    def __init__(self, model: PreTrainedModel, names: Sequence[str], activate: Callable[[str], None]) -> None:
        self._readers: dict[str, NextTokens] = {name: CachedModel(model) for name in names}
        self._activate = activate

    def __call__(self, ids: Tensor, mask: Tensor | None, positions: Tensor) -> Tensor:
        """Read further tokens with each member in turn; returns normalized log-probabilities."""
        logits = []
        for name, reader in self._readers.items():
            self._activate(name)
            logits.append(reader(ids, mask, positions))
        return average(logits)

    def keep(self, rows: Tensor) -> None:
        """Keep only these rows of every cache."""
        for reader in self._readers.values():
            reader.keep(rows)


def average(logits: Sequence[Tensor]) -> Tensor:
    """Average distributions as a normalized geometric mean.

    Args:
        logits: (tokens, vocabulary) of each member.

    Returns:
        (tokens, vocabulary) log-probabilities, float32 or wider: the mean of the members' log-softmax, renormalized.
    """
    total = widen(logits[0]).log_softmax(-1)
    for each in logits[1:]:
        total = total + widen(each).log_softmax(-1)
    return (total / len(logits)).log_softmax(-1)


def _logits(engine: Engine, states: Tensor) -> Tensor:
    """Return the head's logits of states; the states themselves without a head."""
    if not engine.own_head:
        return states
    return engine.head().cast(compute_dtype(states)).logits(states)
