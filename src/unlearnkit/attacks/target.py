"""The attacked model, which can be loaded again to train a copy."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.data.trace_format import Style, style_used
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import set_trainable
from unlearnkit.records.measure import measure_probes
from unlearnkit.records.probe import Probe, ProbeResult
from unlearnkit.records.schema import Record, by_set
from unlearnkit.scope.scope import Scope
from unlearnkit.subjects.base import OnRows, Subject
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData


@dataclass(eq=False)
class SubjectUnderAttack:
    """The model and the measured rows that an attack can use."""

    open_subject: Callable[[], Subject]
    """Function that opens the subject. The function is called when the subject is first needed, and again for each copy
    that is trained."""
    records: Sequence[Record]
    """The subject's records, as measured without an attack."""
    scope: Scope
    """The scope, which describes the knowledge to forget."""
    _: KW_ONLY
    at_most: int
    """Maximum number of rows per row set whose questions the attack asks."""
    max_new_tokens: int
    """Maximum number of new tokens per output."""
    seed: int
    """Seed of all random choices."""
    on_rows: OnRows = lambda _: None
    """Progress callback. Its argument is the number of rows that were just completed."""

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Row]]:
        """All rows that have a question, by row set."""
        sets = by_set(self.records)
        return {name: [record.row for record in records if record.row.question] for name, records in sets.items()}

    @cached_property
    def subject(self) -> Subject:
        """The subject. It is opened when this attribute is first read."""
        return self.open_subject()

    @cached_property
    def width(self) -> int:
        """Dimension of the subject's hidden states."""
        return _with_weights(self.subject).width

    @cached_property
    def positions(self) -> int:
        """Maximum number of tokens in a question and its answer together."""
        return self.subject.positions

    def chosen(self, split: str) -> Sequence[Row]:
        """Choose the rows whose questions the attack asks.

        The rows are in the order of the row set. If there are more than `at_most` rows, `at_most` of them are drawn at
        random. The draw depends only on the seed, the set's name and the number of rows.
        """
        rows = self.rows.get(split, ())
        if len(rows) <= self.at_most:
            return rows
        drawn = random.Random(f"rows {self.seed} {split}").sample(range(len(rows)), self.at_most)
        return [rows[at] for at in sorted(drawn)]

    def ask(self, sets: Mapping[str, Sequence[Probe]]) -> ProbeResult:
        """Measure probes, with at most `max_new_tokens` new tokens per output."""
        subject = self.subject.with_style(self._style)
        return measure_probes(subject, sets, max_new_tokens=self.max_new_tokens, on_rows=self.on_rows)

    @contextmanager
    def trained(self, rows: Sequence[Row], settings: TrainSettings) -> Iterator[SubjectUnderAttack]:
        """Yield a copy of the subject, trained on these rows.

        The copy is made by loading the subject again. If the subject has an adapter, the adapter is merged into the
        weights of the copy before training. Nothing is written to disk. The copy and the original are never in memory
        at the same time.
        """
        vars(self).pop("subject", None)  # frees memory; the subject is opened again when needed
        fresh = _with_weights(self.open_subject())
        model = set_trainable(fresh.model.requires_grad_(True))
        tokenizer = fresh.tokenizer
        encoder = ChatEncoder(tokenizer, settings.max_length, style=self._style)
        encoded = [encoder.row(row, where=f"row {row.id}") for row in rows]
        data = TrainData({"retain": encoded}, int(tokenizer.pad_token_id))
        Trainer(Engine(model), Finetune(), data, settings, seed=self.seed).run()
        copy = LocalSubject(model, tokenizer)
        yield replace(self, open_subject=lambda: copy)

    @cached_property
    def _style(self) -> Style | None:
        """The style in which the subject marks its traces.

        The style is detected in the subject's outputs. The tokenizer alone does not determine the style, because a
        tokenizer may know the markers of several styles.
        """
        return style_used(record.generation.text for record in self.records if record.generation is not None)


def _with_weights(subject: Subject) -> LocalSubject:
    assert isinstance(subject, LocalSubject)  # the attack needs weights, which only local subjects have
    return subject
