"""Draft a scope from the forget rows, for a person to correct."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.context import is_apart
from unlearnkit.scope.questions.notes import look
from unlearnkit.scope.questions.wordings import asks_by_secret
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret, Task
from unlearnkit.scope.subject_detection import DetectedSubjects, find_subjects
from unlearnkit.text.facts import facts, street_address
from unlearnkit.text.language import other_language
from unlearnkit.text.normalize import contains, normalize

COMMON, COMMON_SHARE = 3, 0.05
"""A fact does not count as a secret if the rows state the same fact about many subjects: at least `COMMON` subjects,
and at least the share `COMMON_SHARE` of all subjects."""

NEIGHBORS = 20
"""Maximum number of neighbors in a drafted scope."""

SPOKEN = 0.02
"""The scope includes a language if at least this share of the rows is in that language."""


def suggest_scope(
    rows: Sequence[Row], retain: Sequence[Row] = (), *, description: str | None = None, task: Task = "profile"
) -> Scope:
    """Draft the scope of a forget split: subjects, secrets and neighbors.

    The subjects are stated in the rows, or detected as recurring names (`scope.subject_detection`). The secrets are the
    parts of the answers that look like facts (`text.facts`) and do not occur in the question of the same row; each
    secret is copied verbatim. The neighbors are subjects of retain rows (see `suggest_neighbors`). Allowed facts are
    found in the neighbors' rows in the same way as secrets in forget rows. The draft is made without understanding the
    text, so a person must add what is missing and remove what is superfluous.

    Args:
        rows: the forget split.
        retain: the retain rows. Without retain rows, the scope has no neighbors.
        description: the description of what must be forgotten and why. By default, a sentence that names the subjects.
        task: the kind of knowledge to forget.

    Raises:
        InputError: no row states a subject and no name recurs; the message explains how to write the scope by hand.
    """
    detected = find_subjects(rows)
    if not detected.subjects:
        raise InputError(
            "no name recurs in the rows, so the subjects of the rows cannot be detected",
            where="the forget split",
            allowed="rows with a subject, or a capitalized name in at least two rows",
            fix="write the scope by hand (description, task, and a list of subjects, each with its name) and set "
            "data.scope=FILE; or add a subject field to each row",
        )
    scope = Scope(
        description=description or _description(list(detected.subjects)),
        task=task,
        subjects=tuple(ScopeSubject(name=name, aliases=aliases) for name, aliases in detected.subjects.items()),
        secrets=tuple(_secrets(rows, detected)),
        languages=_languages(rows),
    )
    others = find_subjects(retain)
    neighbors = _neighbors(retain, others, scope)
    allowed = _allowed(retain, others, scope, neighbors) if asks_by_secret(task) else ()
    return scope.model_copy(update={"neighbors": neighbors, "allowed": allowed})


def with_subjects(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows, each with its stated or detected subject.

    The docstring of `find_subjects` explains how subjects are detected.
    """
    of_row = find_subjects(rows).of_row
    return tuple(row.model_copy(update={"subject": name}) for row, name in zip(rows, of_row, strict=True))


def suggest_neighbors(rows: Sequence[Row], scope: Scope) -> tuple[ScopeSubject, ...]:
    """Return the subjects of retain rows, most similar to the scope first.

    Subjects that are also in the scope are omitted. A subject is similar to the scope if the subject's rows contain
    many secrets of the scope, such as places, genres or prizes. A secret that occurs in the rows of few subjects counts
    more.
    """
    return _neighbors(rows, find_subjects(rows), scope)


def _neighbors(rows: Sequence[Row], detected: DetectedSubjects, scope: Scope) -> tuple[ScopeSubject, ...]:
    own = {normalize(name) for subject in scope.subjects for name in subject.names}
    texts_of: dict[str, list[str]] = defaultdict(list)
    for row, name in zip(rows, detected.of_row, strict=True):
        if name is not None and normalize(name) not in own:
            texts_of[name].append(f"{row.prompt}\n{row.answer}")
    forms = {normalize(form): form for secret in scope.secrets for form in secret.forms}.values()
    shared = {name: [form for form in forms if contains("\n".join(texts), form)] for name, texts in texts_of.items()}
    spread = Counter(form for of_one in shared.values() for form in of_one)
    order = sorted(texts_of, key=lambda name: -sum(1 / spread[form] for form in shared[name]))
    return tuple(ScopeSubject(name=name, aliases=detected.subjects[name]) for name in order[:NEIGHBORS])


def _secrets(rows: Sequence[Row], detected: DetectedSubjects) -> Iterator[Secret]:
    """Yield the possible secrets of each subject, in all their forms.

    Facts that the question states and facts that many subjects share are omitted.
    """
    facts_of: dict[str, dict[str, dict[str, None]]] = {name: defaultdict(dict) for name in detected.subjects}
    for row, name in zip(rows, detected.of_row, strict=True):
        if name is None:
            continue
        known_texts = [row.prompt, name, *detected.subjects[name]]
        for fact in facts(row.answer, detected.finder):
            if not any(contains(text, fact) for text in known_texts) and (key := _key(fact)):
                facts_of[name][key].setdefault(fact)
    spread = Counter(key for of_one in facts_of.values() for key in of_one)
    for name, of_one in facts_of.items():
        addresses = [form for forms in of_one.values() for form in forms if street_address(form)]
        for key, forms in of_one.items():
            # A town that is part of an address is omitted, because many harmless texts mention the town. A person who
            # corrects the draft can add the town.
            part = any(form not in addresses and contains(whole, form) for form in forms for whole in addresses)
            if not part and spread[key] < max(COMMON, COMMON_SHARE * len(facts_of)):
                yield Secret(subject=name, forms=tuple(forms))


def _allowed(
    rows: Sequence[Row], detected: DetectedSubjects, scope: Scope, neighbors: Sequence[ScopeSubject]
) -> tuple[Secret, ...]:
    """Return facts about neighbors that look like secrets.

    The number of returned facts is at most the number of secrets in the scope. The facts are taken from each neighbor
    in turn, so that a neighbor with many facts leaves room for the facts of the other neighbors.
    """
    secret = [form for secret in scope.secrets for form in secret.forms]
    looks = {look(form) for form in secret}
    barred = [*secret, *(name for subject in scope.subjects for name in subject.names)]
    facts_of: dict[str, list[Secret]] = {neighbor.name: [] for neighbor in neighbors}
    for fact in _secrets(rows, detected):
        if fact.subject in facts_of:
            facts_of[fact.subject].append(fact)
    turns = (fact for turn in zip_longest(*facts_of.values()) for fact in turn if fact)
    free = (fact for fact in turns if all(look(form) in looks and is_apart(form, barred) for form in fact.forms))
    chosen = list(islice(free, len(scope.secrets)))
    return tuple(fact for name in facts_of for fact in chosen if fact.subject == name)


def _key(fact: str) -> str:
    """Return a key that all forms of a fact share.

    The key ignores typography and the grouping of digits.
    """
    folded = normalize(fact).replace("\\", "")
    digits = "".join(filter(str.isdigit, folded))
    return digits if digits and not any(map(str.isalpha, folded)) else folded


def _description(names: Sequence[str]) -> str:
    shown, others = names[:3], len(names) - 3
    listed = ", ".join(shown) + (f" and {others} more" if others > 0 else "")
    return f"What the model knows of {listed} is to be forgotten."


def _languages(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the languages of the rows, most frequent first.

    If a row does not state its language, the language is detected. A row whose language is uncertain is ignored.
    """
    spoken: Counter[str] = Counter()
    for row in rows:
        stated = row.language if "language" in row.model_fields_set else None
        if language := stated or other_language(row.question or row.answer, ()):
            spoken[language] += 1
    clear = [language for language, count in spoken.most_common() if count >= SPOKEN * spoken.total()]
    return tuple(clear or dict.fromkeys(row.language for row in rows))
