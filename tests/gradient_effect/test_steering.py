"""What a measurement makes of the steps after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.gradient_effect.rules import forget_factor, harmless_groups
from unlearnkit.gradient_effect.table import EffectRow
from unlearnkit.methods.objectives.graddiff import GradDiff
from unlearnkit.methods.objectives.retain.nll import NLL
from unlearnkit.models.engine import Engine
from unlearnkit.training.control import Steering, frozen_names
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

ROW = EffectRow(0, "graddiff", "forget", "retain", "all", -4.0, -5.0, -3.0, 0.0, 0.0)


def term(name: str, effect: float, *, risk: str = "retain", width: float = 0.5) -> EffectRow:
    return replace(ROW, term=name, risk=risk, effect=effect, low=effect - width, high=effect + width)


@pytest.mark.parametrize(
    ("rows", "factor"),
    [
        ([term("forget", -4.0), term("retain", 1.0)], 0.25),
        ([term("forget", -4.0), term("retain", 9.0)], 1.0),  # the retain term makes up for all of it
        ([term("forget", -4.0), term("retain", -1.0)], 0.0),
        ([term("forget", -4.0)], 0.0),
        ([term("forget", -4.0, width=5.0), term("retain", 1.0)], 1.0),  # may be no harm at all
        ([term("forget", 4.0), term("retain", -1.0)], 1.0),
        ([term("forget", -4.0, risk="forget.translated")], 1.0),  # meant to rise
        (
            # The worst of several risks decides.
            [
                *(term("forget", -4.0), term("retain", 2.0)),
                *(term("forget", -8.0, risk="near"), term("retain", 1.0, risk="near")),
            ],
            0.125,
        ),
    ],
)
def test_the_forget_term_is_weakened_until_nothing_that_stays_rises(rows: list[EffectRow], factor: float) -> None:
    # Rows of groups, and of all terms together, say nothing of it.
    others = [replace(ROW, group="head", effect=-99.0), replace(ROW, term="objective", effect=-99.0)]
    assert forget_factor([*rows, *others]) == factor


def group(name: str, forget: float, **retained: float) -> list[EffectRow]:
    effects = {"forget": forget, **retained}
    return [replace(ROW, term="objective", group=name, risk=risk, effect=effect) for risk, effect in effects.items()]


def test_groups_that_forget_and_harm_nothing_are_moved() -> None:
    rows = [
        *group("embedding", -1.0, retain=0.0, near=2.0),
        *group("block 0", -1.0, retain=1.0, near=-0.1),
        *group("block 1", 1.0, retain=1.0),
        *group("head", -1.0, retain=0.5),
        *group("all", -9.0, retain=9.0),
    ]
    moved = harmless_groups(rows)
    assert moved == {"embedding", "head"}
    # A tied weight lies in two groups, and stays where it is if either does.
    names = {"embedding": ["wte"], "block 0": ["a", "b"], "block 1": ["c"], "head": ["lm_head"]}
    assert frozen_names(names, moved) == {"a", "b", "c"}


def trainer(objective: Any, **settings: Any) -> Trainer:
    views = {view: random_rows(6, seed=len(view)) for view in ("forget", "retain") if view in objective.needs().views}
    chosen = {"epochs": None, "steps": 3, "batch_size": 6, "lr": 1e-3, "clip": None, **settings}
    return Trainer(Engine(tiny_model("llama_tied")), objective, TrainData(views, PAD), TrainSettings(**chosen), seed=0)


def test_a_forget_term_of_factor_0_leaves_the_retain_term() -> None:
    both, retain = trainer(GradDiff()), trainer(NLL())
    both.steering.forget_factor = 0.0
    both.run()
    retain.run()
    for ours, theirs in zip(both.parameters, retain.parameters, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_the_log_has_the_forget_term_as_it_is() -> None:
    full, half = trainer(GradDiff()), trainer(GradDiff())
    half.steering.forget_factor = 0.5
    one, other = full._step(0), half._step(0)
    assert one is not None and other is not None
    assert one.terms == other.terms
    assert other.loss == pytest.approx(0.5 * one.terms["forget"] + one.terms["retain"], abs=1e-5)


def test_frozen_weights_are_not_moved_and_the_norm_is_that_of_the_others() -> None:
    made, free = trainer(GradDiff()), trainer(GradDiff())
    before = {name: p.detach().clone() for name, p in made.engine.named_parameters()}
    made.steering = Steering(frozen=frozenset(name for name in before if ".layers.1." in name))
    logs, all_of_it = made._step(0), free._step(0)
    assert logs is not None and all_of_it is not None and logs.gradient_norm < all_of_it.gradient_norm
    for name, parameter in made.engine.named_parameters():
        assert torch.equal(parameter, before[name]) == (".layers.1." in name)
