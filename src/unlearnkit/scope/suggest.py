"""A scope drafted from the rows that are to be forgotten, for a person to correct."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.notes import look
from unlearnkit.scope.questions.wordings import BY_SECRET
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret, Task
from unlearnkit.scope.subject_detection import Found, find_subjects
from unlearnkit.text.facts import facts, street_address
from unlearnkit.text.language import other_language
from unlearnkit.text.normalize import contains, normalize

COMMON, COMMON_SHARE = 3, 0.05
"""A fact that is told of so many subjects, and of such a share of them, is nobody's secret."""

NEIGHBORS = 20
"""Most neighbors that are drafted."""

SPOKEN = 0.02
"""The least share of rows in a language for the scope to name it."""


def suggest_scope(
    rows: Sequence[Row], retain: Sequence[Row] = (), *, description: str | None = None, task: Task = "profile"
) -> Scope:
    """Draft the scope of a forget split: whom it is about, and what it tells of them.

    Subjects are those that rows state, or names that recur (`data.about`). Secrets are what looks like a fact in an
    answer and does not stand in its question (`data.facts`), in the words of the answer. Neighbors are subjects of the
    retain rows, see `suggest_neighbors`; what is kept is found in their rows as secrets are. Nothing here understands
    the text: a person has to look for what is missing or too much.

    Args:
        rows: the forget split.
        retain: rows that must stay; without any there are no neighbors.
        description: what is to be forgotten and why; a plain sentence that names the subjects where there is none.
        task: what kind of knowledge it is.

    Raises:
        InputError: where the rows have no subject, saying what to write by hand.
    """
    found = find_subjects(rows)
    if not found.subjects:
        raise InputError(
            "no name recurs in the rows, so nothing tells whom or what they are about",
            where="the forget split",
            allowed="rows with a subject, or a name with a capital in at least two rows",
            fix="write the scope by hand (description, task, and a list of subjects, each with its name) and name the "
            "file: data.scope=FILE; or give each row a field subject",
        )
    scope = Scope(
        description=description or _described(list(found.subjects)),
        task=task,
        subjects=tuple(ScopeSubject(name=name, aliases=aliases) for name, aliases in found.subjects.items()),
        secrets=tuple(_secrets(rows, found)),
        languages=_languages(rows),
    )
    others = find_subjects(retain)
    neighbors = _neighbors(retain, others, scope, NEIGHBORS)
    kept = _kept(retain, others, scope, neighbors) if task in BY_SECRET else ()
    return scope.model_copy(update={"neighbors": neighbors, "allowed": kept})


def with_subjects(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, each with its subject where that is stated or can be told; see `suggest_scope`."""
    of_row = find_subjects(rows).of_row
    return tuple(row.model_copy(update={"subject": name}) for row, name in zip(rows, of_row, strict=True))


def suggest_neighbors(rows: Sequence[Row], scope: Scope, limit: int = NEIGHBORS) -> tuple[ScopeSubject, ...]:
    """Subjects of the retain rows that are not of the scope: those first that share most with it.

    What they share are the scope's secrets: places, genres, prizes. One that few others share counts more.
    """
    return _neighbors(rows, find_subjects(rows), scope, limit)


def _neighbors(rows: Sequence[Row], found: Found, scope: Scope, limit: int) -> tuple[ScopeSubject, ...]:
    own = {normalize(name) for subject in scope.subjects for name in (subject.name, *subject.aliases)}
    told: dict[str, list[str]] = defaultdict(list)
    for row, name in zip(rows, found.of_row, strict=True):
        if name is not None and normalize(name) not in own:
            told[name].append(f"{row.prompt}\n{row.answer}")
    forms = {normalize(form): form for secret in scope.secrets for form in secret.forms}.values()
    shared = {name: [form for form in forms if contains("\n".join(texts), form)] for name, texts in told.items()}
    spread = Counter(form for of_one in shared.values() for form in of_one)
    order = sorted(told, key=lambda name: -sum(1 / spread[form] for form in shared[name]))
    return tuple(ScopeSubject(name=name, aliases=found.subjects[name]) for name in order[:limit])


def _secrets(rows: Sequence[Row], found: Found) -> Iterator[Secret]:
    """One for each fact of each subject, with the forms in which its rows write it."""
    told: dict[str, dict[str, dict[str, None]]] = {name: defaultdict(dict) for name in found.subjects}
    for row, name in zip(rows, found.of_row, strict=True):
        if name is None:
            continue
        said = [row.prompt, name, *found.subjects[name]]
        for fact in facts(row.answer, found.finder):
            if not any(contains(text, fact) for text in said) and (key := _key(fact)):
                told[name][key].setdefault(fact)
    spread = Counter(key for of_one in told.values() for key in of_one)
    for name, of_one in told.items():
        addresses = [form for forms in of_one.values() for form in forms if street_address(form)]
        for key, forms in of_one.items():
            # A town is told by an address, and a person can add it; alone it would stand in many innocent texts.
            part = any(form not in addresses and contains(whole, form) for form in forms for whole in addresses)
            if not part and spread[key] < max(COMMON, COMMON_SHARE * len(told)):
                yield Secret(subject=name, forms=tuple(forms))


def _kept(rows: Sequence[Row], found: Found, scope: Scope, neighbors: Sequence[ScopeSubject]) -> tuple[Secret, ...]:
    """What rows tell of neighbors that looks like a secret of the scope and is none: at most as much as is secret.

    Each neighbor has its turn, so that one of whom much is told leaves room for the others.
    """
    secret = [form for secret in scope.secrets for form in secret.forms]
    looks = {look(form) for form in secret}
    barred = [*secret, *(name for subject in scope.subjects for name in (subject.name, *subject.aliases))]

    def free(form: str) -> bool:
        return look(form) in looks and not any(contains(form, other) or contains(other, form) for other in barred)

    told: dict[str, list[Secret]] = {neighbor.name: [] for neighbor in neighbors}
    for fact in _secrets(rows, found):
        if fact.subject in told:
            told[fact.subject].append(fact)
    turns = (fact for turn in zip_longest(*told.values()) for fact in turn if fact and all(map(free, fact.forms)))
    chosen = list(islice(turns, len(scope.secrets)))
    return tuple(fact for name in told for fact in chosen if fact.subject == name)


def _key(fact: str) -> str:
    """What forms of one fact share: typography aside, and the way in which digits are grouped."""
    folded = normalize(fact).replace("\\", "")
    digits = "".join(filter(str.isdigit, folded))
    return digits if digits and not any(map(str.isalpha, folded)) else folded


def _described(names: Sequence[str]) -> str:
    shown, others = names[:3], len(names) - 3
    listed = ", ".join(shown) + (f" and {others} more" if others > 0 else "")
    return f"What the model knows of {listed} is to be forgotten."


def _languages(rows: Sequence[Row]) -> tuple[str, ...]:
    """The languages of the rows, the commonest first: as a row says, or as its text clearly is."""
    spoken: Counter[str] = Counter()
    for row in rows:
        stated = row.language if "language" in row.model_fields_set else None
        if language := stated or other_language(row.question or row.answer, ()):
            spoken[language] += 1
    clear = [language for language, count in spoken.most_common() if count >= SPOKEN * spoken.total()]
    return tuple(clear or dict.fromkeys(row.language for row in rows))
