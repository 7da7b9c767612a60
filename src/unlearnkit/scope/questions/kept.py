"""Compose questions about subjects of retain rows.

They are asked in the words of other retain rows. The retain rows are a sample of what the model should keep. It may
know more about the same subjects.
"""

from __future__ import annotations

from collections.abc import Iterator

from unlearnkit.scope.questions.context import QuestionContext, as_wording, is_apart
from unlearnkit.scope.questions.notes import kinds_of
from unlearnkit.scope.questions.question import EXCHANGED, ScopeQuestion, question_row


def exchanged(context: QuestionContext) -> Iterator[ScopeQuestion]:
    """Yield questions of retain rows about other subjects.

    The other subjects are of the same kind. Two subjects are of the same kind if their rows share an attribute or a
    topic.
    """
    wordings: dict[tuple[str, str], dict[str, str]] = {}
    subjects: dict[tuple[str, str], dict[str, None]] = {}
    for row in context.retain:
        if row.subject is None or row.options or not is_apart(row.subject, context.names):
            continue
        wording = as_wording(row.question, row.subject)
        for kind in kinds_of(row):
            subjects.setdefault(kind, {})[row.subject] = None
            if wording is not None:
                wordings.setdefault(kind, {})[wording] = row.language
    kinds: dict[str, set[tuple[str, str]]] = {}
    for kind, names in subjects.items():
        for name in names:
            kinds.setdefault(name, set()).add(kind)
    asked = {row.question for row in context.retain}
    for name, own in kinds.items():
        alike = {other for kind in own for other in subjects[kind]}
        for kind in sorted({kind for other in alike for kind in kinds[other]}):
            for wording, language in wordings.get(kind, {}).items():
                question = wording.format(name=name)
                if question not in asked and language in context.scope.languages:
                    yield ScopeQuestion(question_row(question, None, language, name, form=EXCHANGED), name, True, None)
