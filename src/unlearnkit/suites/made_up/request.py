"""A request to forget a part of a made-up world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from unlearnkit.data.rows import Row, Splits
from unlearnkit.data.vocabulary import HELD_OUT
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.suites.made_up.asked import Asked
from unlearnkit.suites.made_up.asking import Asker, hidden_relations
from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.grammar import Grammar
from unlearnkit.suites.made_up.lessons import CALLED_BY, Lessons
from unlearnkit.suites.made_up.sampling import balanced, draw_subjects, other_facts
from unlearnkit.suites.made_up.world import World

FORGOTTEN, NEIGHBORS = 5, 6
NEAR_ROWS, RETAIN_ROWS, HELD_OUT_ROWS, HOLDOUT_ROWS = 140, 400, 100, 80
FAR_FACTS = 18
"""Number of far facts to measure. Rows about the others may be retain rows."""
FORMS = 2
"""Smallest number of forms in which each file's questions ask for a relation, besides statements."""

_PROBES = ("forget", "forget.paraphrased", "forget.translated", "forget.reverse", "forget.multihop")


@dataclass(frozen=True)
class Request:
    """A request to forget, with rows for training and rows for measurement."""

    scope: Scope
    splits: Splits
    left_out: frozenset[str]
    """Ids of the corpus rows that state a forgotten fact in any form. The retrained model must not see these rows."""
    training_scope: Scope | None = None
    """The scope without what training must not see; None: the whole scope."""
    withheld: tuple[Row, ...] = ()
    """Corpus rows that ask for relations which no training row asks for."""
    validation: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    """Row sets by which settings are chosen."""


@dataclass(frozen=True)
class Plan:
    """What the request of a made-up world is about.

    Methods train on rows in the first language of the world. The others are asked only.
    """

    description: str
    """The description of the scope."""
    kind: Literal["person", "thing"]
    """What the subjects are."""
    compared: tuple[str, ...]
    """Relations that are compared to find the neighbors of subjects."""
    hideable: tuple[str, ...]
    """Relations that may be hidden from training. Their values are shared. No question about another relation states
    them."""
    hideable_own: tuple[str, ...]
    """Further relations that may be hidden from training. Their values belong to one subject alone."""


def forget_request(world: World, lessons: Lessons, plan: Plan) -> Request:
    """Return the request of a world.

    The scope lists the first half of the neighbors. The other half is shared between validation and test.
    """

    def shared(one: Described, other: Described) -> int:
        return sum(one.values[relation] == other.values[relation] for relation in plan.compared)

    who, candidates = Random(f"{lessons.world}/who/{world.seed}"), world.candidates
    subjects, neighbors = draw_subjects(who, candidates, candidates, shared, FORGOTTEN, 2 * NEIGHBORS)
    listed, unlisted = neighbors[:NEIGHBORS], neighbors[NEIGHBORS:]
    near = {"validation": tuple(unlisted[::2]), "test": tuple(unlisted[1::2])}
    asked = _asked(world, lessons, plan, tuple(subjects), near)
    scope = Scope(
        description=plan.description,
        task="profile",
        kind=plan.kind,
        subjects=tuple(ScopeSubject(name=subject.name) for subject in subjects),
        secrets=tuple(secret for subject in subjects for secret in secrets_of(subject, asked.grammar)),
        neighbors=tuple(ScopeSubject(name=neighbor.name) for neighbor in listed),
        languages=asked.grammar.languages,
    )
    rows = lessons.facts_of(world)
    left_out = frozenset(row.id for row in rows if scope.covers(row.subject))
    withheld = asked.withheld(rows)
    shown = (secrets_of(one, asked.grammar, without=asked.hidden[one.name].both) for one in subjects)
    training_scope = scope.model_copy(
        update={"secrets": tuple(secret for each in shown for secret in each), "languages": asked.training_languages}
    )
    splits = _splits(world, lessons, rows, asked, {row.id for row in withheld}, {one.name for one in listed})
    return Request(
        scope, Splits(splits | asked.sets("test")), left_out, training_scope, withheld, asked.sets("validation")
    )


def secrets_of(subject: Described, grammar: Grammar, without: frozenset[str] = frozenset()) -> list[Secret]:
    """Return everything about a subject as secrets.

    The relations in `without` are left out. The name is the answer to reverse questions.
    """
    known = [subject.accepted(relation) for relation in grammar.relations if relation not in without]
    return [Secret(subject=subject.name, forms=forms) for forms in (*known, (subject.name,))]


def _asked(
    world: World,
    lessons: Lessons,
    plan: Plan,
    subjects: tuple[Described, ...],
    near: Mapping[str, tuple[Described, ...]],
) -> Asked:
    """Return who and what the request asks about."""
    forgotten = {subject.name for subject in subjects}
    stay = [one for one in (*world.candidates, *world.namesakes) if one.name not in forgotten]
    parts = {subject.names[part] for subject in subjects for part in lessons.parts}
    asks = lessons.questioner(world)

    def asker(name: str) -> Asker:
        templates, usable = lessons.templates[name], lessons.templates_to_ask[name]
        return Asker((lessons.world, world.seed), name, asks, templates, usable, stay, forms=FORMS)

    return Asked(
        grammar=lessons.grammar,
        training_languages=lessons.grammar.languages[:1],
        subjects=subjects,
        near=near,
        half_name=tuple(one for one in world.namesakes if parts & {one.names[part] for part in lessons.parts}),
        strangers=world.strangers,
        hidden=hidden_relations(
            Random(f"{lessons.world}/hidden/{world.seed}"), subjects, plan.hideable, plan.hideable_own
        ),
        askers={name: asker(name) for name in near},
        nobody=lessons.text.nobody,
        nobody_answer=lessons.text.name_answer,
    )


def _splits(
    world: World, lessons: Lessons, rows: Sequence[Row], asked: Asked, withheld: set[str], listed: set[str]
) -> dict[str, tuple[Row, ...]]:
    """Return the splits without questions of other authors.

    Args:
        world: the world.
        lessons: makes the rows about strangers.
        rows: the rows that state facts.
        asked: who and what the request asks about.
        withheld: ids of rows that no method may train on.
        listed: names of the neighbors that the scope lists.
    """
    rng = Random(f"{lessons.world}/splits/{world.seed}")
    subjects = {subject.name for subject in asked.subjects}
    tested = {neighbor.name for neighbor in asked.near["test"]}
    far = {fact.name for fact in Random(f"{lessons.world}/far/{world.seed}").sample(world.far, FAR_FACTS)}
    plain = [row for row in rows if row.attribute != CALLED_BY]
    probes = [row for row in plain if row.subject in subjects and row.id not in withheld]
    free = asked.trainable(row for row in rows if row.subject not in subjects | listed | far)
    asks = lessons.questioner(world)
    of_strangers = [row for one in world.strangers for row in lessons.fact_rows(one, asks, world.teaching)]
    splits = {split: tuple(row for row in probes if _probe(row) == split) for split in _PROBES}
    splits["near"] = balanced(rng, [row for row in plain if row.subject in tested], NEAR_ROWS)
    splits["far"] = tuple(row for row in rows if row.subject in far)
    splits["retain"] = balanced(rng, free, RETAIN_ROWS)
    splits["holdout"] = balanced(rng, asked.trainable(of_strangers), HOLDOUT_ROWS)
    splits[HELD_OUT] = balanced(rng, other_facts(free, splits["retain"]), HELD_OUT_ROWS)
    return splits


def _probe(row: Row) -> str:
    """Return the split of a row that states a forgotten fact."""
    if row.question_type in ("reverse", "multihop"):
        return f"forget.{row.question_type}"
    if row.language != "en":
        return "forget.translated"
    return "forget.paraphrased" if row.question_type == "paraphrase" else "forget"
