"""Judge the target model's own answers to composed questions.

Three things are decided: whether an answer to a question out of scope reveals a secret, whether it may be wrong, and
whether an answer to a question in scope contains anything that must be unlearned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.scan import Scanner
from unlearnkit.scope.scope import Scope, Secret
from unlearnkit.text.normalize import contains, words

AGREED = 2
"""Number of questions that must have the same answer before the answer counts as consistent."""


class SecretSearch:
    """Detects answers that name a secret of their subject.

    Args:
        scope: the scope. Its listed secrets are searched for, and the names of its subjects.
    """

    def __init__(self, scope: Scope) -> None:
        self._forms: dict[str | None, set[str]] = defaultdict(set)
        for secret in scope.secrets:
            self._forms[secret.subject].update(secret.forms)
        self._names = {subject.name: subject.names for subject in scope.subjects}

    def finds(self, row: Row) -> bool:
        """Return whether the answer names a secret of the row's subject.

        The subject's names count as secrets, too. What the conversation already contains does not count. If the scope
        lists no secret of the subject, any answer may contain one, so the result is True.
        """
        secrets = self._forms.get(row.subject)
        if secrets is None:
            return True
        forms = (*secrets, *self._names.get(row.subject or "", ()))
        return any(contains(row.answer, form) and not contains(row.conversation, form) for form in forms)


def doubtful_rows(rows: Sequence[ComposedRow], retain: Sequence[Row]) -> frozenset[str]:
    """Return the ids of rows whose answers may be wrong.

    An answer is taken for right if it contains the answer of a retain row about the same subject. An answer is
    consistent if the model gives it to at least `AGREED` questions about the subject in other words. If the model
    writes notes, only questions with the same note are compared, since only these ask for the same; then no other
    answer to these questions may be as frequent. If the model's note does not contain the name in the question, the
    model did not recognize the name. All other answers are doubtful.

    Args:
        rows: composed rows out of scope, with the model's own answers.
        retain: the given retain rows, whose answers are right.
    """
    known: dict[str, list[Row]] = defaultdict(list)
    for given in retain:
        if given.subject is not None and given.answer:
            known[given.subject].append(given)
    answers: dict[tuple[str | None, str], Counter[tuple[str, ...]]] = defaultdict(Counter)
    seen: set[tuple[str | None, str, tuple[str, ...]]] = set()
    for each in rows:
        # The same question with two notes, or in other letters, is no second witness.
        asked = (each.row.subject, each.note, tuple(words(each.row.conversation)))
        if asked not in seen:
            seen.add(asked)
            answers[each.row.subject, each.note][tuple(words(each.row.answer))] += 1

    def is_sure(each: ComposedRow) -> bool:
        if any(_confirms(given, each) for given in known.get(each.row.subject or "", ())):
            return True
        if each.row.trace and not each.note:
            return False
        counts, own = answers[each.row.subject, each.note], tuple(words(each.row.answer))
        if counts[own] < AGREED:
            return False
        return not each.note or all(count < counts[own] for answer, count in counts.items() if answer != own)

    return frozenset(each.row.id for each in rows if not is_sure(each))


def _confirms(given: Row, composed: ComposedRow) -> bool:
    """Return whether a retain row confirms a composed row's answer."""
    same = not composed.note or not given.trace or given.trace.startswith(composed.note)
    return same and any(contains(composed.row.answer, answer) for answer in given.answers)


class RetainAnswerFilter:
    """Detects secrets in the model's own answers.

    The filter searches only for the forms of secrets that the scope lists. A secret counts as shared if one of its
    forms is also in `scope.allowed` or in the answer of a retain row. A shared secret counts only in answers about its
    own subject. In other answers, the shared secret reveals nothing about its own subject.
    """

    def __init__(self, scope: Scope, retain: Sequence[Row]) -> None:
        allowed = [form for fact in scope.allowed for form in fact.forms]
        shared = "\n".join([*allowed, *(answer for row in retain for answer in row.answers)])
        names = (Secret(subject=one.name, forms=(one.name, *one.aliases)) for one in scope.subjects)
        secrets = (secret for secret in scope.secrets if not any(contains(shared, form) for form in secret.forms))
        self._scope, self._scanners = scope, dict[str | None, Scanner]()
        self._alone = [*names, *secrets]
        """Secrets and names that identify their subject in an answer to any question."""

    def tell(self, target: Target, row: Row) -> bool:
        """Return whether a target reveals a secret.

        All secrets of the row's own subject count, but the names of this subject do not count. The names of other
        subjects count, and so do their secrets, except shared secrets. Other subjects are included because a model may
        answer an unfamiliar question with facts about someone else that it knows well, such as facts from forget rows.
        """
        findings = self._scanner_for(row.subject).scan(target, row, "listed")
        return any(finding.kind in ("secret", "answer") for finding in findings)

    def _scanner_for(self, subject: str | None) -> Scanner:
        """Return a scanner for answers about `subject`.

        The scanner treats the names of all other subjects as secrets.
        """
        if subject not in self._scanners:
            named = {form for one in self._scope.subjects for form in (one.name, *one.aliases)}
            own = (one for one in self._scope.secrets if one.subject == subject and not named.issuperset(one.forms))
            others = (one for one in self._alone if one.subject != subject)
            secrets = (*own, *others)
            self._scanners[subject] = Scanner(self._scope.model_copy(update={"subjects": (), "secrets": secrets}))
        return self._scanners[subject]
