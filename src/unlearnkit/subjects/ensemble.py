"""Several adapters on one base that answer together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import Pack
from unlearnkit.data.encoding import Layout
from unlearnkit.data.generation import Generation
from unlearnkit.data.trace_format import Style
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.adapter import put_adapters
from unlearnkit.models.engine import Engine, compute_dtype
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.models.generate import CachedModel, NextTokens, generate
from unlearnkit.models.load import load_model, load_tokenizer, place
from unlearnkit.models.logprob import TokenStatistics, chunk_rows, statistics_of_logits, widen
from unlearnkit.models.settings import Dtype
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Tokens
from unlearnkit.subjects.base import Capability, OnRows, require
from unlearnkit.subjects.local import BATCH_ROWS, VIEW, LocalSubject, by_row, tokens_by_row


class EnsembleSubject:
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
        self.members = dict(members)
        self._style = style
        # Lays out rows, and runs whichever member is active.
        self._active = LocalSubject(model, tokenizer, style=style)

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
        return str(self._model.get_base_model().name_or_path)

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the base's weights."""
        dtype: torch.dtype = self._model.get_input_embeddings().weight.dtype
        return dtype

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What several models together have: text and distributions."""
        return frozenset({"generate", "token_logprobs", "full_logits"})

    @property
    def layout(self) -> Layout:
        """How questions are laid out."""
        return self._active.layout

    @property
    def positions(self) -> int:
        """Largest number of tokens of a question with its answer."""
        return self._active.positions

    @property
    def width(self) -> int:
        """Size of each member's hidden states."""
        return self._active.width

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer of the base."""
        return self._active.tokenizer

    def with_style(self, style: Style | None) -> EnsembleSubject:
        """Return an ensemble with shared models that marks traces in this style."""
        return EnsembleSubject(self._active.model, self.tokenizer, self.members, style=style)

    def fits(self, probe: Probe) -> bool:
        """Return whether the probe with its answer is short enough."""
        return self._active.fits(probe)

    def has_room(self, probe: Probe) -> bool:
        """Return whether question and prefilled output leave room for more tokens."""
        return self._active.has_room(probe)

    def generate(
        self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
    ) -> list[Generation]:
        """Generate greedily by the averaged distribution; see `Subject.generate`.

        Each member has a cache of its own.
        """
        prompts, begun = self._active.encode_prompts(probes)
        return generate(
            self._active.model,
            self.tokenizer,
            prompts,
            begun=begun,
            max_new_tokens=max_new_tokens,
            on_rows=on_rows,
            next_tokens=lambda model: _AveragedTokens(model, tuple(self.members), self._activate),
        )

    @torch.no_grad()
    def token_statistics(self, probes: Sequence[Probe]) -> list[Tokens]:
        """Measure each answer under the averaged distribution, without its trace."""
        values = list[Tokens]()
        for batch in self._batches(probes):
            parts = [statistics_of_logits(logps, labels) for logps, labels in self._averaged(batch)]
            columns = ([getattr(part, name) for part in parts] for name in TokenStatistics.__dataclass_fields__)
            values += tokens_by_row(batch, TokenStatistics(*(torch.cat(column) for column in columns)))
        return values

    @torch.no_grad()
    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:
        """Return log p of each answer's tokens under the averaged distribution.

        Tokens of a trace are left out.
        """
        values = list[list[float]]()
        for batch in self._batches(probes):
            parts = [logps.gather(1, labels[:, None])[:, 0] for logps, labels in self._averaged(batch)]
            values += by_row(batch, torch.cat(parts))[0]
        return values

    def gradient_norms(self, probe: Probe) -> list[float]:
        """Raise `InputError`: an ensemble has no gradient of its own."""
        del probe
        require(self, {"gradients"}, what="a gradient norm", fix="measure a member: its folder holds an adapter")
        raise AssertionError("unreachable: an ensemble never offers gradients")

    @property
    def _model(self) -> Any:
        return self._active.model

    def _activate(self, name: str) -> None:
        if self._model.active_adapter != name:
            self._model.set_adapter(name, inference_mode=True)

    def _batches(self, probes: Sequence[Probe]) -> Iterator[Pack]:
        """Yield batches of rows.

        They are smaller if every member's logits of all positions are in memory at once.
        """
        size = BATCH_ROWS if self._active.engine.own_head else max(1, BATCH_ROWS // len(self.members))
        return self._active.batches([self._active.encode_answer(probe) for probe in probes], size)

    def _averaged(self, batch: Pack) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield averaged log-probabilities and labels, chunk by chunk.

        Shapes are (tokens, vocabulary) and (tokens,). Of each member the final hidden states of a batch are kept, and
        its logits of one chunk.
        """
        engine, labels, wanted = self._active.engine, batch.labels[VIEW].token, Quantity(VIEW, "states")
        states: dict[str, Tensor] = {}
        for name in self.members:
            self._activate(name)
            states[name] = engine(batch, [wanted])[wanted]
        vocabulary = self._model.config.get_text_config().vocab_size
        step = chunk_rows(vocabulary)
        for start in range(0, max(len(labels), 1), step):
            part = slice(start, start + step)
            yield average([_logits(engine, hidden[part]) for hidden in states.values()]), labels[part]


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
