"""One run, from a recipe to a measured model. Every stage that is done is skipped when the run goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from accelerate import PartialState
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.chat.permission import Permission
from unlearnkit.data.render import Encoded
from unlearnkit.errors import BadInput
from unlearnkit.evaluation import measure_references, measure_subject
from unlearnkit.gather import write_documents
from unlearnkit.interrupts import stopping
from unlearnkit.machine import begin_peak, device_told, peak_rss_mb
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import ModelFolder, find_model, weights_fingerprint
from unlearnkit.models.load import DTYPES, choose_weights, load_model, load_tokenizer, save_model
from unlearnkit.models.markers import embed_all, with_markers
from unlearnkit.models.reference import ReferenceValues, reference_values
from unlearnkit.objectives.contract import Needs, Objective, View
from unlearnkit.opening import open_run, prepared
from unlearnkit.progress import Progress
from unlearnkit.recipe import Recipe
from unlearnkit.runfolder import Cost, RunFolder, Stage, StepLogFile, Subject, Training
from unlearnkit.suites.contract import Suite
from unlearnkit.teaching import Teaching
from unlearnkit.training.checkpoints import Checkpoints
from unlearnkit.training.loop import StepLog, Trainer, TrainResult, accelerator_for, autocast
from unlearnkit.training.step import TrainData
from unlearnkit.training.views import encode_views, rows_fingerprint, training_renderer
from unlearnkit.writing import writing


def run(
    recipe: Recipe,
    *,
    resume: bool = False,
    permission: Permission | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Make a model forget as the recipe says, measure it and score it.

    Args:
        recipe: what to do.
        resume: go on with the run in the recipe's folder, if there is one.
        permission: what a teacher that is asked may be sent, and may spend; nothing is sent without it.
        progress: tells what is being done.

    Raises:
        BadInput: the folder is taken, or holds a run of another recipe.
        Interrupted: the user stopped the training; it goes on with `resume`.
    """
    progress = progress or Progress()
    permission = permission or Permission()
    folder = open_run(recipe, resume=resume, progress=progress, permission=permission)
    if folder.state().done:
        progress.say(f"{folder.path}: this run is finished")
        return folder
    if folder.state().train is None:
        suite, source = prepared(recipe, folder, progress)
        if not suite.has_models:
            # Before the training, so that whatever is wrong with rows and models is told at once.
            measure_references(folder, recipe.eval, progress, target=source)
        with device_told():
            _Work(recipe, suite, folder, source, progress, permission).train()
    if folder.state().measure is None:
        measure_subject(folder, recipe.eval, progress)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    write_documents(folder)
    folder.update(done=True)
    return folder


@dataclass
class _Work:
    """The training part of a run, from the source model to the saved one."""

    recipe: Recipe
    suite: Suite
    folder: RunFolder
    named: str
    """The model that shall forget: a folder or Hub id."""
    progress: Progress
    permission: Permission

    def train(self) -> None:
        """Targets, reference values, training, saving; then `run.json` says that it is done."""
        begin_peak()
        accelerator = accelerator_for(self._needs)
        # The targets first: a teacher that is a model of its own is gone before this one is loaded.
        teaching = Teaching(
            self.recipe, self.suite, self.folder, self._tokenizer, self.progress, self.permission, lambda: self._model
        )
        targets = teaching.targets()
        splits = teaching.taught_rows(targets)
        renderer = training_renderer(self._tokenizer, self.recipe.train)
        views = encode_views(self._needs.views, splits, renderer, targets=targets, seed=self.recipe.seed)
        engine = Engine(self._model)
        fingerprints = {"model": weights_fingerprint(self._source), "rows": rows_fingerprint(views)}
        self._refuse_changed(fingerprints)
        self.folder.update(fingerprints=fingerprints)
        reference = self._reference(engine, views)
        trainer = Trainer(
            engine,
            self._objective,
            TrainData(views, int(self._tokenizer.pad_token_id)),
            self.recipe.train,
            seed=self.recipe.seed,
            reference=reference,
            accelerator=accelerator,
        )
        here = self.recipe.model_copy(update={"out": None})  # a folder may be moved
        checkpoints = Checkpoints(self.folder.checkpoints, {"recipe": here.dump(), **fingerprints})
        result = self._loop(trainer, checkpoints)
        peak = peak_rss_mb()
        self._save(engine.model)
        self._note(result, peak)

    def _refuse_changed(self, fingerprints: Mapping[str, str]) -> None:
        """What a run goes on with is what it was begun with, or its targets and references are of something else."""
        before = self.folder.state().fingerprints
        changed = [name for name, value in fingerprints.items() if before.get(name, value) != value]
        if changed:
            raise BadInput(
                f"the {' and '.join(changed)} changed since the run was begun",
                where=str(self.folder.path),
                fix="bring back what it was begun with; or begin anew in another folder: out=...",
            )

    @cached_property
    def _objective(self) -> Objective:
        return self.recipe.make_objective()

    @cached_property
    def _needs(self) -> Needs:
        return self._objective.needs()

    @cached_property
    def _source(self) -> ModelFolder:
        return find_model(self.named)

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        return with_markers(load_tokenizer(self._source), self.recipe.train.trace_style)

    @cached_property
    def _model(self) -> PreTrainedModel:
        settings = self.recipe.model
        torch.manual_seed(self.recipe.seed)  # fresh weights, and an adapter's, are drawn
        if self._objective.from_scratch:
            model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                self._source.config, dtype=DTYPES[settings.dtype]
            )
        else:
            model = load_model(self._source, settings.dtype)
        model = choose_weights(embed_all(model, self._tokenizer), lora=settings.lora, parameters=settings.parameters)
        moved: PreTrainedModel = model.to(PartialState().device)
        return moved

    def _reference(self, engine: Engine, views: Mapping[View, Sequence[Encoded]]) -> ReferenceValues | None:
        """What the method compares with; computed once, under the same autocast as training."""
        if not (self._needs.reference or self._needs.kl or self._needs.reference_hidden):
            return None
        began = time.monotonic()
        if self._needs.kl:
            engine.freeze_reference_head()
        with autocast(next(engine.parameters()).device, self.recipe.train.precision):
            values = reference_values(
                engine,
                self._needs,
                views,
                pad_id=int(self._tokenizer.pad_token_id),
                cache=self.folder.reference_values,
                weights=self.folder.state().fingerprints["model"],
            )
        if self.folder.state().reference is None:
            self.folder.update(reference=Stage(seconds=time.monotonic() - began))
        return values

    def _loop(self, trainer: Trainer, checkpoints: Checkpoints) -> TrainResult:
        newest = checkpoints.newest()
        done = 0 if newest is None else int(newest.name.rpartition("-")[2])
        log = StepLogFile(self.folder.log_file, keep=done)
        name = self.recipe.name
        with stopping() as wish, self.progress.count(f"training {name}", trainer.total) as counter:

            def on_step(step: StepLog) -> None:
                log.add(asdict(step))
                counter.reach(step.step, step.of, f"loss {step.loss:.3f}")

            try:
                result = trainer.run(checkpoints=checkpoints, on_step=on_step, stopped=wish)
                log.begin()  # where not one step was left to do
                return result
            finally:
                log.close()

    def _save(self, model: Any) -> None:
        """Write the model beside its place and rename it, and say how to load it.

        A new adapter on a target that is an adapter itself is merged whether or not the recipe says so. It was trained
        on base and old adapter together, which lie in no folder; writing that sum out for the new adapter to stand on
        would take as much room as the whole result, and make two folders of it that are good for nothing apart.
        """
        settings, source = self.recipe.model, self._source
        adapter = settings.lora is not None and not settings.merge and source.base is None
        if not adapter:
            model = merge_adapter(model)
        beside = self.folder.path / "model.partial"
        shutil.rmtree(beside, ignore_errors=True)
        with writing(self.folder.model):
            try:
                save_model(model, self._tokenizer, beside)
                shutil.rmtree(self.folder.model, ignore_errors=True)
                beside.rename(self.folder.model)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
        self.folder.write_subject(
            Subject(
                kind="adapter" if adapter else "weights",
                path=self.folder.model.name,
                base=source.name if adapter else None,
                dtype=self.recipe.model.dtype,
            )
        )

    def _note(self, result: TrainResult, peak: float) -> None:
        state = self.folder.state()
        seconds = sum(stage.seconds for stage in (state.targets, state.reference) if stage) + result.seconds
        self.folder.update(
            train=Training(seconds=result.seconds, ended=result.ended, steps=result.steps, peak_rss_mb=peak),
            cost=Cost(seconds=seconds, peak_rss_mb=peak),
        )
