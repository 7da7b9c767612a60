"""Draft a scope from the forget rows, for a person to correct."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.context import is_apart
from unlearnkit.scope.questions.notes import look
from unlearnkit.scope.questions.wordings import BY_SECRET
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret, Task
from unlearnkit.scope.subject_detection import DetectedSubjects, find_subjects
from unlearnkit.text.facts import facts, street_address
from unlearnkit.text.language import other_language
from unlearnkit.text.normalize import contains, normalize

COMMON, COMMON_SHARE = 3, 0.05
"""A fact about this many subjects, and about this share of all subjects, is not a secret."""

NEIGHBORS = 20
"""Maximum number of drafted neighbors."""

SPOKEN = 0.02
"""Minimum share of rows in a language for the scope to include it."""


def suggest_scope(
    rows: Sequence[Row], retain: Sequence[Row] = (), *, description: str | None = None, task: Task = "profile"
) -> Scope:
    """Draft the scope of a forget split: its subjects and their secrets.

    Subjects are those that rows state, or recurring names (`scope.subject_detection`). Secrets are what looks like a
    fact in an answer and is not in its question (`text.facts`), in the words of the answer. Neighbors are subjects of
    the retain rows, see `suggest_neighbors`; allowed facts are found in their rows in the same way. Nothing here
    understands the text: a person must check what is missing or superfluous.

    Args:
        rows: the forget split.
        retain: rows that must stay; without any there are no neighbors.
        description: what must be forgotten and why; by default a plain sentence that names the subjects.
        task: the kind of knowledge.

    Raises:
        InputError: the rows have no subject; the message explains what to write by hand.
    """
    detected = find_subjects(rows)
    if not detected.subjects:
        raise InputError(
            "no name recurs in the rows, so their subjects cannot be detected",
            where="the forget split",
            allowed="rows with a subject, or a capitalized name in at least two rows",
            fix="write the scope by hand (description, task, and a list of subjects, each with its name) and set "
            "data.scope=FILE; or add a field subject to each row",
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
    allowed = _allowed(retain, others, scope, neighbors) if task in BY_SECRET else ()
    return scope.model_copy(update={"neighbors": neighbors, "allowed": allowed})


def with_subjects(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows with their stated or detected subjects.

    See `suggest_scope`.
    """
    of_row = find_subjects(rows).of_row
    return tuple(row.model_copy(update={"subject": name}) for row, name in zip(rows, of_row, strict=True))


def suggest_neighbors(rows: Sequence[Row], scope: Scope) -> tuple[ScopeSubject, ...]:
    """Return subjects of the retain rows outside the scope, most similar first.

    Similarity is the number of shared secrets of the scope (places, genres, prizes); one that few others share counts
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
    """Yield each fact of each subject, with all its forms."""
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
            # A town is part of an address, and a person can add it; alone it would occur in many innocent texts.
            part = any(form not in addresses and contains(whole, form) for form in forms for whole in addresses)
            if not part and spread[key] < max(COMMON, COMMON_SHARE * len(facts_of)):
                yield Secret(subject=name, forms=tuple(forms))


def _allowed(
    rows: Sequence[Row], detected: DetectedSubjects, scope: Scope, neighbors: Sequence[ScopeSubject]
) -> tuple[Secret, ...]:
    """Return facts about neighbors that look like secrets.

    At most as many as there are secrets. Neighbors take turns, so that one with many facts leaves room for the others.
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
    """Return what all forms of a fact share.

    Typography and the grouping of digits are ignored.
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

    As stated, or as clearly detected.
    """
    spoken: Counter[str] = Counter()
    for row in rows:
        stated = row.language if "language" in row.model_fields_set else None
        if language := stated or other_language(row.question or row.answer, ()):
            spoken[language] += 1
    clear = [language for language, count in spoken.most_common() if count >= SPOKEN * spoken.total()]
    return tuple(clear or dict.fromkeys(row.language for row in rows))
