"""Conformance checks for judges.

Each check takes a callable, such as a class. The callable takes a scope and returns a `Judge`.
"""

from __future__ import annotations

from collections.abc import Callable

from unlearnkit.judges.base import Item, Judge, Judged, items_of, scope_digest
from unlearnkit.judges.quality import PARTS
from unlearnkit.metrics.leakage import find_leaks
from unlearnkit.scope.scope import Scope
from unlearnkit.testing.check import Checks, ensure
from unlearnkit.testing.example import FORGET, records, scope_of

Plugin = Callable[[Scope], Judge]
CHECKS = Checks()


def _items() -> list[Item]:
    """Return one item for each example record, with unique ids."""
    items = items_of(records())
    return [
        Item(item.split, item.quality, item.row.model_copy(update={"id": f"{item.row.id}.{at}"}), item.output)
        for at, item in enumerate(items)
    ]


def _judged(make: Plugin) -> tuple[Judged, list[int]]:
    counted: list[int] = []
    return make(scope_of()).judge(_items(), counted.append), counted


@CHECKS.add
def judgments_are_in_the_order_of_items_and_repeats(make: Plugin) -> None:
    """The judgments are in the order of the items.

    Every item is judged equally often, and repeated judgments of an item are adjacent. Each judgment contains the
    digest of the item.
    """
    items, (judged, counted) = _items(), _judged(make)
    ensure(len(judged.judgments) % len(items) == 0 and judged.judgments, "some items are judged more often than others")
    repeats = len(judged.judgments) // len(items)
    expected = [(item.split, item.row.id, item.digest, repeat) for item in items for repeat in range(repeats)]
    found = [(each.split, each.id, each.digest, each.repeat) for each in judged.judgments]
    ensure(found == expected, "the judgments are not in the order of the items and repeats, or have wrong digests")
    ensure(sum(counted) == len(found), "the numbers passed to `on_judged` do not add up to the number of judgments")
    ensure(make(scope_of()).judge([], counted.append).judgments == (), "without items there must be no judgments")


@CHECKS.add
def verdicts_are_of_the_quality_of_the_item(make: Plugin) -> None:
    """A verdict has the three scores of the quality that is judged.

    Each item is judged for one of two qualities: unlearning quality or retention quality.
    """
    judged, _ = _judged(make)
    ensure(any(judgment.verdict for judgment in judged.judgments), "no judgment has a verdict")
    qualities = {(item.split, item.row.id): item.quality for item in _items()}
    for judgment in judged.judgments:
        if judgment.verdict is not None:
            quality = qualities[judgment.split, judgment.id]
            right = judgment.verdict.quality == quality
            ensure(right, f"a verdict on the set {judgment.split!r} must judge the quality {quality!r}")
            ensure(tuple(judgment.verdict.marks) == PARTS[quality], f"a verdict must have the scores {PARTS[quality]}")


@CHECKS.add
def an_empty_output_is_marked_empty(make: Plugin) -> None:
    """The judgment of an empty output has the outcome `empty`.

    An output with a trace but without a response may also have this outcome.
    """
    judged, _ = _judged(make)
    outputs = {(item.split, item.row.id): item.output for item in _items()}
    for judgment in judged.judgments:
        output = outputs[judgment.split, judgment.id]
        if not output.text.strip():
            ensure(judgment.outcome == "empty", "an empty output does not have the outcome 'empty'")
        if output.response.strip():
            ensure(judgment.outcome != "empty", "an output with a response has the outcome 'empty'")


@CHECKS.add
def judgments_are_the_same_each_time(make: Plugin) -> None:
    """Repeated calls give the same judgments and leave the items unchanged."""
    first, again = _judged(make)[0], _judged(make)[0]
    ensure(first == again, "repeated calls give different judgments")
    items = _items()
    make(scope_of()).judge(items, lambda _: None)
    ensure(items == _items(), "the judge changed the items")


@CHECKS.add
def what_is_stored_survives_json_and_names_no_secret(make: Plugin) -> None:
    """Judgments can be restored from JSON. The header contains no secret.

    The header contains everything except the judgments themselves, such as the judge's name, version and settings.
    """
    judged, _ = _judged(make)
    restored = Judged.model_validate_json(judged.model_dump_json())
    ensure(restored == judged, "the judgments changed when they were written to JSON and read back")
    ensure(judged.judge and judged.version, "the judge's name and version must not be empty")
    ensure(judged.scope in (None, scope_digest(scope_of())), "`scope` must be None or the scope's digest")
    header = judged.model_copy(update={"judgments": ()}).model_dump_json()
    ensure(not find_leaks(header, FORGET[0], scope_of()), "the judge's name, version or settings contain a secret")
