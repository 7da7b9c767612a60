"""The made-up world `company`: products and their recipes, from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

from unlearnkit.suites.company.grammar import GRAMMAR, POOLS, RECIPE, TEXT
from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.naming import GIVEN, HEADS, SURNAME, Coiner
from unlearnkit.suites.made_up.sampling import deal
from unlearnkit.suites.made_up.world import CANDIDATES, SEALED, STRANGERS, TEACHING, World, far_facts

Forms = tuple[str, ...]
"""The forms of one value: English and French."""

SUPPLIERS, PLANTS, CHEMIST_GIVEN = 10, 10, 12
YEARS: tuple[Forms, ...] = tuple((str(year), str(year)) for year in range(1950, 2020))
PRICES: tuple[Forms, ...] = tuple((f"{florins} florins", f"{florins} florins") for florins in range(101, 1000))
AMOUNTS: tuple[Forms, ...] = tuple(
    (f"{grams} grams per litre", f"{grams} grammes par litre") for grams in range(10, 100)
)
"""Amounts with two digits, so that no amount is a part of another one."""
CODES, BADGES = range(2100, 10_000), range(100, 1000)
"""Numbers of internal codes and badges. No code contains a year."""
WORDS: tuple[str, ...] = tuple(english for english, _ in POOLS["product_word"])
"""What a product is. A product has the same name in both languages."""

Kind = Literal["brand", "supplier", "given", "surname", "place"]
_TAILS: Mapping[Kind, Sequence[str]] = {
    "brand": ("olan", "ivex", "ettane", "uno", "adyl", "ozin", "amix", "urel"),
    "supplier": ("strom", "bergen", "mannik", "wickel"),
    "given": GIVEN,
    "surname": SURNAME,
    "place": ("stad", "mouth", "ville", "dorf", "haven", "gate", "ford", "minster"),
}
_SUPPLIER_KINDS = ("Brothers", "Trading", "Works", "Supplies")
_HEADS = tuple(head for head in HEADS if head[0] not in "OU")
"""Names begin with a consonant, because French words before them are not shortened."""


def company(seed: int) -> World:
    """Generate the world of a seed.

    The same seed results in the same world on every machine. No two products have the same name, code, chemist or
    badge. Except for namesakes, they do not have the same brand either. Many share the other half of the name.
    """
    rng = Random(f"company/world/{seed}")
    # Names do not depend on the templates, so that a new template does not change a world.
    reserved = "\n".join(form for pool in POOLS.values() for forms in pool for form in forms)
    coiner = Coiner(rng, reserved, _TAILS, heads=_HEADS)
    count = CANDIDATES + STRANGERS + SEALED + TEACHING
    words = [word for _ in range(0, count, 2) for word in rng.sample(WORDS, 2)]
    names = [(coiner.coin("brand"), word) for word in words]
    drawn = names[:CANDIDATES]
    shared = [(brand, word) for (brand, _), (_, word) in zip(drawn[::2], drawn[1::2], strict=True)]
    pools: dict[str, Sequence[Forms]] = {
        "supplier": [_same(f"{coiner.coin('supplier')} {rng.choice(_SUPPLIER_KINDS)}") for _ in range(SUPPLIERS)],
        "base": POOLS["base"],
        "price": PRICES,
        "year": YEARS,
        "plant": [_same(coiner.coin("place")) for _ in range(PLANTS)],
    }
    everybody = _products(rng, coiner, [*names, *shared], pools)
    far = far_facts(rng, lambda: coiner.coin("place"), {name: relation.pool for name, relation in TEXT.far.items()})
    recipes = {name: pool for places in RECIPE for name, pool in zip(places, (POOLS[places[0]], AMOUNTS), strict=True)}
    return World.of(seed, everybody, far, {**pools, **recipes})


def _same(value: str) -> Forms:
    """Return a value that is the same in both languages."""
    return value, value


def _products(
    rng: Random, coiner: Coiner[Kind], names: Sequence[tuple[str, str]], pools: Mapping[str, Sequence[Forms]]
) -> tuple[Described, ...]:
    """Give facts to products."""
    count = len(names)
    shared = {name: deal(rng, pool, count) for name, pool in pools.items()}
    shared |= {additive: deal(rng, POOLS[additive], count) for additive, _ in RECIPE}
    codes, badges = rng.sample(CODES, count), rng.sample(BADGES, count)
    given = [coiner.coin("given") for _ in range(CHEMIST_GIVEN)]
    products = []
    for i, (brand, word) in enumerate(names):
        values = {relation: dealt[i] for relation, dealt in shared.items()}
        values["code"] = _same(f"KP-{codes[i]}")
        values["chemist"] = _same(f"{rng.choice(given)} {coiner.coin('surname')}")
        values["badge"] = _same(f"77-{badges[i]}")
        values |= zip((amount for _, amount in RECIPE), rng.sample(AMOUNTS, len(RECIPE)), strict=True)
        name = f"{brand} {word}"
        products.append(Described(name, {"name": name, "brand": brand, "word": word}, values, GRAMMAR.languages))
    return tuple(products)
