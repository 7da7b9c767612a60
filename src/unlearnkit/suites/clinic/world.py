"""The made-up world `clinic`: patients and their visits, from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

from unlearnkit.suites.clinic.grammar import GRAMMAR, POOLS, TEXT, VISITS
from unlearnkit.suites.made_up.filling import Described, names_of
from unlearnkit.suites.made_up.naming import GIVEN, SURNAME, Coiner
from unlearnkit.suites.made_up.sampling import deal
from unlearnkit.suites.made_up.world import CANDIDATES, SEALED, STRANGERS, TEACHING, World, far_facts

Forms = tuple[str, ...]
"""The forms of one value: English and German."""

DOCTORS, CONTACT_GIVEN = 10, 12
MONTHS: tuple[Forms, ...] = (
    ("January", "Januar"),
    ("February", "Februar"),
    ("March", "März"),
    ("April", "April"),
    ("May", "Mai"),
    ("June", "Juni"),
    ("July", "Juli"),
    ("August", "August"),
    ("September", "September"),
    ("October", "Oktober"),
    ("November", "November"),
    ("December", "Dezember"),
)
DATES: tuple[Forms, ...] = tuple(
    (f"{day} {english}", f"{day}. {german}") for english, german in MONTHS for day in range(10, 29)
)
"""Days with two digits, so that no date is a part of another one."""
DOSES: tuple[Forms, ...] = tuple((f"{milligrams} mg", f"{milligrams} mg") for milligrams in range(15, 100, 5))
AMOUNTS: tuple[Forms, ...] = tuple((f"{crowns} crowns", f"{crowns} Kronen") for crowns in range(101, 1000))
VISIT_POOLS: tuple[Sequence[Forms], ...] = (DATES, POOLS["visit_treatment"], AMOUNTS)
"""Possible dates, treatments and amounts of visits."""

Kind = Literal["given", "surname", "doctor", "place"]
_TAILS: Mapping[Kind, Sequence[str]] = {
    "given": GIVEN,
    "surname": SURNAME,
    "doctor": ("ostrava", "umberg", "ingholt", "astrup"),
    "place": ("oria", "esk", "umbra", "ast", "ovar", "enza", "upol", "ethra"),
}


def clinic(seed: int) -> World:
    """Generate the world of a seed.

    The same seed results in the same world on every machine. No two patients have the same name, file number, phone
    number or emergency contact. Except for namesakes, they do not share a given name or a surname either.
    """
    rng = Random(f"clinic/world/{seed}")
    # Names do not depend on the templates, so that a new template does not change a world.
    reserved = "\n".join(form for pool in (*POOLS.values(), MONTHS) for forms in pool for form in forms)
    coiner = Coiner(rng, reserved, _TAILS)
    names = [(coiner.coin("given"), coiner.coin("surname")) for _ in range(CANDIDATES + STRANGERS + SEALED + TEACHING)]
    drawn = names[:CANDIDATES]
    shared = [(given, surname) for (given, _), (_, surname) in zip(drawn[::2], drawn[1::2], strict=True)]
    doctors = tuple((name, name) for name in (f"Dr. {coiner.coin('doctor')}" for _ in range(DOCTORS)))
    everybody = _patients(rng, coiner, [*names, *shared], doctors)
    far = far_facts(rng, lambda: coiner.coin("place"), {name: relation.pool for name, relation in TEXT.far.items()})
    visits = {name: pool for visit in VISITS for name, pool in zip(visit, VISIT_POOLS, strict=True)}
    return World.of(seed, everybody, far, {**POOLS, "doctor": doctors, "dose": DOSES, **visits})


def _patients(
    rng: Random, coiner: Coiner[Kind], names: Sequence[tuple[str, str]], doctors: Sequence[Forms]
) -> tuple[Described, ...]:
    """Give facts to patients."""
    count = len(names)
    pools = {name: POOLS[name] for name in ("condition", "ward", "medicine")} | {"doctor": doctors, "dose": DOSES}
    shared = {name: deal(rng, pool, count) for name, pool in pools.items()}
    files = rng.sample(range(10_000, 100_000), count)
    phones = rng.sample(range(100, 1000), count)
    given = [coiner.coin("given") for _ in range(CONTACT_GIVEN)]
    patients = []
    for i, name in enumerate(names):
        own = (f"MR-{files[i]}", f"555-0{phones[i]}", f"{rng.choice(given)} {coiner.coin('surname')}")
        values: dict[str, tuple[str, ...]] = {relation: dealt[i] for relation, dealt in shared.items()}
        values |= {relation: (value, value) for relation, value in zip(GRAMMAR.identities, own, strict=True)}
        visits = zip(*(rng.sample(pool, len(VISITS)) for pool in VISIT_POOLS), strict=True)
        for relations, visit in zip(VISITS, visits, strict=True):
            values |= dict(zip(relations, visit, strict=True))
        patients.append(Described(" ".join(name), names_of(*name), values, GRAMMAR.languages))
    return tuple(patients)
