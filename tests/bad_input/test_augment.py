"""Scope augmentation (`data.augment`): settings that cannot be used, in the recipe or on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.bad_input.place import CHECK, RUN, Case, Place, assert_told

NAME = "recipe.yaml"
AMOUNT = "a whole number of at least 1"


def augmented(**settings: Any) -> Callable[[Place], None]:
    return lambda place: place.recipe(data={"augment": settings}, method={"name": "tru"})


def whole(section: Any) -> Callable[[Place], None]:
    return lambda place: place.recipe(data={"augment": section})


def old(value: float) -> Callable[[Place], None]:
    """A recipe of an earlier version."""
    return lambda place: place.recipe(method={"name": "tru", "scope_weight": value})


CASES = [
    Case("augment-nothing", augmented(amount=0), ["field data.augment.amount", "value:   0", AMOUNT, f"{NAME}:"]),
    Case("augment-less-than-nothing", augmented(amount=-1), ["field data.augment.amount", "value:   -1", AMOUNT]),
    Case("augment-many", augmented(amount="many"), ["field data.augment.amount", "'many'", "auto", AMOUNT]),
    Case("augment-a-half", augmented(amount=1.5), ["field data.augment.amount", "1.5", AMOUNT]),
    Case("augment-true", augmented(amount=True), ["field data.augment.amount", AMOUNT]),
    Case("augment-no-share", augmented(share=0), ["field data.augment.share", "value:   0", "greater than 0"]),
    Case("augment-composed-alone", augmented(share=1), ["field data.augment.share", "value:   1", "less than 1"]),
    Case("augment-share-not-a-number", augmented(share=float("nan")), ["field data.augment.share", "finite"]),
    Case("augment-no-languages", augmented(languages=[]), ["field data.augment.languages", "at least 1 item"]),
    Case("augment-languages-a-word", augmented(languages="en"), ["field data.augment.languages", "'en'"]),
    Case("augment-no-forms", augmented(forms=[]), ["field data.augment.forms", "at least 1 item"]),
    Case(
        "augment-unknown-language",
        augmented(languages=["en", "xx"]),
        ["no questions of this kind", "'xx'", "en, es, ru", "data.augment.languages"],
        RUN,
    ),
    Case(
        "augment-unknown-form",
        augmented(forms=["lower", "rhymed"]),
        ["no questions of this kind", "data.augment.forms", "'rhymed'", "comparison", "lower"],
        RUN,
    ),
    Case("augment-unknown-form-in-a-check", augmented(forms=["rhymed"]), ["data.augment.forms", "'rhymed'", "lower"]),
    Case("augment-unknown-setting", augmented(amuont=3), ["no such setting", "data.augment.amuont", "mean amount"]),
    Case("augment-a-number", whole(500), ["data.augment", "500"]),
    Case("augment-a-list", whole([1, 2]), ["data.augment"]),
    Case("augment-yes", whole(True), ["data.augment"]),
    Case(
        "augment-misspelled-in-data",
        lambda place: place.recipe(data={"augmnet": {"amount": 3}}),
        ["no such setting", "field data.augmnet"],
    ),
    Case(
        "augment-typed-on-the-command-line",
        lambda place: place.recipe(method={"name": "tru"}),
        ["field data.augment.share", "less than 1"],
        (*CHECK, "data.augment={share: 2}"),
    ),
    Case(
        "scope-weight-of-an-earlier-version",
        old(20.0),
        ["no such setting any more", "field method.scope_weight", "20.0", "data.augment: {}"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_settings_that_cannot_be_used_are_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)
