"""Compute the score board: every metric on every row set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import is_forget
from unlearnkit.metrics.base import Metric, board_metrics
from unlearnkit.metrics.score import Score, mean_score, unbounded_mean_score, within_range
from unlearnkit.metrics.subject_scores import subject_scores
from unlearnkit.records.schema import Record, by_set
from unlearnkit.scope.scope import Scope
from unlearnkit.text.normalize import normalize


def constant_baseline(rows: Sequence[Row]) -> Score:
    """Return the accuracy of the best constant answers.

    All questions about an attribute, such as the birthplace, get the same constant answer, whatever their wording. The
    best constant answer of an attribute is the answer that is correct most often. A model that never learned the
    correct answers may know what kind of answer an attribute needs, but knows nothing about the person in the question.
    In expectation, such a model is therefore not more accurate than the constant answers. Rows without an attribute
    share one constant answer. If a question lists n options, the constant answer is a fixed position in the list, which
    is correct with probability 1/n. Plain texts are skipped, because they have no question.
    """
    values: list[float] = []
    accepted: defaultdict[str | None, list[frozenset[str]]] = defaultdict(list)
    for row in rows:
        if row.question and row.options:
            values.append(1 / row.options)
        elif row.question:
            accepted[row.attribute].append(frozenset(map(normalize, row.answers)))
    for answers in accepted.values():
        counts = Counter(form for forms in answers for form in forms)
        best = min(counts, key=lambda form: (-counts[form], form))
        values += (float(best in forms) for forms in answers)
    return mean_score(values)


def mean_of(metric: type[Metric], records: Sequence[Record], scope: Scope) -> Score:
    """Return the mean of a metric over records.

    Rows on which the metric was not measured are left out. The score's `unmeasured` counts those of them that have an
    output. If the metric was measured on no row, the score's value is None. If a value of another package's metric is
    outside 0 to `doc.highest`, the range of the metric is unknown, and the score has a bootstrap interval.
    """
    values = [metric.measure(record, scope) for record in records]
    unmeasured = sum(v is None and r.generation is not None for v, r in zip(values, records, strict=True))
    measured = [value for value in values if value is not None]
    unmeasured = unmeasured if metric.reads_output else 0
    if all(within_range(value, metric.doc.highest) for value in measured):
        return mean_score(measured, unmeasured=unmeasured, highest=metric.doc.highest)
    return unbounded_mean_score(measured, unmeasured=unmeasured)


def score_records(records: Sequence[Record], scope: Scope) -> dict[str, Score]:
    """Compute every metric on every row set of the records.

    The keys of the result are score names, `<set>.<metric>`. Sets are sorted by name, and metrics are in the order of
    the score board. A metric's mean leaves out the rows on which the metric was not measured, see `mean_of`. Forget
    sets also get the score `<set>.best_constant`, see `constant_baseline`. All forget sets together give the score of
    the worst subject, see `subject_scores`.
    """
    metrics = board_metrics()
    scores: dict[str, Score] = {}
    for split, members in sorted(by_set(records).items()):
        for name, metric in metrics.items():
            if metric.sets is not None and split not in metric.sets:
                continue
            scores[f"{split}.{name}"] = mean_of(metric, members, scope)
        if is_forget(split):
            scores[f"{split}.best_constant"] = constant_baseline([record.row for record in members])
    return scores | subject_scores(records, scope)
