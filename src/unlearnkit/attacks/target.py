"""A subject under attack, loaded again for attacks that train it."""

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
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.engine import Engine
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
    """A subject and its measured rows, as an attack sees them."""

    open_subject: Callable[[], Subject]
    """Opens the subject; called when it is first needed, and again for a copy that is trained."""
    records: Sequence[Record]
    """What was measured of the subject without an attack."""
    scope: Scope
    """What was to be forgotten."""
    _: KW_ONLY
    at_most: int
    """Limit for the rows of a set that are asked."""
    max_new_tokens: int
    """Limit for the tokens of an output."""
    seed: int
    """Seed of everything that is drawn."""
    on_rows: OnRows = lambda _: None
    """Called with a number of rows each time some are done."""

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Every row that asks something, by its row set."""
        sets = by_set(self.records)
        return {name: [record.row for record in records if record.row.question] for name, records in sets.items()}

    @cached_property
    def subject(self) -> Subject:
        """The subject, opened on the first call."""
        return self.open_subject()

    @cached_property
    def width(self) -> int:
        """Size of the subject's hidden states."""
        return _with_weights(self.subject).width

    @cached_property
    def positions(self) -> int:
        """Largest number of tokens of a row."""
        return self.subject.positions

    def chosen(self, split: str) -> Sequence[Row]:
        """Return the rows of a set that are asked, in their order.

        The choice depends only on the number of rows.
        """
        rows = self.rows.get(split, ())
        if len(rows) <= self.at_most:
            return rows
        drawn = random.Random(f"rows {self.seed} {split}").sample(range(len(rows)), self.at_most)
        return [rows[at] for at in sorted(drawn)]

    def ask(self, sets: Mapping[str, Sequence[Probe]]) -> ProbeResult:
        """Measure probes with the plain rows' limit of new tokens."""
        subject = self.subject.with_style(self._style)
        return measure_probes(subject, sets, max_new_tokens=self.max_new_tokens, on_rows=self.on_rows)

    @contextmanager
    def trained(self, rows: Sequence[Row], settings: TrainSettings) -> Iterator[SubjectUnderAttack]:
        """Yield a copy that was trained on these rows.

        The copy is loaded again, an adapter is merged first, and nothing is written. Copy and subject are never in
        memory together.
        """
        vars(self).pop("subject", None)  # frees its memory; it is opened again when it is next needed
        fresh = _with_weights(self.open_subject())
        model = merge_adapter(fresh.model).requires_grad_(True)
        tokenizer = fresh.tokenizer
        encoder = ChatEncoder(tokenizer, settings.max_length, style=self._style)
        encoded = [
            encoder.answer(row.question, row.answer, history=row.history, trace=row.trace, where=f"row {row.id}")
            for row in rows
        ]
        data = TrainData({"retain": encoded}, int(tokenizer.pad_token_id))
        Trainer(Engine(model), Finetune(), data, settings, seed=self.seed).run()
        copy = LocalSubject(model, tokenizer)
        yield replace(self, open_subject=lambda: copy)

    @cached_property
    def _style(self) -> Style | None:
        """The style in which the subject marks its traces.

        The tokenizer may know the marks of other styles too.
        """
        return style_used(record.generation.text for record in self.records if record.generation is not None)


def _with_weights(subject: Subject) -> LocalSubject:
    assert isinstance(subject, LocalSubject)  # the attack needs weights, and no other subject has them
    return subject
