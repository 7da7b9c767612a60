"""A subject that says what a test wrote for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnkit.data.encoding import Layout
from unlearnkit.data.generation import Generation
from unlearnkit.data.trace_format import STYLES, Style, split_trace
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Tokens
from unlearnkit.subjects.base import ALL, Capability, OnRows

MARKS = STYLES["think"]


class Scripted:
    """Says one text for each question; keeps every probe that reaches it.

    Args:
        says: output by question.
        default: output for any other question.
        room: number of characters of a prompt that it has room for.
        can: its capabilities.
    """

    def __init__(
        self,
        says: Mapping[str, str] | None = None,
        *,
        default: str = "It is not known .",
        room: int = 10_000,
        can: frozenset[Capability] = ALL,
        style: Style | None = None,
    ) -> None:
        self.says, self.default, self.room, self.can, self.style = dict(says or {}), default, room, can, style
        self.asked: list[Probe] = []

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self.can

    @property
    def layout(self) -> Layout:
        return "template"

    @property
    def layout_notes(self) -> tuple[str, ...]:
        return ()

    @property
    def positions(self) -> int:
        return self.room

    def with_style(self, style: Style | None) -> Scripted:
        other = Scripted(self.says, default=self.default, room=self.room, can=self.can, style=style)
        other.asked = self.asked
        return other

    def fits(self, probe: Probe) -> bool:
        return len(probe.row.prompt) + len(probe.row.answer) < self.room

    def has_room(self, probe: Probe) -> bool:
        return len(probe.row.prompt) < self.room

    def generate(
        self, probes: Sequence[Probe], *, max_new_tokens: int, on_rows: OnRows = lambda _: None
    ) -> list[Generation]:
        assert probes and max_new_tokens > 0
        self.asked += probes
        on_rows(len(probes))
        return [self._says(probe) for probe in probes]

    def _says(self, probe: Probe) -> Generation:
        begun = "" if probe.trace is None else f"{MARKS.before}{probe.trace}{MARKS.between}"
        text = begun + probe.answer + self.says.get(probe.row.question, self.default)
        trace, response = split_trace(text)
        return Generation(text=text, trace=trace, response=response, ended="eos")

    def token_statistics(self, probes: Sequence[Probe]) -> list[Tokens]:
        return [Tokens(logps=[-1.0], ranks=[1], mean_logps=[-2.0], var_logps=[1.0]) for _ in probes]

    def log_probabilities(self, probes: Sequence[Probe]) -> list[list[float]]:
        return [[-1.0] for _ in probes]

    def gradient_norms(self, probe: Probe) -> list[float]:
        return [1.0, float(len(probe.answer))]
