from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.data.batching import pack
from unlearnkit.methods.quantities import Needs, Quantity
from unlearnkit.models import reference as room
from unlearnkit.models.batches import values_of_rows
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import ReferenceValues, reference_values

VIEWS = {"forget": random_rows(7, seed=1), "retain": random_rows(6, seed=2), "forget:idk": random_rows(7, seed=3)}
NEEDS = Needs(logps=frozenset({"forget:idk"}), reference=frozenset({"forget"}), kl=frozenset({"retain"}))

LOGPS = Quantity("forget", "logps", of_reference=True)
STATES = Quantity("retain", "states", of_reference=True)


def compute(engine: Engine, **changed: Any) -> ReferenceValues:
    options: dict[str, Any] = {"needs": NEEDS, "views": VIEWS, "pad_id": PAD, **changed}
    return reference_values(engine, **options)


def test_values_of_any_rows_in_any_order_are_those_of_a_forward_pass() -> None:
    engine = Engine(tiny_model())
    values = compute(engine)
    chosen = [4, 0, 4, 6]
    want = [Quantity("v", "logps"), Quantity("v", "states")]
    with torch.no_grad():
        direct = engine(pack({"v": [VIEWS["forget"][i] for i in chosen]}, PAD), want)
        other = engine(pack({"v": [VIEWS["retain"][i] for i in (5, 1)]}, PAD), want)
    torch.testing.assert_close(values.of(LOGPS, chosen), direct[want[0]])
    torch.testing.assert_close(values.of(STATES, [5, 1]), other[want[1]])
    assert not values.of(LOGPS, chosen).requires_grad


def test_only_what_is_needed_is_computed(tmp_path: Path) -> None:
    compute(Engine(tiny_model()), cache=tmp_path, weights="w")
    (file,) = tmp_path.glob("*.safetensors")
    assert set(load_file(file)) == {"logps/forget", "hidden/retain"}
    compute(Engine(tiny_model()), needs=Needs(logps=frozenset({"forget"})), cache=tmp_path, weights="w")
    assert list(tmp_path.iterdir()) == [file]


def test_many_passes_equal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(tiny_model())
    whole = compute(engine)
    monkeypatch.setattr(room, "values_of_rows", partial(values_of_rows, size=2))
    parts = compute(engine)
    torch.testing.assert_close(parts.of(LOGPS, range(7)), whole.of(LOGPS, range(7)))
    torch.testing.assert_close(parts.of(STATES, range(6)), whole.of(STATES, range(6)))


def test_values_of_some_rows_are_those_of_all_and_of_no_others() -> None:
    engine = Engine(tiny_model())
    some = compute(engine, rows={"forget": [5, 1, 5], "forget:idk": [0], "retain": [2]})
    whole = compute(engine)
    torch.testing.assert_close(some.of(LOGPS, [1, 5]), whole.of(LOGPS, [1, 5]))
    torch.testing.assert_close(some.of(STATES, [2]), whole.of(STATES, [2]))
    with pytest.raises(LookupError, match=r"forget: .* \[0, 6\] were not computed"):
        some.of(LOGPS, [6, 1, 0])


def test_other_rows_are_another_file_and_all_rows_are_the_same(tmp_path: Path) -> None:
    engine = Engine(tiny_model())
    compute(engine, cache=tmp_path, weights="w")
    compute(engine, rows={view: range(len(rows)) for view, rows in VIEWS.items()}, cache=tmp_path, weights="w")
    assert len(list(tmp_path.iterdir())) == 1
    part = {"forget": [1], "forget:idk": [0], "retain": [2]}
    compute(engine, rows=part, cache=tmp_path, weights="w")
    assert len(list(tmp_path.iterdir())) == 2


def test_damaged_values_are_computed_again(tmp_path: Path) -> None:
    first = compute(Engine(tiny_model()), cache=tmp_path, weights="w")
    (file,) = tmp_path.glob("*.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    again = compute(Engine(tiny_model()), cache=tmp_path, weights="w")
    assert torch.equal(again.of(LOGPS, range(7)), first.of(LOGPS, range(7)))
    assert file.read_bytes() == whole


def test_cached_values_are_the_computed_ones_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compute(Engine(tiny_model()), cache=tmp_path, weights="w")
    monkeypatch.setattr(room, "values_of_rows", None)  # whoever computes now fails
    again = compute(Engine(tiny_model()), cache=tmp_path, weights="w")
    assert torch.equal(again.of(LOGPS, range(7)), first.of(LOGPS, range(7)))
    assert torch.equal(again.of(STATES, range(6)), first.of(STATES, range(6)))
    assert not list(tmp_path.glob("*.partial"))


def test_the_cache_is_keyed_by_weights_rows_mask_dtype_and_needs(tmp_path: Path) -> None:
    engine = Engine(tiny_model())
    compute(engine, cache=tmp_path, weights="w")
    files = 1
    one = VIEWS["forget"][0]
    longer_prompt = type(one)(one.ids, one.prompt + 1) if one.labels > 1 else type(one)((*one.ids, 5), one.prompt)
    others: list[tuple[Engine, dict[str, Any]]] = [
        (engine, {"weights": "other"}),
        (engine, {"views": {**VIEWS, "forget": VIEWS["forget"][::-1]}}),
        (engine, {"views": {**VIEWS, "forget": [longer_prompt, *VIEWS["forget"][1:]]}}),
        (engine, {"needs": Needs(reference=frozenset({"forget"}))}),
        (Engine(tiny_model(dtype=torch.bfloat16)), {}),
    ]
    for other, changed in others:
        compute(other, **{"cache": tmp_path, "weights": "w", **changed})
        files += 1
        assert len(list(tmp_path.glob("*.safetensors"))) == files, changed
    with torch.autocast("cpu", torch.bfloat16):
        compute(engine, cache=tmp_path, weights="w")
    assert len(list(tmp_path.glob("*.safetensors"))) == files + 1
    # What the values do not depend on changes nothing.
    compute(engine, cache=tmp_path, weights="w", views={**VIEWS, "forget:idk": VIEWS["forget"]})
    assert len(list(tmp_path.glob("*.safetensors"))) == files + 1


def test_a_cache_without_a_fingerprint_of_the_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fingerprint of the weights"):
        compute(Engine(tiny_model()), cache=tmp_path)


def test_dropout_is_off_while_the_reference_is_computed_and_on_again_after() -> None:
    engine = Engine(tiny_model(attention_dropout=0.5)).train()
    a, b = compute(engine), compute(engine)
    assert torch.equal(a.of(LOGPS, range(7)), b.of(LOGPS, range(7)))
    assert engine.training
