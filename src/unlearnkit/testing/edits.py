"""Conformance checks for edits, i.e. methods that change weights directly.

Each check takes an `Edit`, or an `Edit` class that has a default for every setting.
"""

from __future__ import annotations

from typing import Any

import torch

from unlearnkit.methods.base import EDITS, Edit
from unlearnkit.methods.weight_change import whole_target
from unlearnkit.pipeline.run import run
from unlearnkit.subjects.base import ALL
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.testing.check import Checks, add_source_and_settings, class_of, ensure, made
from unlearnkit.testing.tiny_run import QUIET, add_views_check, same_bits, tiny_runs, weights_of

Plugin = Edit | type[Edit]
CHECKS = Checks()
MASK = {"name": "gradient_saliency", "share": 0.3}
ROUNDING = 1e-5
"""Maximum rounding error of a float32 weight after a change is added and then subtracted again."""


def _subject(edit: Edit, context: Any) -> LocalSubject:
    subject = edit.fit(context)
    if not isinstance(subject, LocalSubject):
        raise AssertionError("an edit must return the edited model as a `LocalSubject`")
    return subject


add_views_check(CHECKS)


@CHECKS.add
def its_change_is_of_the_targets_weights_and_reversible(plugin: Plugin) -> None:
    """Subtracting `delta` from the edited weights restores the target model."""
    edit = made(plugin)
    with tiny_runs(edit) as runs:
        context = runs.context("delta")
        target = dict(whole_target(context).engine.named_parameters())
        delta = edit.delta(context)
        edited = dict(_subject(edit, runs.context("fit")).engine.named_parameters())
    ensure(delta.keys() <= target.keys(), "`delta` names a parameter that the target model does not have")
    for name, change in delta.items():
        ensure(change.shape == target[name].shape, f"the change of {name} must have the shape of the weight")
        ensure(change.dtype == torch.float32, f"the change of {name} must be float32")
        ensure(bool(change.isfinite().all()), f"the change of {name} is not finite")
    for name, weight in edited.items():
        change = delta.get(name, torch.zeros_like(weight))
        restored = torch.allclose(weight - change, target[name], rtol=0, atol=ROUNDING)
        ensure(restored, f"subtracting the change does not restore {name} of the target model")
    ensure(any(bool(change.any()) for change in delta.values()), "the edit changes no weight")


@CHECKS.add
def the_same_seed_gives_the_same_bits(plugin: Plugin) -> None:
    """Runs with the same seed give the same weights."""
    edit = made(plugin)
    with tiny_runs(edit) as runs:
        one, again = (weights_of(_subject(edit, runs.context(out)).model) for out in ("one", "again"))
    ensure(all(same_bits(one[name], again[name]) for name in one), "the same seed gives different weights")


@CHECKS.add
def at_strength_0_every_bit_is_the_targets(plugin: Plugin) -> None:
    """If the setting `strength` is 0, the edit changes no weight."""
    if "strength" not in class_of(plugin).model_fields:
        return
    edit: Edit = made(plugin).model_copy(update={"strength": 0.0})
    with tiny_runs(edit) as runs:
        context = runs.context("run")
        target, weights = weights_of(context.target().model), weights_of(_subject(edit, context).model)
    ensure(all(same_bits(weight, weights[name]) for name, weight in target.items()), "strength 0 must change no weight")


@CHECKS.add
def weights_outside_a_mask_stay(plugin: Plugin) -> None:
    """An edit changes no weight outside `method.mask`.

    Edits with `can_be_masked = False` are not checked, because they cannot be masked.
    """
    edit = made(plugin)
    if not edit.can_be_masked:
        return
    with tiny_runs(edit, MASK) as runs:
        context = runs.context("run")
        target = dict(whole_target(context).engine.named_parameters())
        subject, mask = _subject(edit, context), context.mask
    assert mask is not None
    for name, weight in subject.engine.named_parameters():
        outside = ~mask.kept.get(name, torch.zeros_like(weight, dtype=torch.bool))
        ensure(same_bits(weight[outside], target[name][outside]), f"the edit changes {name} outside the mask")


@CHECKS.add
def a_run_measures_the_edited_model(plugin: Plugin) -> None:
    """A run saves the edited model's weights and measures the model.

    The edited model has every capability, such as generating text and computing gradients.
    """
    edit = made(plugin)
    with tiny_runs(edit) as runs:
        folder = run(runs.recipe("run"), progress=QUIET)
        ensure(folder.subject().kind == "weights", "the edited model is not saved as weights")
        ensure(folder.scores()["forget.accuracy"].value is not None, "the edited model is not measured")
        ensure(_subject(edit, runs.context("again")).capabilities == ALL, "the edited model lacks a capability")


add_source_and_settings(CHECKS, EDITS)
