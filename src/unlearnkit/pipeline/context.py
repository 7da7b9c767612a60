"""Create the method, rows, models and other objects of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.core.signals import stop_requested
from unlearnkit.data.encoding import ChatEncoder, Encoded, merged_rows
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import TRAINED_SPLITS, Row
from unlearnkit.data.target import Target
from unlearnkit.llm.consent import Permission
from unlearnkit.localization.base import LocalizationContext, WeightMask
from unlearnkit.methods.base import Edit, Method
from unlearnkit.methods.objective import Needs, Objective, View
from unlearnkit.methods.weight_change import adapted_weights, whole_target
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import ModelFolder, auto_class, find_model, weights_fingerprint
from unlearnkit.models.generate import generate
from unlearnkit.models.load import DTYPES, load_model, load_tokenizer, meta_load, place, set_trainable
from unlearnkit.models.reference import ReferenceValues, reference_values
from unlearnkit.models.trace_tokens import add_trace_tokens, embed_all
from unlearnkit.pipeline.augmentation import Augmentation
from unlearnkit.pipeline.joint_training import joined
from unlearnkit.pipeline.target_builder import TargetBuilder
from unlearnkit.recipe import Recipe, make_suite
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import Stage
from unlearnkit.runs.step_log import StepLogFile
from unlearnkit.scope.scope import Scope
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.suites.base import Suite, SuiteTask
from unlearnkit.targets.retain_trace import with_trace
from unlearnkit.training.checkpoints import Checkpoints, KeptWeights
from unlearnkit.training.loop import StepLog, Trainer, TrainResult, autocast
from unlearnkit.training.step import split_of
from unlearnkit.training.views import TAUGHT, encode_views, rows_fingerprint, taught_splits, training_renderer

_MISSING_ROWS = (
    (
        "holdout",
        "the method trains on holdout rows, and there are none",
        "a file with rows",
        "set data.holdout=FILE, or choose a method that needs no holdout rows",
    ),
    (
        "retain",
        "the method trains on retain rows to keep other knowledge, and there are no retain rows",
        "a file with rows; or auto, which lets the target model write rows itself",
        "set data.retain=FILE or data.retain=auto, or choose a method that needs no retain rows (method.name=ga)",
    ),
)
"""Errors for missing rows. Each entry contains the name of the split, the message, the allowed values and the fix."""

Watch = Callable[[int], bool]
"""Training callback. The trainer calls the callback before each step and after the last step, and passes the
number of completed steps. The callback returns True to end the training."""


class RunContext:
    """Creates and caches each object of a run on first access.

    Args:
        recipe: the run's recipe.
        folder: the run's folder; None: the folder that the recipe names.
        permission: what may be sent to a chat model, and how much may be spent on the chat model's answers.
        progress: reports progress.
        watch: function that creates the training callback, which measures the run's G-effects; None: no callback.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        folder: RunFolder | None = None,
        permission: Permission | None = None,
        progress: Progress | None = None,
        watch: Callable[[RunContext, Trainer], Watch] | None = None,
    ) -> None:
        self.recipe = recipe
        self.permission, self.progress = permission or Permission(), progress or Progress()
        self.folder = folder or RunFolder(recipe.folder)
        self.model_folder, self.private = self.folder.model, self.folder.private
        self.seed, self.train_settings = recipe.seed, recipe.train
        self.dtype, self.lora = recipe.model.dtype, recipe.model.lora
        self.results: list[TrainResult] = []
        """Results of the run's trainings. Some methods train several times."""
        self._watch = watch

    # Parts of the recipe.

    @cached_property
    def method(self) -> Method:
        """The method that the recipe names."""
        return self.recipe.make_method()

    @cached_property
    def needs(self) -> Needs:
        """The views and the model outputs that the method reads.

        A view is a set of training rows: a split, or a split whose answers are replaced; see `View`.
        """
        return self.method.needs()

    @cached_property
    def suite(self) -> Suite:
        """The suite recorded in the run's folder, or else the recipe's suite."""
        return make_suite(self.folder.state().suite) if self.folder.is_run else self.recipe.make_suite()

    @cached_property
    def task(self) -> SuiteTask:
        """The suite's task, which contains the request to forget and all rows."""
        return self.suite.task()

    @property
    def scope(self) -> Scope:
        """Description of the knowledge to forget, for training.

        The description lacks secrets that are only measured.
        """
        return self.task.composed_scope

    def prepare(self) -> None:
        """Prepare everything that the suite needs from the target model.

        For example, the suite may let the target model write the retain rows. The prepared suite is recorded in the
        run's folder.
        """
        with device_errors():
            suite: Any = self.suite.prepare(
                self.source,
                self.folder.private,
                seed=self.seed,
                max_length=self.recipe.train.max_length,
                progress=self.progress,
            )
        if suite is not self.suite:
            self.suite = suite
            for made in ("task", "training_splits", "augmentation"):
                self.__dict__.pop(made, None)
            for note in self.task.notes:
                self.progress.log(note)
        self.folder.update(suite={"name": self.recipe.suite["name"], **suite.model_dump(mode="json")})

    # Rows.

    @cached_property
    def training_splits(self) -> dict[str, Sequence[Row]]:
        """The rows that the method may train on, by split.

        For a method that starts from scratch, the split `retain` is the suite's whole retain corpus.

        Raises:
            InputError: the method trains on retain rows or holdout rows, but the suite does not have these rows.
        """
        task = self.task
        splits: dict[str, Sequence[Row]] = {name: task.splits[name] for name in TRAINED_SPLITS if name in task.splits}
        if self.method.from_scratch:
            splits["retain"] = self.suite.retain_corpus()
        needed = {split_of(view) for view in self.needs.views} - task.to_be_written
        if TAUGHT in needed:
            splits[TAUGHT] = splits["forget"]
        if "holdout" in needed:
            splits["holdout"] = task.splits.get("holdout", ())
        for split, what, allowed, fix in _MISSING_ROWS:
            if split in needed and not splits.get(split):
                raise InputError(what, where=f"data.{split}", allowed=allowed, fix=fix)
        return splits

    @cached_property
    def augmentation(self) -> Augmentation:
        """Composes rows from the scope, if the recipe asks for it."""
        return Augmentation(self)

    @property
    def composed_share(self) -> float:
        """Share of composed rows in a training step; 0 without composed rows."""
        return self.augmentation.share

    @property
    def is_taught(self) -> bool:
        """Whether the method trains on targets."""
        return bool(taught_splits(self.needs))

    @cached_property
    def target_builder(self) -> TargetBuilder:
        """The object that writes the run's targets."""
        return TargetBuilder(self)

    @cached_property
    def targets(self) -> list[Target]:
        """The traces and responses that replace the rows' answers in training.

        A target consists of a reasoning trace and a response. The targets are written on first access.
        """
        return self.target_builder.targets()

    @cached_property
    def splits(self) -> dict[str, Sequence[Row]]:
        """The rows to train on, by split, including composed rows."""
        rows = self.augmentation.added(self.training_splits, self.augmentation.rows)
        if "retain" in rows and self.is_taught:
            rows["retain"] = with_trace(rows["retain"], self.recipe.targets.retain_trace, self.seed)
        return rows

    @cached_property
    def encoder(self) -> ChatEncoder:
        """The encoder that turns rows into training inputs."""
        return training_renderer(self.tokenizer, self.recipe.train)

    def merged_rows(self, tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
        """Count the rows in which prompt and answer share a token.

        All trained and measured rows are counted.

        Returns:
            The number of these rows, and the number of rows with a question.
        """
        splits = (*self.training_splits.values(), *self.task.measured.values())
        return merged_rows(training_renderer(tokenizer, self.recipe.train), {row for rows in splits for row in rows})

    def views(self, needs: Needs) -> dict[View, list[Encoded]]:
        """Encode the rows that a method needs.

        Returns:
            The encoded rows of each view in `needs`. A view is a split, or a split whose answers are replaced.
        """
        # The targets are written first. If the teacher is a separate model, the teacher is then freed before the model
        # to train is loaded.
        targets, splits = self.targets, self.splits
        composed = self.augmentation.rows
        return encode_views(needs.views, splits, self.encoder, targets=targets, composed=composed, seed=self.seed)

    # Models.

    @cached_property
    def source(self) -> str:
        """Folder or Hub id of the target model.

        If the suite builds its own target model, the model is built on first access.
        """
        source = self.recipe.model.path or self.suite.target_model(self.progress)
        assert source is not None  # if the suite has no models, the recipe names one
        return source

    @cached_property
    def found(self) -> ModelFolder:
        """The target model's folder."""
        return find_model(self.source)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the target model's weights."""
        return weights_fingerprint(self.found)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The target model's tokenizer, including tokens that delimit a reasoning trace."""
        return add_trace_tokens(load_tokenizer(self.found), self.recipe.train.trace_style)

    @cached_property
    def meta_model(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """The target model's tokenizer, and the model on the meta device.

        The model's weights have shapes but no values. The weights that will be trained require a gradient.
        """
        own = self.recipe.model.path is None and "source" not in self.__dict__
        tokenizer, model = self.suite.meta_load() if own else meta_load(self.found)
        settings = self.recipe.model
        return tokenizer, set_trainable(
            model, lora=settings.lora, parameters=settings.parameters, frozen=settings.dtype, masters=self._masters
        )

    @cached_property
    def model(self) -> PreTrainedModel:
        """The model that is trained.

        Before the first update, this model is the target model or, for a method that starts from scratch, a newly
        initialized model. The weights that are trained require a gradient.
        """
        settings = self.recipe.model
        torch.manual_seed(self.seed)  # seeds newly initialized weights and the weights of an adapter
        if self.method.from_scratch:
            model: Any = auto_class(self.found.config).from_config(self.found.config, dtype=DTYPES[settings.dtype])
        else:
            # Only weights that stay frozen may be rounded to the recipe's dtype. Merging an adapter, or training,
            # starts from the exact values of the files.
            frozen = settings.lora is not None and self.found.base is None
            model = load_model(self.found, settings.dtype if frozen or not self._masters else "float32")
        model = set_trainable(
            embed_all(model, self.tokenizer),
            lora=settings.lora,
            parameters=settings.parameters,
            frozen=settings.dtype,
            masters=self._masters,
        )
        return place(model)

    @property
    def _masters(self) -> bool:
        return not self.train_settings.stochastic_rounding

    @cached_property
    def engine(self) -> Engine:
        """The engine that runs the model in training."""
        return Engine(self.model)

    @property
    def pad_id(self) -> int:
        """Id of the token that pads rows to the same length."""
        return int(self.tokenizer.pad_token_id)

    def generate(self, rows: Sequence[Row]) -> list[Generation]:
        """Generate the target model's outputs for rows, before training.

        If a row has a trace, the output continues the trace.
        """
        model: Any = self.model
        starts = [
            self.encoder.begin(row.question, row.history, trace=row.trace, closed=False)
            if row.trace
            else (self.encoder.prompt(row.question, row.history), ())
            for row in rows
        ]
        return generate(
            model.eval(),
            self.tokenizer,
            [prompt for prompt, _ in starts],
            begun=[begun for _, begun in starts],
            max_new_tokens=self.recipe.eval.max_new_tokens or self.suite.max_new_tokens,
        )

    def target(self) -> LocalSubject:
        """Load the unchanged target model as a `LocalSubject`."""
        return LocalSubject.load(self.found, self.dtype)

    @cached_property
    def mask(self) -> WeightMask | None:
        """Mask of the weights that may change, as chosen by `method.mask`.

        The mask is None if all trained weights may change.
        """
        localizer = self.recipe.make_localizer()
        if localizer is None:
            return None
        through_adapter = self.lora is not None and isinstance(self.method, Edit)
        with device_errors():
            return localizer.mask(self._with_whole_weights() if through_adapter else self)

    def _with_whole_weights(self) -> LocalizationContext:
        """Return a context in which a localizer sees the full weights.

        The run trains an adapter. In the returned context, the engine runs the target model without this adapter, so
        that the localizer can select weights of the target model itself. Only the weights that the adapter changes
        require a gradient.
        """
        engine = whole_target(self).engine
        adapted = adapted_weights(self.model)
        for name, weight in engine.named_parameters():
            weight.requires_grad_(name in adapted)
        return _Localization(engine, self.pad_id, self.seed, self.views)

    def retrained(self) -> str | None:
        """Return the folder or Hub id of the suite's retrained model.

        Returns None if the suite has no retrained model.
        """
        return self.suite.retrained_model(self.progress)

    def check_unchanged(self, views: Mapping[View, Sequence[Encoded]]) -> None:
        """Raise `InputError` if weights or rows changed since the run started.

        The stored targets and reference values were computed from the original weights and rows. These values would be
        wrong for other weights or rows.
        """
        fingerprints = {"model": self.fingerprint, "rows": rows_fingerprint(views)}
        if localizer := self.recipe.make_localizer():
            fingerprints["rows of the mask"] = rows_fingerprint(self.views(localizer.needs()))
        before = self.folder.state().fingerprints
        changed = [name for name, value in fingerprints.items() if before.get(name, value) != value]
        if changed:
            raise InputError(
                f"the {' and '.join(changed)} changed since the run was started",
                where=str(self.folder.path),
                fix="restore the original model and data of the run, or start again in another folder: out=...",
            )
        self.folder.update(fingerprints=fingerprints)

    def reference(
        self,
        needs: Needs,
        views: Mapping[View, Sequence[Encoded]],
        rows: Mapping[View, Collection[int]] | None = None,
    ) -> ReferenceValues | None:
        """Compute the reference values that an objective reads.

        Reference values are outputs of the model before training. Call this method before the first update. The values
        are computed once, under the same autocast as training, and kept in the run's folder. `rows` contains the
        indices of the rows whose values are needed, by view.

        Returns:
            The reference values; None if the objective reads no reference values.
        """
        if not needs.reads_reference:
            return None
        began = time.monotonic()
        if needs.reference_states:
            self.engine.freeze_reference_head()
        with autocast(next(self.engine.parameters()).device, self.recipe.train.precision):
            values = reference_values(
                self.engine,
                needs,
                views,
                pad_id=self.pad_id,
                rows=rows,
                cache=self.folder.reference_values,
                weights=self.fingerprint,
            )
        if self.folder.state().reference is None:
            self.folder.update(reference=Stage(seconds=time.monotonic() - began))
        return values

    # Training.

    def joined(
        self, objective: Objective, views: Mapping[View, Sequence[Encoded]], mask: Mapping[str, Tensor] | None
    ) -> AbstractContextManager[Accelerator]:
        """Let the other processes join a training; see `MethodContext.joined`."""
        return joined(self, objective, views, mask)

    def run_trainer(self, trainer: Trainer, *, name: str | None = None) -> TrainResult:
        """Run a training to the end; see `MethodContext.run_trainer`."""
        recipe = self.recipe.model_copy(update={"out": None})  # `out` may change, because a run's folder may be moved
        # The recipe is dumped with the earlier names of renamed fields, so that checkpoints of earlier package versions
        # are still valid.
        fingerprint = {"recipe": recipe.dump(earlier=True), **self.folder.state().fingerprints}
        checkpoints = Checkpoints(self.folder.checkpoints / (name or ""), fingerprint)
        is_main, watches, every = (
            trainer.accelerator.is_main_process,
            list[Watch](),
            trainer.settings.keep_weights_every,
        )
        if every is not None and name is None and is_main:
            watches.append(KeptWeights(self.folder.kept_weights, trainer.engine, every, trainer.total))
        if self._watch is not None and name is None and is_main:
            watches.append(self._watch(self, trainer))
        newest = checkpoints.newest()
        done = 0 if newest is None else int(newest.name.rpartition("-")[2])
        log = StepLogFile(self.folder.log_file, keep=done) if name is None and is_main else None
        title = f"training {self.recipe.name}" + (f" {name}" if name else "")
        with stop_requested() as stop, self.progress.task(title, trainer.total) as shown:

            def on_step(step: StepLog) -> None:
                if log is not None:
                    log.add(asdict(step))
                shown.update(step.step, step.of, f"loss {step.loss:.3f}")

            result = trainer.run(checkpoints=checkpoints, on_step=on_step, stopped=stop, watches=watches)
            if log is not None:
                log.begin()  # no step was logged if training was already finished
        self.results.append(result)
        return result


@dataclass(frozen=True)
class _Localization:
    """The part of a run that a localizer may use; see `LocalizationContext`."""

    engine: Engine
    pad_id: int
    seed: int
    views: Callable[[Needs], Mapping[View, list[Encoded]]]
