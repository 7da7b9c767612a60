"""Sweeps over a setting: how they are written, what they give, and which settings are worth keeping."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import pytest
import torch

from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.core.errors import InputError
from unlearnkit.gradient_effect.measurement import Measurement, measure
from unlearnkit.gradient_effect.sweep import Sweep, sweep
from unlearnkit.gradient_effect.table import WHOLE, EffectRow, EffectTable, SweepRow
from unlearnkit.methods.objective import OBJECTIVES, Objective
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import reference_values

VIEWS = {"forget": random_rows(5, seed=1), "retain": random_rows(7, seed=2)}
RISKS = {"forget": VIEWS["forget"], "near": random_rows(6, seed=3)}
SWEPT = (("npo", "beta"), ("tnpo", "beta"), ("wtnpo", "alpha"), ("wga", "alpha"), ("satimp", "beta1"))


def make(name: str, **settings: object) -> Objective:
    made: Objective = OBJECTIVES.get(name).plugin(**settings)
    return made


def measured(*objectives: Objective) -> Measurement:
    """A model some way from its reference, for otherwise beta would change nothing."""
    engine = Engine(tiny_model(dtype=torch.float64))
    needs = objectives[0].needs()
    for objective in objectives[1:]:
        needs = needs | objective.needs()
    views = {view: VIEWS[view] for view in needs.views}
    reference = reference_values(engine, needs, views, pad_id=PAD)
    moved = copy.deepcopy(engine)
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return measure(moved, needs, views, RISKS, pad_id=PAD, reference=reference)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("beta=1:3:3", [1.0, 2.0, 3.0]),
        ("beta=-1:1:2", [-1.0, 1.0]),
        (" beta = 0.01 : 100 : log : 5 ", [0.01, 0.1, 1.0, 10.0, 100.0]),
        ("beta=0.1,2,1e-3", [0.1, 2.0, 0.001]),
        ("beta=0.5", [0.5]),
        ("beta=0:8", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
    ],
)
def test_a_sweep_is_read(text: str, values: list[float]) -> None:
    found = Sweep.parse(text)
    assert found.field == "beta"
    assert found.values == pytest.approx(values)


def test_the_ends_of_a_range_are_exact_and_there_are_nine_values() -> None:
    values = Sweep.parse("beta=0.05:4:log").values
    assert (values[0], values[-1], len(values)) == (0.05, 4.0, 9)
    assert [b / a for a, b in itertools.pairwise(values)] == pytest.approx([80 ** (1 / 8)] * 8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("beta", "not a sweep"),
        ("=1:2", "not a sweep"),
        ("beta=", "not a sweep"),
        ("beta=1:2:lin", "not a sweep"),
        ("beta=1:2:3:log", "not a sweep"),
        ("beta=1:2:1", "COUNT >= 2"),
        ("beta=1:2:-3", "COUNT >= 2"),
        ("beta=2:1", "does not increase"),
        ("beta=1:1", "does not increase"),
        ("beta=0:1:log", "LOW > 0"),
        ("beta=1:x", "not a finite number"),
        ("beta=1:inf", "finite"),
        ("beta=1,,2", "not a finite number"),
    ],
)
def test_what_is_no_sweep_is_refused_with_its_place_and_a_way_out(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        Sweep.parse(text, where="--sweep")
    assert raised.value.where == "--sweep"
    assert raised.value.allowed
    assert raised.value.fix


def test_a_setting_that_the_objective_has_not_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean beta") as raised:
        Sweep.parse("bta=1:2").objectives("npo")
    assert raised.value.where == "field npo.bta"
    assert "retain_weight" in str(raised.value.allowed)


def test_a_value_that_the_objective_refuses_is_named() -> None:
    with pytest.raises(InputError, match="greater than 0") as raised:
        Sweep.parse("beta=0:1:2").objectives("npo")
    assert (raised.value.where, raised.value.value) == ("field npo.beta", 0.0)


@pytest.mark.parametrize(("name", "field"), SWEPT)
def test_a_sweep_gives_what_measuring_afresh_with_each_setting_gives(name: str, field: str) -> None:
    once = measured(*(make(objective) for objective, _ in SWEPT))
    rows = sweep(once, name, Sweep(field, (0.2, 3.0)), step=4)
    assert len(rows) == 2 * len(RISKS) * 2
    for row in rows:
        objective = make(name, **{field: row.value})
        afresh = measured(objective)
        (term,) = afresh.terms(objective)
        want = afresh.effect(term, row.risk)
        assert [row.effect, row.low, row.high] == pytest.approx([want.value, want.low, want.high], rel=1e-6)
        assert (row.step, row.objective, row.field) == (4, name, field)
    assert len({row.effect for row in rows}) == 4  # by value and risk; the term is the whole of this objective


def test_other_settings_are_held_and_the_forget_term_is_told_apart_from_the_whole() -> None:
    fixed = {"retain": "nll", "retain_weight": 0.5}
    once = measured(make("npo", **fixed))
    rows = sweep(once, "npo", Sweep.parse("beta=0.2,3"), **fixed)
    assert {row.objective for row in rows} == {"npo(retain=nll, retain_weight=0.5)"}
    parts = {(row.value, row.risk, row.term): row.effect for row in rows}
    for value in (0.2, 3.0):
        terms = once.terms(make("npo", beta=value, **fixed))
        for risk in RISKS:
            by_term = {term.name: once.effect(term, risk).value for term in terms}
            assert set(by_term) == {"forget", "retain"}
            assert parts[value, risk, "forget"] == pytest.approx(by_term["forget"], rel=1e-9)
            assert parts[value, risk, WHOLE] == pytest.approx(sum(by_term.values()), rel=1e-9)


def rows_of(*points: tuple[float, float, float], objective: str = "npo", step: int = 0) -> list[SweepRow]:
    """Rows of settings given as (value, e_u, e_r)."""
    return [
        SweepRow(step, objective, WHOLE, risk, "beta", value, effect, effect - 1, effect + 1)
        for value, forget, retain in points
        for risk, effect in (("forget", forget), ("near", retain))
    ]


def test_sweeps_are_written_and_read_beside_the_effects(tmp_path: Path) -> None:
    effects = [EffectRow(0, "npo", WHOLE, "near", "all", -1.0, -2.0, 0.0, 3.0, 1.0)]
    table = EffectTable(effects, sweeps=rows_of((1.0, -1.0, 0.5)), mode="differences")
    table.write(tmp_path)
    assert (tmp_path / "sweeps.parquet").exists()
    assert EffectTable.read(tmp_path) == table
    assert (table + table).sweeps == (*table.sweeps, *table.sweeps)
