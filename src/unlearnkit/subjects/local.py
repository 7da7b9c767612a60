"""Subjects (models under test) that run on this machine.

`LoadedSubject` is the base class of local models and ensembles. `LocalSubject` is the only subject that offers weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, Self

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import Pack
from unlearnkit.data.encoding import ChatEncoder, Encoded, Layout, TooLong, layout_notes
from unlearnkit.data.generation import Generation
from unlearnkit.data.trace_format import Style
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.batches import batches
from unlearnkit.models.decoding import NextTokens, next_tokens_of
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.models.folder import positions as most_positions
from unlearnkit.models.generate import generate
from unlearnkit.models.load import load_model, load_tokenizer, place
from unlearnkit.models.rounding import round_linear_layers
from unlearnkit.models.settings import Bits, Dtype
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Tokens
from unlearnkit.subjects.base import ALL, Capability, OnRows

BATCH_ROWS = 256
VIEW = "rows"


class LoadedSubject(ABC):
    """Base class of subjects that run a model on this process's device.

    The constructor puts the model in eval mode.

    Args:
        model: the model to run.
        tokenizer: the model's tokenizer.
        style: style of the markers around a trace that a probe prefills. If None, the first style whose tokens the
            tokenizer knows is used.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, style: Style | None = None
    ) -> None:
        untyped: Any = model
        self.model: PreTrainedModel = untyped.eval()
        self.tokenizer, self._style = tokenizer, style

    @abstractmethod
    def _values(self, batch: Pack, kind: Literal["logps", "statistics"]) -> Tensor:
        """Return log-probabilities or statistics at the labeled tokens of a batch.

        See `Engine.forward` for the shapes.
        """

    def _next_tokens(self, model: PreTrainedModel) -> NextTokens:
        return next_tokens_of(model)

    @property
    def layout(self) -> Layout:
        """How questions are formatted: with the chat template, or as plain text."""
        return self.encoder.layout

    @property
    def layout_notes(self) -> Sequence[str]:
        """Sentences on what is unusual about the format of questions."""
        return layout_notes(self.tokenizer)

    @property
    def positions(self) -> int:
        """Maximum number of tokens in a question and its answer together."""
        return most_positions(self.model.config)

    @property
    def width(self) -> int:
        """Dimension of the hidden states."""
        return int(self.model.config.get_text_config().hidden_size)

    @cached_property
    def encoder(self) -> ChatEncoder:
        """The encoder that converts rows to token ids."""
        return ChatEncoder(self.tokenizer, self.positions, style=self._style)

    @cached_property
    def engine(self) -> Engine:
        """An engine that runs the model and computes logits chunk by chunk."""
        return Engine(self.model).eval()

    def fits(self, probe: Probe) -> bool:
        """Return whether the probe and its answer fit into `positions` tokens."""
        try:
            self.encode_answer(probe)
        except TooLong:
            return False
        return True

    def has_room(self, probe: Probe) -> bool:
        """Return whether question and prefilled text leave room for new tokens."""
        return sum(map(len, self.encode_start(probe))) < self.positions

    def generate(
        self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
    ) -> list[Generation]:
        """Generate an output for each probe; see `Subject.generate`."""
        starts = [self.encode_start(probe) for probe in probes]
        for probe, (prompt, begun) in zip(probes, starts, strict=True):
            if len(prompt) + len(begun) >= self.positions:
                raise InputError(
                    "the question leaves no room for an answer",
                    where=f"row {probe.row.id}",
                    value=f"{len(prompt) + len(begun)} tokens",
                    allowed=f"fewer than {self.positions} tokens, the model's number of positions",
                    fix="shorten the question",
                )
        return generate(
            self.model,
            self.tokenizer,
            [prompt for prompt, _ in starts],
            begun=[begun for _, begun in starts],
            max_new_tokens=max_new_tokens,
            on_rows=on_rows,
            next_tokens=self._next_tokens,
        )

    @torch.no_grad()
    def token_statistics(self, probes: Sequence[Probe]) -> list[Tokens]:
        """Return statistics of each answer's tokens, without trace tokens."""
        values = list[Tokens]()
        for batch in self._batches(probes):
            logps, ranks, means, variances = self._values(batch, "statistics").unbind(1)
            columns = zip(*_by_row(batch, logps, ranks.long(), means, variances), strict=True)
            values += [Tokens(logps=p, ranks=r, mean_logps=m, var_logps=v) for p, r, m, v in columns]
        return values

    @torch.no_grad()
    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:
        """Return the log-probabilities of each answer's tokens, without trace tokens."""
        values = list[list[float]]()
        for batch in self._batches(probes):
            values += _by_row(batch, self._values(batch, "logps"))[0]
        return values

    def encode_start(self, probe: Probe) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the token ids of the prompt and of the prefilled text."""
        row = probe.row
        if not probe.begun:
            return self.encoder.prompt(row.question, row.history), ()
        return self.encoder.begin(row.question, row.history, trace=probe.trace, response=probe.answer)

    def encode_answer(self, probe: Probe) -> Encoded:
        """Encode the row's answer after the text that the probe prefills.

        Raises:
            TooLong: the question and the answer together have more tokens than the model has positions.
        """
        row, where = probe.row, f"row {probe.row.id}"
        return self.encoder.answer(
            row.question,
            row.answer,
            history=row.history,
            continues=row.continues,
            trace=(probe.trace or "") if probe.begun else row.trace,
            empty_trace=probe.trace == "",
            label_trace=not probe.begun,
            given=probe.answer,
            where=where,
        )

    def _batches(self, probes: Sequence[Probe], size: int = BATCH_ROWS) -> Iterator[Pack]:
        """Pack the probes' answers into batches on the model's device.

        Each batch has at most `size` rows. The batch stores the labels of the answers under the name `VIEW`.
        """
        rows = [self.encode_answer(probe) for probe in probes]
        pad_id, device = int(self.tokenizer.pad_token_id), self.engine.device
        return (batch.pack for batch in batches(VIEW, rows, pad_id=pad_id, device=device, size=size))


class LocalSubject(LoadedSubject):
    """A causal language model with its weights."""

    @classmethod
    def load(
        cls,
        source: str | ModelFolder,
        dtype: Dtype = "float32",
        *,
        rounded: Bits | None = None,
        where: str = "model.path",
    ) -> Self:
        """Load a model from a folder or Hub id onto the device.

        Args:
            source: folder or Hub id of the model.
            dtype: type of the weights.
            rounded: integers to which the weights of the linear layers are rounded, after an adapter is merged; None to
                keep the weights as they are.
            where: the recipe setting that names the model, for error messages.

        Raises:
            InputError: the model cannot be used.
            MissingDependency: the model cannot be obtained from the Hub.
            UnlearnError: the device has too little memory.
        """
        found = find_model(source, where=where)
        with device_errors():
            model: Any = load_model(found, dtype)
            if rounded is not None:
                model = merge_adapter(model)
                round_linear_layers(model, rounded, leave=[model.get_output_embeddings()])
            return cls(place(model), load_tokenizer(found))

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Capabilities of the model, which depend on the weights' data type.

        A model with floating-point weights offers all capabilities. Other models, such as some quantized models, do not
        offer `gradients` and `weights`.
        """
        trainable = all(parameter.is_floating_point() for parameter in self.model.parameters())
        return ALL if trainable else ALL - {"gradients", "weights"}

    def with_style(self, style: Style | None) -> LocalSubject:
        """Return a subject with the same model and another trace style."""
        return LocalSubject(self.model, self.tokenizer, style=style)

    def gradient_norms(self, probe: Probe) -> list[float]:
        """Return the L2 norm of the gradient of each weight tensor.

        The loss is the mean over the answer's tokens.
        """
        (batch,) = self._batches([probe])
        weights = [parameter.requires_grad_() for parameter in self.model.parameters()]
        loss = -self._values(batch, "logps")[~batch.labels[VIEW].in_trace].mean()
        # A weight that the loss does not depend on, such as an unused position embedding, has no gradient.
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        return [0.0 if gradient is None else float(gradient.float().norm()) for gradient in gradients]

    def _values(self, batch: Pack, kind: Literal["logps", "statistics"]) -> Tensor:
        quantity = Quantity(VIEW, kind)
        values: Tensor = self.engine(batch, [quantity])[quantity]
        return values


def _by_row(batch: Pack, *columns: Tensor) -> list[list[list[Any]]]:
    """Split token values by row, without the values of trace tokens."""
    labels = batch.labels[VIEW]
    answer = ~labels.in_trace
    sizes = torch.bincount(labels.row[answer], minlength=labels.rows).tolist()
    return [[part.tolist() for part in torch.split(column[answer].cpu(), sizes)] for column in columns]
