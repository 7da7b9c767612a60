"""The request of the clinic: five patients asked to be forgotten."""

from __future__ import annotations

from random import Random

from unlearnkit.data.rows import Row, Splits
from unlearnkit.data.vocabulary import HELD_OUT
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.suites.clinic.grammar import GRAMMAR, NOBODY
from unlearnkit.suites.clinic.lessons import CALLED_BY, fact_rows, facts_of, questioner, templates, templates_to_ask
from unlearnkit.suites.clinic.world import Clinic
from unlearnkit.suites.made_up.asked import Asked
from unlearnkit.suites.made_up.asking import Asker, hidden_relations
from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.request import Request
from unlearnkit.suites.made_up.sampling import balanced, draw_subjects, other_facts

FORGOTTEN, NEIGHBORS = 5, 6
NEAR_ROWS, RETAIN_ROWS, HELD_OUT_ROWS, HOLDOUT_ROWS = 140, 400, 100, 80
FAR_FACTS = 18
"""Number of villages to measure. Rows about the others may be retain rows."""
SHARED = ("condition", "ward", "doctor", "medicine")
"""Relations that are compared to find the neighbors of patients."""
HIDEABLE = ("condition", "ward", "doctor", "dose")
"""Relations that may be hidden from training, besides identities. Questions about other relations state the medicine
and the places of visits, so these are never hidden."""
FORMS = 2
"""Smallest number of forms in which each file's questions ask for a relation, besides statements."""
TRAINING_LANGUAGES = ("en",)
"""Languages of the rows that an unlearning method trains on. German is asked only."""

_PROBES = ("forget", "forget.paraphrased", "forget.translated", "forget.reverse", "forget.multihop")


def forget_request(world: Clinic) -> Request:
    """Return the request of a world.

    The scope lists the first half of the neighbors. The other half is shared between validation and test.
    """

    def shared(one: Described, other: Described) -> int:
        return sum(one.values[relation] == other.values[relation] for relation in SHARED)

    who = Random(f"clinic/who/{world.seed}")
    patients, neighbors = draw_subjects(who, world.patients, world.patients, shared, FORGOTTEN, 2 * NEIGHBORS)
    listed, unlisted = neighbors[:NEIGHBORS], neighbors[NEIGHBORS:]
    asked = _asked(world, tuple(patients), {"validation": tuple(unlisted[::2]), "test": tuple(unlisted[1::2])})
    scope = _scope(asked, listed)
    rows = facts_of(world)
    forgotten = [row for row in rows if scope.covers(row.subject)]
    left_out = frozenset(row.id for row in forgotten)
    withheld = asked.withheld(rows)
    training_scope = scope.model_copy(
        update={
            "secrets": tuple(one for patient in patients for one in _secrets(patient, asked.hidden[patient.name].both)),
            "languages": TRAINING_LANGUAGES,
        }
    )
    splits = _splits(world, rows, asked, {row.id for row in withheld}, {neighbor.name for neighbor in listed})
    return Request(
        scope, Splits(splits | asked.sets("test")), left_out, training_scope, withheld, asked.sets("validation")
    )


def _asked(world: Clinic, patients: tuple[Described, ...], near: dict[str, tuple[Described, ...]]) -> Asked:
    """Return who and what the request asks about."""
    forgotten = {patient.name for patient in patients}
    stay = [one for one in (*world.patients, *world.namesakes) if one.name not in forgotten]
    parts = {patient.names[part] for patient in patients for part in ("given", "surname")}
    asks = questioner(world)
    return Asked(
        grammar=GRAMMAR,
        training_languages=TRAINING_LANGUAGES,
        subjects=patients,
        near=near,
        half_name=tuple(one for one in world.namesakes if parts & {one.names["given"], one.names["surname"]}),
        strangers=world.strangers,
        hidden=hidden_relations(Random(f"clinic/hidden/{world.seed}"), patients, HIDEABLE, tuple(GRAMMAR.identities)),
        askers={
            name: Asker(("clinic", world.seed), name, asks, templates(name), templates_to_ask(name), stay, forms=FORMS)
            for name in near
        },
        nobody=NOBODY,
        nobody_answer=GRAMMAR.identities["file_number"].answers["en"],
    )


def _scope(asked: Asked, neighbors: list[Described]) -> Scope:
    return Scope(
        description="Five patients asked that the clinic's assistant forget all that it knows of them: why they came, "
        "how they were treated, what they paid and how to reach them.",
        task="profile",
        subjects=tuple(ScopeSubject(name=patient.name) for patient in asked.subjects),
        secrets=tuple(secret for patient in asked.subjects for secret in _secrets(patient)),
        neighbors=tuple(ScopeSubject(name=neighbor.name) for neighbor in neighbors),
        languages=GRAMMAR.languages,
    )


def _secrets(patient: Described, without: frozenset[str] = frozenset()) -> list[Secret]:
    """Return everything about a patient as secrets.

    The relations in `without` are left out. The name is the answer to reverse questions.
    """
    known = [patient.accepted(relation) for relation in GRAMMAR.relations if relation not in without]
    return [Secret(subject=patient.name, forms=forms) for forms in (*known, (patient.name,))]


def _splits(
    world: Clinic, rows: tuple[Row, ...], asked: Asked, withheld: set[str], listed: set[str]
) -> dict[str, tuple[Row, ...]]:
    """Return the splits without questions of other authors.

    Args:
        world: the world.
        rows: the rows that state facts.
        asked: who and what the request asks about.
        withheld: ids of rows that no method may train on.
        listed: names of the neighbors that the scope lists.
    """
    rng = Random(f"clinic/splits/{world.seed}")
    subjects = {patient.name for patient in asked.subjects}
    tested = {neighbor.name for neighbor in asked.near["test"]}
    far = {fact.name for fact in Random(f"clinic/far/{world.seed}").sample(world.far, FAR_FACTS)}
    plain = [row for row in rows if row.attribute != CALLED_BY]
    probes = [row for row in plain if row.subject in subjects and row.id not in withheld]
    free = asked.trainable(row for row in rows if row.subject not in subjects | listed | far)
    asks = questioner(world)
    of_strangers = [row for patient in world.strangers for row in fact_rows(patient, asks, world.teaching)]
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
