"""The board: every metric on every split, as flat names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import is_forget
from unlearnkit.metrics.base import board_metrics
from unlearnkit.metrics.score import Score, mean_score
from unlearnkit.records.schema import Record, by_set
from unlearnkit.scope.scope import Scope
from unlearnkit.text.normalize import normalize


def constant_baseline(rows: Sequence[Row]) -> Score:
    """Accuracy of always giving the best constant answer to each attribute, whatever the form of the question.

    An upper bound of what a model that never knew the answers can reach on these rows, in expectation: it knows what
    kind of thing is asked for, and nothing of whom. Rows without an attribute share one constant answer. Where the
    question lists options, the constant answer is a place in the list: right once in as many rows as there are options.
    Texts are left out: nothing is asked of them, and their accuracy is not measured.
    """
    rows = [row for row in rows if row.question]
    asked: defaultdict[str | None, list[frozenset[str]]] = defaultdict(list)
    values = [1 / row.options for row in rows if row.options]
    for row in (row for row in rows if not row.options):
        asked[row.attribute].append(frozenset(map(normalize, row.answers)))
    for answers in asked.values():
        counts = Counter(form for forms in answers for form in forms)
        best = min(counts, key=lambda form: (-counts[form], form))
        values += (float(best in forms) for forms in answers)
    return mean_score(values)


def score_records(records: Sequence[Record], scope: Scope) -> dict[str, Score]:
    """Every metric on every split of the records, under `<split>.<metric>`, in order of the names.

    A row on which a metric was not measured is left out of it; a metric measured on no row has the value None. The
    forget split and its probes also get `<split>.best_constant`, see `constant_baseline`.
    """
    metrics = board_metrics()
    scores: dict[str, Score] = {}
    for split, members in sorted(by_set(records).items()):
        for name, metric in metrics.items():
            values = (metric.measure(record, scope) for record in members)
            scores[f"{split}.{name}"] = mean_score([value for value in values if value is not None])
        if is_forget(split):
            scores[f"{split}.best_constant"] = constant_baseline([record.row for record in members])
    return scores
