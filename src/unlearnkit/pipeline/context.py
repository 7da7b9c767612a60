"""What a run trains on and with: model, rows and reference values, as its recipe says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from accelerate import PartialState
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.llm.consent import Permission
from unlearnkit.methods.objective import Needs, Objective, View
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import ModelFolder, find_model, weights_fingerprint
from unlearnkit.models.load import DTYPES, load_model, load_tokenizer, set_trainable
from unlearnkit.models.reference import ReferenceValues, reference_values
from unlearnkit.models.trace_tokens import add_trace_tokens, embed_all
from unlearnkit.pipeline.targets import TargetBuilder
from unlearnkit.recipe import Recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.suites.base import Suite
from unlearnkit.training.loop import autocast
from unlearnkit.training.views import encode_views, training_renderer


@dataclass
class RunContext:
    """Makes each thing on the first call, in whatever order they are asked for."""

    recipe: Recipe
    suite: Suite
    folder: RunFolder
    named: str
    """The model that shall forget: a folder or Hub id."""
    progress: Progress
    permission: Permission

    @cached_property
    def objective(self) -> Objective:
        """The recipe's method."""
        return self.recipe.make_objective()

    @cached_property
    def source(self) -> ModelFolder:
        """The model that shall forget."""
        return find_model(self.named)

    @cached_property
    def fingerprint(self) -> str:
        """Of that model's weights."""
        return weights_fingerprint(self.source)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer, which knows the marks of a trace."""
        return add_trace_tokens(load_tokenizer(self.source), self.recipe.train.trace_style)

    @cached_property
    def model(self) -> PreTrainedModel:
        """The model before its first update, with the weights that are trained chosen."""
        settings = self.recipe.model
        torch.manual_seed(self.recipe.seed)  # fresh weights, and an adapter's, are drawn
        if self.objective.from_scratch:
            model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                self.source.config, dtype=DTYPES[settings.dtype]
            )
        else:
            model = load_model(self.source, settings.dtype)
        model = set_trainable(embed_all(model, self.tokenizer), lora=settings.lora, parameters=settings.parameters)
        moved: PreTrainedModel = model.to(PartialState().device)
        return moved

    @cached_property
    def engine(self) -> Engine:
        """The model as it is trained."""
        return Engine(self.model)

    @property
    def pad_id(self) -> int:
        """Id used to fill up rows."""
        return int(self.tokenizer.pad_token_id)

    @cached_property
    def targets(self) -> list[Target]:
        """What the model is taught to say instead; written on the first call of a run."""
        return self._teaching.targets()

    @cached_property
    def splits(self) -> dict[str, Sequence[Row]]:
        """The rows that are trained on, by split."""
        return self._teaching.taught_rows(self.targets)

    @cached_property
    def encoder(self) -> ChatEncoder:
        """How rows are laid out."""
        return training_renderer(self.tokenizer, self.recipe.train)

    def views(self, needs: Needs) -> dict[View, list[Encoded]]:
        """Every row of the views that are needed."""
        # The targets first: a teacher that is a model of its own is gone before this one is loaded.
        targets, splits = self.targets, self.splits
        return encode_views(needs.views, splits, self.encoder, targets=targets, seed=self.recipe.seed)

    def reference(self, needs: Needs, views: Mapping[View, Sequence[Encoded]]) -> tuple[ReferenceValues | None, float]:
        """What a method compares with, and the seconds that took; call it before the first update.

        It is computed once, under the same autocast as training, and kept in the run's folder.
        """
        if not needs.reads_reference:
            return None, 0.0
        began = time.monotonic()
        if needs.reference_states:
            self.engine.freeze_reference_head()
        with autocast(next(self.engine.parameters()).device, self.recipe.train.precision):
            values = reference_values(
                self.engine,
                needs,
                views,
                pad_id=self.pad_id,
                cache=self.folder.reference_values,
                weights=self.fingerprint,
            )
        return values, time.monotonic() - began

    @cached_property
    def _teaching(self) -> TargetBuilder:
        return TargetBuilder(
            self.recipe, self.suite, self.folder, self.tokenizer, self.progress, self.permission, lambda: self.model
        )
