"""Measuring while a tiny model trains: nothing is disturbed, steps are held to their word, harm ends the run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect.callback import GEffectWatch
from unlearnkit.gradient_effect.derivatives import risk_gradient
from unlearnkit.gradient_effect.diagnosis import Diagnosis
from unlearnkit.gradient_effect.rules import exceeds_budget, harmed
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.gradient_effect.table import EffectRow, EffectTable
from unlearnkit.gradient_effect.weights import Weights
from unlearnkit.methods.objectives.forget.ga import GA
from unlearnkit.models.engine import Engine
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

FORGET, NEAR = random_rows(6, seed=1), random_rows(5, seed=2)


def trainer(forget: list[Encoded] = FORGET, **settings: Any) -> Trainer:
    chosen = {"epochs": None, "steps": 4, "batch_size": 6, "lr": 1e-3, "clip": None, **settings}
    engine = Engine(tiny_model("llama_tied"))
    return Trainer(engine, GA(), TrainData({"forget": forget}, PAD), TrainSettings(**chosen), seed=0)


def watching(made: Trainer, folder: Path, near: list[Encoded] = NEAR, **options: Any) -> GEffectWatch:
    settings, forget = DiagnoseSettings(g_effect_every=2, groups="none"), made.data.views["forget"]
    risks = {"forget": forget, "near": near}
    diagnosis = Diagnosis(made.engine, {"ga": GA()}, {"forget": forget}, risks, PAD, settings)
    optimizer, steering = made.optimizer.optimizer, made.steering
    return GEffectWatch(diagnosis, folder, 2, made.total, optimizer, "ga", steering, **options)


def test_training_is_the_same_whether_or_not_somebody_watches(tmp_path: Path) -> None:
    alone, watched = trainer(), trainer()
    alone.run()
    result = watched.run(watches=[watching(watched, tmp_path)])
    assert (result.ended, result.steps) == ("finished", 4)
    assert all(torch.equal(a, b) for a, b in zip(alone.parameters, watched.parameters, strict=True))


def test_it_measures_before_the_first_step_at_every_other_and_after_the_last(tmp_path: Path) -> None:
    made = trainer(steps=5)
    watch = watching(made, tmp_path)
    made.run(watches=[watch])
    table = EffectTable.read(tmp_path)
    assert sorted({row.step for row in table.effects}) == [0, 2, 4, 5]
    assert sorted({row.step for row in table.steps}) == [0, 2, 4]
    assert {row.step for row in table.instances} == {0, 2, 4, 5}
    assert table == watch.table


def test_short_steps_do_what_was_predicted(tmp_path: Path) -> None:
    made = trainer(lr=1e-5)
    watch = watching(made, tmp_path)
    made.run(watches=[watch])
    assert {row.risk for row in watch.table.steps} == {"forget", "near"}
    for row in watch.table.steps:
        assert row.measured == pytest.approx(row.predicted, rel=0.05, abs=2e-6)
    assert min(row.measured for row in watch.table.steps if row.risk == "forget") > 1e-5


def test_the_update_of_adam_is_that_of_its_second_moments(tmp_path: Path) -> None:
    made = trainer(adam_eps=1e-4)
    watch = watching(made, tmp_path)
    for step in range(2):
        made._step(step)
    assert watch(2) is False
    weights = Weights(made.engine)
    _, gradient = risk_gradient(weights, "forget", FORGET, PAD)
    _, near = risk_gradient(weights, "near", NEAR, PAD)
    dot = length = 0.0
    for name, parameter in made.engine.named_parameters():
        state = made.optimizer.optimizer.state[parameter]
        moved = -gradient[name] / ((state["exp_avg_sq"] / (1 - 0.999**2)).sqrt() + 1e-4)  # ascent's gradient
        dot += float((near[name].double() * moved.double()).sum())
        length += float(moved.double().square().sum())
    (row,) = watch.table.chosen(risk="near", term="objective", step=2)
    assert row.per_update == pytest.approx(dot / math.sqrt(length), rel=1e-4)
    assert row.effect == pytest.approx(
        -sum(float((gradient[n].double() * near[n].double()).sum()) for n, _ in made.engine.named_parameters()),
        rel=1e-4,
    )


def test_it_ends_the_run_where_the_objective_is_harmful(tmp_path: Path) -> None:
    # Half of the forget rows are one row that ascent hurts, half one that it hardly moves: the first is hurt more than
    # both are on average.
    single = trainer(random_rows(40, seed=1))
    forget = single.data.views["forget"]
    slopes = watching(single, tmp_path).diagnosis.measure().row_slopes("forget", "forget")
    order = (slopes / torch.tensor([row.labels for row in forget])).argsort().tolist()
    hurt, hardly = forget[order[0]], forget[order[-1]]
    made, worst = trainer([hurt, hardly] * 60), [hurt]
    watch = watching(made, tmp_path, worst, use=frozenset({"stop"}))
    result = made.run(watches=[watch])
    # Before the first step nothing ends it.
    assert (result.ended, result.steps) == ("harmful", 2)
    for step in (0, 2):
        forget, near = (watch.table.chosen(term="objective", risk=risk, step=step)[0] for risk in ("forget", "near"))
        assert near.high < forget.low < 0
    patient = watching(made, tmp_path, worst)
    assert patient(2) is False


def test_going_on_measures_again_what_is_trained_again(tmp_path: Path) -> None:
    made = trainer()
    made.run(watches=[watching(made, tmp_path)])
    again = trainer()
    later = watching(again, tmp_path)
    later.resume()
    for step in range(2):
        again._step(step)
    assert later.table == EffectTable.read(tmp_path)
    assert later(2) is False
    assert sorted({row.step for row in later.table.effects}) == [0, 2]
    assert len(later.table.chosen(step=2, term="objective", risk="near")) == 1


ROW = EffectRow(3, "ga", "objective", "forget", "all", -2.0, -3.0, -1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("effect", "high", "of_forgetting", "too_dear"),
    [
        (-0.21, -0.1, -2.0, True),
        (-0.19, -0.1, -2.0, False),  # a tenth of 2 may be
        (-0.21, 0.1, -2.0, False),  # may be no harm at all
        (-0.01, -0.001, 0.5, True),  # relearns, at the cost of the rest
        (0.5, 0.6, 1.0, False),  # both fall
    ],
)
def test_what_is_too_dear(effect: float, high: float, of_forgetting: float, too_dear: bool) -> None:
    retaining = replace(ROW, risk="near", effect=effect, low=effect - 1, high=high)
    unlearning = replace(ROW, effect=of_forgetting)
    assert exceeds_budget(retaining, unlearning, share=0.1) is too_dear
    worse = replace(retaining, risk="retain", effect=effect - 0.1) if too_dear else retaining
    others = [
        replace(retaining, step=2),
        replace(retaining, risk="forget.translated"),
        replace(retaining, group="head"),
    ]
    found = harmed([unlearning, retaining, worse, *others], "ga", 3, share=0.1)
    assert found == ([worse, retaining] if too_dear else [])


@pytest.mark.parametrize(
    ("rose", "forgot", "too_dear"),
    [
        (0.21, 2.0, True),
        (0.19, 2.0, False),  # a tenth of 2 may be
        (0.011, 0.0, True),
        (0.009, 0.0, False),  # noise
        (0.011, -1.0, True),  # relearned, at the cost of the rest
        (-0.5, -1.0, False),  # both fell
    ],
)
def test_what_was_too_dear_since_the_measurement_before(rose: float, forgot: float, too_dear: bool) -> None:
    # To first order nothing is harmed, at either step.
    start = [replace(ROW, step=4, risk_value=1.0), replace(ROW, step=4, risk="near", effect=1.0, risk_value=2.0)]
    later = [
        replace(row, step=6, risk_value=row.risk_value + by) for row, by in zip(start, (forgot, rose), strict=True)
    ]
    found = [later[1]] if too_dear else []
    assert harmed([*start, *later], "ga", 6, share=0.1) == found
    # What lies further back, what is to be forgotten, other objectives and single terms or groups are not looked at.
    further = [replace(row, step=2, risk_value=9.0 - 9.0 * (row.risk == "near")) for row in start]
    aside = [
        replace(row, **{change: "other"}, risk_value=row.risk_value * (1 + row.step))
        for row in (*start, *later)
        for change in ("objective", "term", "group")
    ]
    translated = [replace(row, risk="forget.translated") for row in (start[1], later[1])]
    assert harmed([*further, *aside, *translated, *start, *later], "ga", 6, share=0.1) == found
    assert harmed([start[1], *later], "ga", 6, share=0.1) == [], "what was forgotten since is not known"
    assert harmed([start[0], *later], "ga", 6, share=0.1) == [], "nor what it cost"
    assert harmed(later, "ga", 6, share=0.1) == []
