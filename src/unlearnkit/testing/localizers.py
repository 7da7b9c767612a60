"""Conformance checks for localizers, which find the weights that store knowledge.

Each check takes a `Localizer`, or a `Localizer` class that has a default for every setting.
"""

from __future__ import annotations

from typing import Any

import torch

from unlearnkit.localization.base import LOCALIZERS, Localizer
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.testing.check import Checks, add_source_and_settings, ensure, entry_of, made
from unlearnkit.testing.tiny_run import TinyRuns, ViewsRead, same_bits, tiny_runs, weights_of

Plugin = Localizer | type[Localizer]
CHECKS = Checks()
TRAINED: tuple[dict[str, Any], ...] = ({}, {"lora": {"r": 2}}, {"parameters": "mlp"})
"""Variants of the recipe section `model`: train all weights, train an adapter, or train only some of the weights."""


def _runs(plugin: Plugin) -> Any:
    """Return tiny runs of an objective, with a mask from the localizer."""
    localizer = made(plugin)
    mask = {"name": entry_of(LOCALIZERS, plugin).name, **localizer.model_dump(mode="json")}
    return tiny_runs(OBJECTIVES.get("graddiff").plugin(), mask)


def _context(runs: TinyRuns, out: str, model: dict[str, Any]) -> Any:
    return runs.context(out, model={"path": str(runs.folder / "target"), **model})


@CHECKS.add
def its_mask_is_of_the_trained_weights(plugin: Plugin) -> None:
    """A mask covers only trained weights. At least one element may change.

    The mask of a weight is a boolean tensor with the shape of the weight.
    """
    with _runs(plugin) as runs:
        for number, model in enumerate(TRAINED):
            context = _context(runs, str(number), model)
            mask = context.mask
            trained = {name: weight for name, weight in context.engine.named_parameters() if weight.requires_grad}
            ensure(mask.kept.keys() <= trained.keys(), f"with model={model}, the mask names untrained weights")
            for name, kept in mask.kept.items():
                ensure(kept.dtype == torch.bool, f"the mask of {name} must be boolean")
                ensure(kept.shape == trained[name].shape, f"the mask of {name} must have the shape of the weight")
            ensure(0 < mask.share <= 1, f"with model={model}, the mask lets no element change")


@CHECKS.add
def its_mask_is_the_same_each_time(plugin: Plugin) -> None:
    """A localizer always returns the same mask.

    A resumed run computes the mask again and must get the same mask as before.
    """
    with _runs(plugin) as runs:
        one, again = (_context(runs, out, {}).mask.kept for out in ("one", "again"))
    ensure(one.keys() == again.keys(), "repeated calls give masks of different weights")
    ensure(all(torch.equal(one[name], again[name]) for name in one), "repeated calls give different masks")


@CHECKS.add
def it_reads_only_what_it_needs_and_leaves_the_model_as_it_is(plugin: Plugin) -> None:
    """A localizer changes no weights, and reads only declared views.

    The method `needs` declares the views, i.e. the sets of training rows, that the localizer reads.
    """
    localizer = made(plugin)
    with _runs(plugin) as runs:
        context = _context(runs, "run", {})
        before, read = weights_of(context.engine), ViewsRead(context)
        localizer.mask(context)
        undeclared = ", ".join(sorted(read.names - localizer.needs().views))
        ensure(not undeclared, f"`mask` reads views that `needs` does not declare: {undeclared}")
        for name, weight in context.engine.named_parameters():
            ensure(same_bits(before[name], weight.detach()), f"`mask` changed the weight {name}")
            ensure(weight.grad is None, f"`mask` left a gradient on the weight {name}")


add_source_and_settings(CHECKS, LOCALIZERS)
