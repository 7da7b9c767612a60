"""Docs of a run's scores, from this package and the run's suite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from unlearnkit.core.number_format import written
from unlearnkit.data.vocabulary import SETS, ordered_sets
from unlearnkit.metrics.base import board_metrics
from unlearnkit.metrics.faithfulness import FAITHFULNESS_DOCS
from unlearnkit.metrics.judge_docs import JUDGES, judge_doc
from unlearnkit.metrics.membership_scores import MEMBERSHIP_DOCS
from unlearnkit.metrics.memorization import MEMORIZATION_DOCS
from unlearnkit.metrics.scope_accuracy import TRACE_DOCS, VERDICT_DOCS
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import Docs, ScoreDoc, ScoreTable, with_prefix
from unlearnkit.metrics.score_names import BEST_CONSTANT, COST, TRACE, ScoreName, parse_judged
from unlearnkit.metrics.subject_scores import SUBJECT_DOCS
from unlearnkit.metrics.wordings import WORDINGS, parse_wording, wording_doc

ANY = "*"
"""Placeholder for any row set, in the keys of score docs."""
OTHERS = ScoreTable("others", "Other scores of the suite")
COSTS = ScoreTable("cost", "Cost", "The peak memory of each model is measured in a separate process.")
COST_DOCS = {
    "cost.seconds": ScoreDoc("Time", format="seconds", table=COSTS, listed=True),
    "cost.peak_rss_mb": ScoreDoc("Peak memory", format="MB", table=COSTS, listed=True),
}


class OwnScore(NamedTuple):
    """A score outside the score board, with its doc and table."""

    flat: str
    doc: ScoreDoc
    table: ScoreTable


@dataclass(frozen=True)
class ScoreDocs:
    """Titles, formats and positions of all scores of a run.

    Args:
        suite: docs of the scores that the suite defines.
    """

    suite: Docs = field(default_factory=dict)

    @cached_property
    def _all(self) -> Docs:
        """All docs by score name, in the order of display.

        If this package and the suite both have a doc for a score, the doc of the suite is used.
        """
        board = {name: metric.doc for name, metric in board_metrics().items()} | MEMORIZATION_DOCS
        traces = {**TRACE_DOCS, **FAITHFULNESS_DOCS, **VERDICT_DOCS}
        return {
            **with_prefix(ANY, board),
            **SUBJECT_DOCS,
            **traces,
            **self.suite,
            **MEMBERSHIP_DOCS,
            **COST_DOCS,
            **self.suite,
        }

    @cached_property
    def _metrics(self) -> Docs:
        """Docs of the score board's metrics by name, in order."""
        board = {ScoreName.parse(flat).metric: doc for flat, doc in self._all.items() if doc.table is None}
        return dict(sorted(board.items(), key=lambda item: (item[1].order, item[0])))

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """Names of the scores that every comparison lists.

        These scores are listed even if they were not measured.
        """
        board = tuple(f"{split}.{name}" for name, doc in self._metrics.items() if doc.listed for split in SETS)
        return board + tuple(flat for flat, doc in self._all.items() if doc.listed and doc.table is not None)

    def of(self, flat: str) -> ScoreDoc:
        """Return the doc of a score.

        If a score has no doc, the result is a doc with the score's name as the title.
        """
        judged = parse_judged(flat)
        if judged is not None:
            return judge_doc(judged)
        worded = parse_wording(flat)
        if worded is not None:
            return wording_doc(worded)
        found = self._all.get(flat) or self._all.get(f"{ANY}.{ScoreName.parse(flat).metric}")
        return found or ScoreDoc(flat, table=OTHERS)

    def metric(self, name: str) -> ScoreDoc:
        """Return the doc of a metric on the score board."""
        return self._metrics.get(name) or ScoreDoc(name)

    def ordered(self, metrics: Iterable[str]) -> list[str]:
        """Sort names of metrics in the order of the score board."""
        return sorted(set(metrics), key=lambda name: (self.metric(name).order, name))

    def place(self, flat: str) -> ScoreName | None:
        """Return the position of a score on the score board.

        The position consists of a row set and a metric. Returns None if the score is not on the score board.
        """
        name, doc = ScoreName.parse(flat), self.of(flat)
        if flat not in self._all and name.split in (COST, TRACE):
            return None
        place = ScoreName(doc.split or name.split, name.metric)
        return place if doc.table is None and place.split else None

    def on_board(self, scores: Mapping[str, Score]) -> dict[ScoreName, Score]:
        """Select the scores on the score board, by row set and metric.

        Scores that were not measured or are not finite are omitted.
        """
        found = {self.place(flat): s for flat, s in scores.items() if s.value is not None and math.isfinite(s.value)}
        return {place: score for place, score in found.items() if place is not None}

    def own(self, names: Iterable[str]) -> list[OwnScore]:
        """Return the scores outside the score board, sorted by table.

        Within each table, the scores of collapsed groups come last. Costs and best constant answers are omitted,
        because the report shows them elsewhere.
        """
        flats = [flat for flat in set(names) if self.place(flat) is None and not _has_other_place(flat)]
        scores = [OwnScore(flat, doc, doc.table or OTHERS) for flat in flats for doc in [self.of(flat)]]
        tables, known = [*dict.fromkeys(doc.table for doc in self._all.values()), WORDINGS, OTHERS], list(self._all)
        splits = ordered_sets(name.split for own in scores if (name := parse_judged(own.flat)))

        def rank(own: OwnScore) -> tuple[object, ...]:
            group = _position(own.doc.variant, ["", *dict(own.table.variants)])
            if judged := parse_judged(own.flat):
                table, row = len(tables) + _position(judged.judge, JUDGES), splits.index(judged.split)
            else:
                table, row = tables.index(own.table), _position(own.flat, known)
            return table, own.table.key, group, row, own.flat

        return sorted(scores, key=rank)

    def written(self, flat: str, value: float) -> str:
        """Format the value of a score as specified in the score's doc."""
        return written(value, self.of(flat).format)


def _position(name: str, known: Sequence[str]) -> int:
    return known.index(name) if name in known else len(known)


def _has_other_place(flat: str) -> bool:
    """Return whether a score is a cost or a best constant answer.

    The report shows these scores outside the tables of other scores.
    """
    name = ScoreName.parse(flat)
    return name.split == COST or name.metric == BEST_CONSTANT
