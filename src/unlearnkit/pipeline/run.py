"""One run, from a recipe to a measured model. Every stage that is done is skipped when the run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from unlearnkit.core.environment import device_errors, peak_rss_mb, reset_peak_memory
from unlearnkit.core.errors import InputError
from unlearnkit.core.files import writing
from unlearnkit.core.progress import Progress
from unlearnkit.core.signals import stop_requested
from unlearnkit.llm.consent import Permission
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.load import save_model
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.evaluate import measure_references, measure_subject
from unlearnkit.pipeline.g_effect import g_effect_watch
from unlearnkit.pipeline.open_run import open_run, prepared
from unlearnkit.recipe import Recipe, make_suite
from unlearnkit.report.build import write_documents
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import Cost, Stage, SubjectSpec, Training
from unlearnkit.runs.step_log import StepLogFile
from unlearnkit.training.checkpoints import Checkpoints, KeptWeights
from unlearnkit.training.loop import StepLog, Trainer, TrainResult, accelerator_for
from unlearnkit.training.step import TrainData
from unlearnkit.training.views import rows_fingerprint


def run(
    recipe: Recipe,
    *,
    resume: bool = False,
    measured: bool = True,
    permission: Permission | None = None,
    progress: Progress | None = None,
) -> RunFolder:
    """Make a model forget as the recipe says, measure it and score it.

    Args:
        recipe: what to do.
        resume: go on with the run in the recipe's folder, if there is one.
        measured: whether it is measured, and what it is held against; False: it is only trained, and a later call with
            `resume` measures it.
        permission: what a teacher that is asked may be sent, and may spend; nothing is sent without it.
        progress: tells what is being done.

    Raises:
        InputError: the folder is taken, or holds a run of another recipe.
        Interrupted: the user stopped the training; it goes on with `resume`.
    """
    progress = progress or Progress()
    permission = permission or Permission()
    folder = open_run(recipe, resume=resume, progress=progress, permission=permission)
    if folder.state().done:
        progress.log(f"{folder.path}: this run is finished")
        return folder
    if folder.state().train is None:
        suite, source = prepared(recipe, folder, progress)
        if measured and not suite.has_models:
            # Before the training, so that whatever is wrong with rows and models is told at once.
            measure_references(folder, recipe.eval, progress, target=source)
        with device_errors():
            _Work(RunContext(recipe, suite, folder, source, progress, permission)).train()
    if not measured:
        return folder
    if folder.state().measure is None:
        # What it is held against is there, unless it was trained by a call that measured nothing.
        if not make_suite(folder.state().suite).has_models:
            measure_references(folder, recipe.eval, progress, target=recipe.model.path)
        measure_subject(folder, recipe.eval, progress)
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    write_documents(folder)
    folder.update(done=True)
    return folder


@dataclass
class _Work:
    """The training part of a run, from the source model to the saved one."""

    bench: RunContext

    def train(self) -> None:
        """Targets, reference values, training, saving; then `run.json` says that it is done."""
        reset_peak_memory()
        bench, needs = self.bench, self.bench.objective.needs()
        settings = bench.recipe.train
        accelerator = accelerator_for(needs)
        views = bench.views(needs)
        fingerprints = {"model": bench.fingerprint, "rows": rows_fingerprint(views)}
        self._refuse_changed(fingerprints)
        self._folder.update(fingerprints=fingerprints)
        reference, seconds = bench.reference(needs, views)
        if reference is not None and self._folder.state().reference is None:
            self._folder.update(reference=Stage(seconds=seconds))
        trainer = Trainer(
            bench.engine,
            bench.objective,
            TrainData(views, bench.pad_id),
            settings,
            seed=bench.recipe.seed,
            reference=reference,
            accelerator=accelerator,
        )
        here = bench.recipe.model_copy(update={"out": None})  # a folder may be moved
        checkpoints = Checkpoints(self._folder.checkpoints, {"recipe": here.dump(), **fingerprints})
        watches: list[Callable[[int], bool]] = []
        if settings.keep_weights_every is not None:
            kept = KeptWeights(self._folder.kept_weights, bench.engine, settings.keep_weights_every, trainer.total)
            watches.append(kept)
        if bench.recipe.diagnose.g_effect_every is not None:
            watches.append(g_effect_watch(bench, trainer))
        result = self._loop(trainer, checkpoints, watches)
        peak = peak_rss_mb()
        self._save(bench.engine.model)
        self._note(result, peak)

    @property
    def _folder(self) -> RunFolder:
        return self.bench.folder

    def _refuse_changed(self, fingerprints: Mapping[str, str]) -> None:
        """What a run goes on with is what it was begun with, or its targets and references are of something else."""
        before = self._folder.state().fingerprints
        changed = [name for name, value in fingerprints.items() if before.get(name, value) != value]
        if changed:
            raise InputError(
                f"the {' and '.join(changed)} changed since the run was begun",
                where=str(self._folder.path),
                fix="bring back what it was begun with; or begin anew in another folder: out=...",
            )

    def _loop(
        self, trainer: Trainer, checkpoints: Checkpoints, watches: Sequence[Callable[[int], bool]]
    ) -> TrainResult:
        newest = checkpoints.newest()
        done = 0 if newest is None else int(newest.name.rpartition("-")[2])
        log = StepLogFile(self._folder.log_file, keep=done)
        name = self.bench.recipe.name
        with stop_requested() as stop, self.bench.progress.task(f"training {name}", trainer.total) as counter:

            def on_step(step: StepLog) -> None:
                log.add(asdict(step))
                counter.update(step.step, step.of, f"loss {step.loss:.3f}")

            try:
                result = trainer.run(checkpoints=checkpoints, on_step=on_step, stopped=stop, watches=watches)
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
        settings, source = self.bench.recipe.model, self.bench.source
        adapter = settings.lora is not None and not settings.merge and source.base is None
        if not adapter:
            model = merge_adapter(model)
        beside = self._folder.path / "model.partial"
        shutil.rmtree(beside, ignore_errors=True)
        with writing(self._folder.model):
            try:
                save_model(model, self.bench.tokenizer, beside)
                shutil.rmtree(self._folder.model, ignore_errors=True)
                beside.rename(self._folder.model)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
        self._folder.write_subject(
            SubjectSpec(
                kind="adapter" if adapter else "weights",
                path=self._folder.model.name,
                base=source.name if adapter else None,
                dtype=self.bench.recipe.model.dtype,
            )
        )

    def _note(self, result: TrainResult, peak: float) -> None:
        state = self._folder.state()
        seconds = sum(stage.seconds for stage in (state.targets, state.reference) if stage) + result.seconds
        self._folder.update(
            train=Training(seconds=result.seconds, ended=result.ended, steps=result.steps, peak_rss_mb=peak),
            cost=Cost(seconds=seconds, peak_rss_mb=peak),
        )
