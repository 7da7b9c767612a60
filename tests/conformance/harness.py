"""One optimizer step of any objective on a tiny model, by the product's own loop, and its gradient."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest import mock

import torch
from pydantic import ConfigDict
from torch import Tensor

from tests.conformance.outside import OUTSIDE
from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.data.batching import Pack, pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.objective import OBJECTIVES, Needs, Objective, Step, Terms, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import reference_values
from unlearnkit.training import loop
from unlearnkit.training.loop import StepLog, Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData, split_of

ROWS = {"forget": 5, "retain": 7}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ga + nll": ("ga", {"retain": "nll"}),
    "ga + kl": ("ga", {"retain": "kl", "retain_weight": 0.3}),
    "npo + nll": ("npo", {"retain": "nll", "beta": 0.7}),
    "npo + kl": ("npo", {"retain": "kl"}),
    "po alone": ("po", {"retain": None}),
    "po + kl": ("po", {"retain": "kl"}),
    "graddiff + kl": ("graddiff", {"retain": "kl", "retain_weight": 2.0}),
    "tru, ce alone": ("tru", {"alpha": 0.0}),
    "tru with npo": ("tru", {"forget": "npo", "alpha": 0.4}),
    "tru with po and kl": ("tru", {"forget": "po", "retain": "kl", "retain_weight": 0.5}),
    "wga + kl": ("wga", {"retain": "kl", "alpha": 0.5}),
    "wtnpo, two exponents": ("wtnpo", {"alpha": 1.5, "beta": 0.5}),
    "simnpo + margin": ("simnpo", {"beta": 0.7, "delta": 0.3, "retain": "nll"}),
    "idkdpo + nll": ("idkdpo", {"retain": "nll", "beta": 0.5}),
    "graddiff + representation": ("graddiff", {"retain": "representation"}),
    "rmu, inner layer": ("rmu", {"layer": 0, "coefficient": 2.0, "retain_weight": 3.0}),
    "rmu + nll": ("rmu", {"layer": 1, "retain": "nll", "retain_weight": 1.0}),
}
OF_A_RANDOM_MODEL: dict[str, dict[str, Any]] = {"satimp": {"beta1": 0.5}, "simnpo": {"beta": 0.5}}
"""Settings in place of defaults that leave next to no gradient where a token's probability is a few per cent."""
CONSTANT_WEIGHTS = ("satimp", "tnpo", "wga", "wtnpo")
"""Objectives whose weights are constants in the gradient but not in the value: w log p rises to 0 as p and w fall."""
OF_OUTSIDE: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in OUTSIDE},
    "outside: max entropy + kl": ("outside: max entropy", {"retain": "kl"}),
    "outside: self-distillation + nll": ("outside: self-distillation", {"strength": 1.5, "retain": "nll"}),
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, OF_A_RANDOM_MODEL.get(name, {})) for name in OBJECTIVES.names()},
    **VARIANTS,
    **OF_OUTSIDE,
}


def make(case: str) -> Objective:
    name, options = CASES[case]
    plugin = OUTSIDE[name] if name in OUTSIDE else OBJECTIVES.get(name).plugin
    return plugin(**options)


def rows_of(view: View, seed: int = 0) -> list[Encoded]:
    """Rows of any view; those of a target begin with a trace."""
    number = ROWS.get(split_of(view), 6)
    return random_rows(number, seed=seed + zlib.crc32(view.encode()), trace=4 if view.endswith(":target") else 0)


def views_of(needs: Needs, seed: int = 0) -> dict[View, list[Encoded]]:
    return {view: rows_of(view, seed) for view in sorted(needs.views)}


class World:
    """A target model, the model under training some way from it, and data."""

    def __init__(self, objective: Objective, *, dtype: torch.dtype = torch.float64, seed: int = 0) -> None:
        self.objective, self.needs = objective, objective.needs()
        self.views = views_of(self.needs, seed)
        self.target = tiny_model("llama_tied", dtype=dtype)
        self.model = copy.deepcopy(self.target)
        self.engine = Engine(self.model)
        self.engine.freeze_reference_head()
        self.reference = reference_values(self.engine, self.needs, self.views, pad_id=PAD)
        torch.manual_seed(99)
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)

    def trainer(
        self, *, objective: Objective | None = None, seed: int = 0, pad_id: int = PAD, **settings: Any
    ) -> Trainer:
        chosen = {
            "epochs": None, "steps": 1, "batch_size": ROWS["forget"], "retain_batch_size": ROWS["retain"],
            "clip": None, "lr": 1e-3, "warmup": 0.0, "schedule": "constant", **settings,
        }  # fmt: skip
        data = TrainData(self.views, pad_id)
        return Trainer(
            self.engine,
            objective or self.objective,
            data,
            TrainSettings(**chosen),
            seed=seed,
            reference=self.reference,
        )

    def step(self, *, overhead: int | None = None, **options: Any) -> tuple[StepLog | None, list[Tensor]]:
        """What the loop logs of one step over all rows, and the gradient it would have stepped along."""
        trainer = self.trainer(**options)
        gradient: list[Tensor] = []

        def note() -> None:
            gradient.extend(
                torch.zeros_like(p) if p.grad is None else p.grad.detach().clone() for p in trainer.parameters
            )

        def packed(views: Mapping[View, Sequence[Encoded]], pad_id: int) -> Pack:
            return pack(views, pad_id) if overhead is None else pack(views, pad_id, overhead)

        with mock.patch.object(loop, "pack", packed), mock.patch.object(trainer.optimizer, "step", note):
            log = trainer._step(0)
        return log, gradient


class Altered(Objective):
    """An objective whose terms are changed on their way out."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    inner: Objective
    change: Callable[[Terms], Terms]

    def needs(self) -> Needs:
        return self.inner.needs()

    def terms(self, step: Step) -> Terms:
        return self.change(self.inner.terms(step))
