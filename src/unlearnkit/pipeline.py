"""One run, from a recipe to a measured model. Every stage that is done is skipped when the run goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.render import PLAIN, Encoded, Renderer, layout
from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput
from unlearnkit.evaluation import measure_references, measure_subject, now
from unlearnkit.gather import write_documents
from unlearnkit.interrupts import stopping
from unlearnkit.machine import begin_peak, device_told, environment, peak_rss_mb
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import ModelFolder, find_model, weights_fingerprint
from unlearnkit.models.generate import generate
from unlearnkit.models.load import DTYPES, choose_weights, load_model, load_tokenizer, outline, save_model
from unlearnkit.models.reference import ReferenceValues, reference_values
from unlearnkit.objectives.contract import Needs, Objective, View
from unlearnkit.progress import Progress
from unlearnkit.recipe import Recipe, make_suite, section_of
from unlearnkit.records.schema import Generation
from unlearnkit.rehearsal import rehearse, scope_mentions, training_splits, try_weights
from unlearnkit.runfolder import Cost, RunFolder, RunState, Stage, StepLogFile, Subject, Training, reading
from unlearnkit.scope import Scope
from unlearnkit.suites.contract import Suite
from unlearnkit.targets.compose import scope_targets, taught
from unlearnkit.targets.contract import Target, read_targets, write_targets
from unlearnkit.targets.scope_rows import Mention
from unlearnkit.training.checkpoints import Checkpoints
from unlearnkit.training.loop import StepLog, Trainer, TrainResult, accelerator_for, autocast
from unlearnkit.training.step import TrainData
from unlearnkit.training.views import TARGET, encode_views, rows_fingerprint
from unlearnkit.writing import write_whole, writing


def run(recipe: Recipe, *, resume: bool = False, progress: Progress | None = None) -> RunFolder:
    """Make a model forget as the recipe says, measure it and score it.

    Args:
        recipe: what to do.
        resume: go on with the run in the recipe's folder, if there is one.
        progress: tells what is being done.

    Raises:
        BadInput: the folder is taken, or holds a run of another recipe.
        Interrupted: the user stopped the training; it goes on with `resume`.
    """
    progress = progress or Progress()
    folder = _open(recipe, resume, progress)
    if folder.state().done:
        progress.say(f"{folder.path}: this run is finished")
        return folder
    if folder.state().train is None:
        suite = make_suite(folder.state().suite)
        source = recipe.model.path or suite.target_model(progress)
        assert source is not None  # a recipe for a suite without models names one
        length = recipe.train.max_length
        with device_told():
            suite = suite.prepared(source, folder.private, seed=recipe.seed, max_length=length, progress=progress)
        folder.update(suite=section_of(recipe.suite["name"], suite))
        if not suite.has_models:
            # Before the training, so that whatever is wrong with rows and models is told at once.
            measure_references(folder, recipe.eval, progress, target=source)
        with device_told():
            _Work(recipe, suite, folder, source, progress).train()
    if folder.state().measure is None:
        measure_subject(folder, recipe.eval, progress)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    write_documents(folder)
    folder.update(done=True)
    return folder


def _open(recipe: Recipe, resume: bool, progress: Progress) -> RunFolder:
    """The recipe's folder, new or to go on with."""
    folder = RunFolder(recipe.folder)
    with _folder_told(folder):
        begun, found = folder.is_run, _lying_in(folder)
    if begun:
        if not resume:
            raise BadInput(
                "there is a run in this folder already",
                where=str(folder.path),
                fix="go on with it: --resume; or take another folder: out=...; or delete it",
            )
        _refuse_other_recipe(recipe, folder)
        _warn_of_other_machine(folder, progress)
        return folder
    # A run that was killed in its first moments leaves these and nothing else.
    if {name for name in found if not name.endswith(".partial")} - {folder.private.name, folder.recipe_file.name}:
        raise BadInput("the folder is not empty, and holds no run", where=str(folder.path), fix="take another: out=...")
    # What is wrong with rows and models is told before anything is written.
    with device_told():
        _try(recipe, progress)
    with _folder_told(folder):
        folder.create()
    write_whole(folder.recipe_file, recipe.dump())
    folder.write_state(
        RunState(
            name=recipe.name,
            method=recipe.method["name"],
            title=type(recipe.make_objective()).__name__,
            created=now(),
            seed=recipe.seed,
            suite=recipe.suite_section,
            environment=environment(),
        )
    )
    return folder


def _lying_in(folder: RunFolder) -> set[str]:
    return {path.name for path in folder.path.iterdir()} if folder.path.exists() else set()


@contextmanager
def _folder_told(folder: RunFolder) -> Iterator[None]:
    """Tell of a folder that cannot be one: there is a file, or the system does not let it be made."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadInput(
            f"the run's folder cannot be used: {getattr(error, 'strerror', error)}",
            where="out",
            value=str(folder.path),
            fix="take a folder that can be written to: out=...",
        ) from error


def _try(recipe: Recipe, progress: Progress) -> None:
    """Complain of rows and models that cannot be used, or not as the recipe says. Loads no weights."""
    settings, suite = recipe.model, recipe.make_suite()
    training_splits(suite, recipe.make_objective())  # first, for it takes no time
    retrained = None if suite.has_models else suite.retrained_model(progress)
    if retrained is not None:
        outline(find_model(retrained, where="suite.retrained"))
    source = settings.path or suite.target_model(progress)
    assert source is not None  # a recipe for a suite without models names one
    found = find_model(source)
    tokenizer, model = outline(found)
    model = choose_weights(model, lora=settings.lora, parameters=settings.parameters)
    try_weights(recipe.make_objective(), model)
    rehearse(recipe, suite, found, tokenizer)
    if layout(tokenizer) == "plain":
        progress.say(PLAIN)
    if found.base is not None and settings.lora is not None:
        progress.say("the model is an adapter on a base: it is merged, and so will be the result; see model.merge")


def _refuse_other_recipe(recipe: Recipe, folder: RunFolder) -> None:
    ours, theirs = _flat(recipe.model_dump(mode="json")), _flat(folder.recipe())
    # Where the folder is does not change what is in it.
    differing = [key for key in {**ours, **theirs} if key != "out" and ours.get(key) != theirs.get(key)]
    if differing:
        key = differing[0]
        raise BadInput(
            "the run in this folder was begun with another recipe",
            where=f"{folder.recipe_file}, field {key}",
            value=ours.get(key),
            allowed=f"{theirs.get(key)!r}, as when it was begun",
            fix="take another folder: out=...; or go on with the recipe that lies in the folder",
        )


def _flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in section.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _warn_of_other_machine(folder: RunFolder, progress: Progress) -> None:
    before, here = folder.state().environment, environment()
    changed = {name: (before.get(name), value) for name, value in here.items() if before.get(name) != value}
    differing = [f"{name} was {old}, is {new}" for name, (old, new) in changed.items()]
    if differing:
        progress.say(f"warning: the weights may differ from those of an unbroken run: {'; '.join(differing)}")


@dataclass
class _Work:
    """The training part of a run, from the source model to the saved one."""

    recipe: Recipe
    suite: Suite
    folder: RunFolder
    named: str
    """The model that shall forget: a folder or Hub id."""
    progress: Progress

    def train(self) -> None:
        """Targets, reference values, training, saving; then `run.json` says that it is done."""
        begin_peak()
        accelerator = accelerator_for(self._needs)
        model: Any = self._model()
        model.to(accelerator.device)
        targets = self._targets(model) if self._taught else []
        splits = training_splits(self.suite, self._objective)
        if "scope" in self._taught:
            known = {target.id for target in targets}
            splits["scope"] = [mention.row for mention in self._mentions if mention.row.id in known]
        views = encode_views(self._needs.views, splits, self._renderer, targets=targets, seed=self.recipe.seed)
        engine = Engine(model)
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
        return load_tokenizer(self._source)

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self._tokenizer, self.recipe.train.max_length)

    @cached_property
    def _scope(self) -> Scope:
        return self.suite.task().scope

    @cached_property
    def _mentions(self) -> tuple[Mention, ...]:
        return scope_mentions(self.suite.task(), training_splits(self.suite, self._objective))

    @cached_property
    def _taught(self) -> set[str]:
        """Splits for whose rows targets are needed."""
        parts = [view.partition(":") for view in self._needs.views]
        return {split for split, _, variant in parts if variant == TARGET}

    def _model(self) -> PreTrainedModel:
        settings = self.recipe.model
        torch.manual_seed(self.recipe.seed)  # fresh weights, and an adapter's, are drawn
        if self._objective.from_scratch:
            model: PreTrainedModel = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
                self._source.config, dtype=DTYPES[settings.dtype]
            )
        else:
            model = load_model(self._source, settings.dtype)
        return choose_weights(model, lora=settings.lora, parameters=settings.parameters)

    def _targets(self, model: PreTrainedModel) -> list[Target]:
        """What is taught in place of answers; written once."""
        if self.folder.state().targets is not None:
            with reading(self.folder.targets_file):
                return read_targets(self.folder.targets_file)
        began, teacher, seed = time.monotonic(), self.recipe.make_teacher(), self.recipe.seed
        targets: list[Target] = []
        if "forget" in self._taught:
            targets += taught(training_splits(self.suite, self._objective)["forget"], self._scope, teacher, seed)
        if "scope" in self._taught:
            targets += scope_targets(self._scope, self._mentions, teacher, seed, partial(self._say, model))
        write_targets(self.folder.targets_file, targets)
        self.folder.update(targets=Stage(seconds=time.monotonic() - began))
        return targets

    def _say(self, model: PreTrainedModel, rows: Sequence[Row]) -> list[Generation]:
        """What the model says to rows before it is trained, going on from a row's trace where there is one."""
        return generate(
            model.eval(),  # type: ignore[no-untyped-call]
            self._tokenizer,
            [self._renderer.prompt(row.question, row.before) for row in rows],
            begun=[self._renderer.thought(row.trace) for row in rows],
            max_new_tokens=self.recipe.eval.max_new_tokens or self.suite.max_new_tokens,
        )

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
