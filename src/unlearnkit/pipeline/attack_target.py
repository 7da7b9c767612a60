"""A run's subject under attack: loaded once, asked many times, and copied where an attack trains it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from unlearnkit.attacks.base import AttackTarget
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.data.trace_format import Style, style_used
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import ModelFolder, find_model, positions
from unlearnkit.models.load import load_model, load_tokenizer
from unlearnkit.records.measure_probes import measure_probes
from unlearnkit.records.probe import Probe, ProbeResult
from unlearnkit.records.schema import by_set
from unlearnkit.runs.folder import RunFolder
from unlearnkit.scope.scope import Scope
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData


class LocalSubject:
    """The subject of a run's folder, as an attack sees it."""

    def __init__(
        self,
        folder: RunFolder,
        *,
        at_most: int,
        seed: int,
        on_rows: Callable[[int], None] = lambda _: None,
        model: Any = None,
    ) -> None:
        """`at_most`: rows of a set that are asked. `model`: what is attacked in place of the folder's own."""
        self._folder, self._at_most, self._seed, self._on_rows = folder, at_most, seed, on_rows
        self._model: Any = model

    @cached_property
    def scope(self) -> Scope:
        """What was to be forgotten."""
        return self._folder.scope()

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Every row that asks something, by the set that it was measured as a part of."""
        sets = by_set(self._folder.records())
        return {name: [record.row for record in records if record.row.question] for name, records in sets.items()}

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""
        return self._seed

    @property
    def width(self) -> int:
        """Size of the subject's hidden states."""
        return int(self._found.config.get_text_config().hidden_size)

    @property
    def positions(self) -> int:
        """Most tokens of a row."""
        return positions(self._found.config)

    def chosen(self, split: str) -> Sequence[Row]:
        """The rows of a set that are asked, in their order; which ones is drawn by their number alone."""
        rows = self.rows.get(split, ())
        if len(rows) <= self._at_most:
            return rows
        drawn = random.Random(f"rows {self._seed} {split}").sample(range(len(rows)), self._at_most)
        return [rows[at] for at in sorted(drawn)]

    def ask(self, sets: Mapping[str, Sequence[Probe]]) -> ProbeResult:
        """Put rows to the subject, with as many tokens to answer as it had when it was measured plainly."""
        measured = self._folder.state().measure
        assert measured is not None  # there are records
        return measure_probes(
            self._loaded(),
            self._tokenizer,
            sets,
            max_length=self.positions,
            max_new_tokens=measured.max_new_tokens,
            style=self._style,
            on_rows=self._on_rows,
        )

    @contextmanager
    def trained(self, rows: Sequence[Row], settings: TrainSettings) -> Iterator[AttackTarget]:
        """A copy that was trained on these rows by the product's own loop. An adapter is merged first, as everywhere.

        The copy is loaded anew from the run's folder, in which nothing is written; it and the subject itself are never
        in memory at the same time.
        """
        self._model = None
        model = merge_adapter(self._load())
        model.requires_grad_(True)
        encoder = ChatEncoder(self._tokenizer, settings.max_length, style=self._style)
        encoded = [
            encoder.answer(row.question, row.answer, history=row.history, trace=row.trace, where=f"row {row.id}")
            for row in rows
        ]
        data = TrainData({"retain": encoded}, int(self._tokenizer.pad_token_id))
        engine = Engine(model)
        Trainer(engine, Finetune(), data, settings, seed=self._seed).run()
        yield LocalSubject(
            self._folder, at_most=self._at_most, seed=self._seed, on_rows=self._on_rows, model=engine.model
        )

    @cached_property
    def _style(self) -> Style | None:
        """As the subject marks its traces: its tokenizer may know other marks too."""
        records = self._folder.records()
        return style_used(record.generation.text for record in records if record.generation is not None)

    @cached_property
    def _found(self) -> ModelFolder:
        return find_model(self._folder.subject_path(), where=f"{self._folder.subject_file}, field path")

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        return load_tokenizer(self._found)

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = self._load()
        return self._model

    def _load(self) -> Any:
        model: Any = load_model(self._found, self._folder.subject().dtype)
        return model.cuda() if torch.cuda.is_available() else model
