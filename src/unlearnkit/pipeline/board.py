"""Board: compare methods on several suites, worlds and seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from unlearnkit.core.errors import InputError, Interrupted, UnlearnError
from unlearnkit.core.files import writing
from unlearnkit.core.progress import Progress, Task
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES, RETRAINED, TARGET
from unlearnkit.metrics.gates import did_you_mean
from unlearnkit.metrics.score import Score
from unlearnkit.pipeline.board_file import Board, Group
from unlearnkit.pipeline.board_times import NOT_MEASURED, Taken, expected, seconds_of, shown, total
from unlearnkit.pipeline.looked_at import Look, write_looks
from unlearnkit.pipeline.subprocess_jobs import is_measured, measure_reference, unlearn
from unlearnkit.recipe import Recipe, make_suite
from unlearnkit.report.board_page import write_board
from unlearnkit.report.build import suite_docs
from unlearnkit.report.tables.method_table import MethodScores, method_table
from unlearnkit.report.tables.table import Table
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.raw_results import read_fields, results_of, write_results

AT_ONCE = 2
"""Default number of runs at a time."""


@dataclass(frozen=True)
class Item:
    """One model of a board, of a run or for reference."""

    group: Group
    method: str
    """Title of the method, or name of the reference model."""
    folder: RunFolder
    recipe: Recipe | None = None
    """The run's recipe; None for a reference model."""
    kept: Mapping[str, Score] | None = None
    """Scores from the file `keep` of the board, if the model was finished elsewhere and is not needed here."""
    ending: str = ""
    """How the training of a kept run ended, if not as planned."""

    @property
    def name(self) -> str:
        """Name of the folder, relative to the board's folder."""
        return f"{self.group.folder.name}/{self.folder.path.name}"

    @property
    def is_finished(self) -> bool:
        """Whether the model was made and measured."""
        return self.is_here or self.kept is not None

    @property
    def is_here(self) -> bool:
        """Whether the model was made and measured in this folder."""
        return seconds_of(self.folder) is not None

    @property
    def scores(self) -> Mapping[str, Score]:
        """The scores of a finished model."""
        return self.folder.scores() if self.is_here or self.kept is None else self.kept

    @property
    def note(self) -> str:
        """How the training of a finished model ended, if not as planned."""
        if not self.is_here:
            return self.ending
        training = self.folder.state().train
        ended = training is not None and training.ended != "finished"
        return f"training ended after step {training.steps} ({training.ended})" if training and ended else ""

    @property
    def settings(self) -> str:
        """Hash of everything in the recipes that determines the scores."""
        if self.recipe is None:
            first = self.group.runs[0].recipe
            content: dict[str, Any] = {"suite": self.group.section, "eval": first.eval.model_dump(mode="json")}
            content |= {"model": first.model.model_dump(mode="json", include={"path", "dtype"})}
        else:
            content = self.recipe.model_dump(mode="json", exclude={"name", "out", "gates", "report"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class BoardResult:
    """The table of a board, with the errors of failed runs."""

    table: Table
    notes: tuple[str, ...]
    """Sentences about runs that failed or ended early."""
    page: Path
    """HTML file with the table."""
    failed: dict[str, Exception] = field(default_factory=dict)
    """Error of each failed run, by the run's folder in the board's folder."""

    def raise_failed(self) -> None:
        """Raise an `UnlearnError` if a run failed."""
        if not self.failed:
            return
        lines = [f"{name}: {str(error).partition(chr(10))[0]}" for name, error in self.failed.items()]
        raise UnlearnError(
            "\n  ".join([f"{len(lines)} of the board's models could not be made or measured", *lines]),
            fix="correct the cause, and run the same command again; finished runs are not repeated",
        )


def board(plan: Board, *, at_once: int = AT_ONCE, progress: Progress | None = None) -> BoardResult:
    """Run all methods of a board, and write the tables.

    The target model and the retrained model are measured once per suite and world. Each model is handled in a separate
    process. Finished runs are not repeated, even if only their scores are left, in the board's file `keep`. If a run
    fails, the other runs continue.

    Args:
        plan: the board, see `load_board`.
        at_once: number of runs at a time. The results do not depend on the order of the runs, but the number of threads
            of a run is the number of this process divided by `at_once`.
        progress: reports progress.

    Returns:
        The table, and the errors of the failed runs.

    Raises:
        InputError: a folder contains a run with another recipe.
        Interrupted: the user stopped the board. Call again to continue.
    """
    progress, items = progress or Progress(), items_of(plan)
    refuse_other_runs(items)
    for folder in (plan.folder, *([Path(plan.file.keep).parent] if plan.file.keep is not None else [])):
        with writing(folder):  # found before hours of work
            folder.mkdir(parents=True, exist_ok=True)
    kept = {name for name, _ in _kept(plan)}
    if other := [item for item in items if item.name in kept and not item.is_finished and item.recipe is not None]:
        progress.log(f"{plan.file.keep} has scores of {len(other)} runs with other settings; they are made again")
    write_looks(_looks(plan))
    failed: dict[str, Exception] = {}
    try:
        with progress.task(f"board {plan.file.name}", len(items)) as shown_task:
            work = _Work(items, at_once, progress, shown_task, failed)
            # The scores of the target model include comparisons with the retrained model, and a run's model card
            # compares the run with both.
            work.do([item for item in items if item.recipe is None and item.method == RETRAINED])
            work.do([item for item in items if item.recipe is None and item.method == TARGET])
            work.do([item for item in items if item.recipe is not None])
    except Interrupted as error:
        _write(plan, items, failed)
        raise Interrupted(error.what, fix="to continue the board, start it again with the same options") from None
    return _write(plan, items, failed)


def items_of(plan: Board) -> list[Item]:
    """Return all models of a board: in each group, reference models first.

    A model is not made again if the board's file `keep` has its scores with the same settings. Reference models are
    needed here as long as a run of their group is, because the run is compared with them.
    """
    items, kept = list(_items_of(plan)), _kept(plan)
    found = [replace(item, **kept.get((item.name, item.settings), {})) for item in items]
    unfinished = {item.group.folder for item in found if item.recipe is not None and not item.is_finished}
    return [
        replace(item, kept=None) if item.recipe is None and item.group.folder in unfinished else item for item in found
    ]


def _kept(plan: Board) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the kept scores and notes, by name and settings."""
    if plan.file.keep is None or not Path(plan.file.keep).exists():
        return {}
    fields = read_fields(Path(plan.file.keep))
    runs, notes = results_of(fields), fields.get("notes", {})
    # Files of earlier versions do not say with which settings their runs were made.
    return {
        (name, settings): {"kept": runs[name], "ending": notes.get(name, "")}
        for name, settings in fields.get("settings", {}).items()
    }


def _items_of(plan: Board) -> Iterator[Item]:
    for group in plan.groups:
        suite = make_suite(group.section)
        # The retrained model of a suite that has no models is a folder or Hub id, so that nothing is built here.
        has_retrained = suite.has_models or suite.retrained_model(Progress(quiet=True)) is not None
        for name in REFERENCES:
            if name != RETRAINED or has_retrained:
                yield Item(group, name, RunFolder(group.folder / name))
        for run in group.runs:
            yield Item(group, run.method, RunFolder(run.recipe.folder), run.recipe)


def refuse_other_runs(items: Sequence[Item]) -> None:
    """Raise `InputError` if a folder contains a run with another recipe."""
    fix = (
        "to keep the old run, set another `name` or `out` in the board file, or give the method another title; "
        "otherwise delete the run's folder"
    )
    for item in items:
        if not item.folder.is_run:
            continue
        if item.recipe is not None:
            from unlearnkit.pipeline.open_run import same_recipe  # imported here because it needs torch

            same_recipe(item.recipe, item.folder, fix=fix)
        elif is_measured(item.folder, item.group.section):
            _refuse_other_measurement(item)


def _refuse_other_measurement(item: Item) -> None:
    """Raise `InputError` if a reference model was measured with other settings."""
    recipe, measured = item.group.runs[0].recipe, item.folder.state().measure
    for name in ("max_new_tokens", "gradients"):
        ours, theirs = getattr(recipe.eval, name), getattr(measured, name)
        if ours != theirs:
            raise InputError(
                "the reference model in this folder was measured with another setting",
                where=f"{item.folder.path}, field eval.{name}",
                value=ours,
                allowed=f"{theirs!r}, as in the folder",
                fix="set another `name` or `out` in the board file, or delete the folder",
            )


class _Work:
    """Run the jobs of a board, and show how far they are."""

    def __init__(
        self, items: Sequence[Item], at_once: int, progress: Progress, task: Task, failed: dict[str, Exception]
    ) -> None:
        self._items, self._at_once, self._progress, self._task = items, at_once, progress, task
        self._failed = failed
        self._taken = list(_taken(items))
        self._show()

    def do(self, items: Sequence[Item]) -> None:
        """Run the jobs of these models, except finished ones."""
        # A model is not measured without the models that it is compared with.
        missing = {item.group.folder: error for item in self._items if (error := self._failed.get(item.name))}
        for item in items:
            if item.group.folder in missing:
                self._failed[item.name] = missing[item.group.folder]
        rest = [item for item in items if item.group.folder not in missing and not item.is_finished]
        jobs = [_job(item) for item in rest]

        def ended(place: int, result: Any) -> None:
            item = rest[place]
            if isinstance(result, Exception):
                self._failed[item.name] = result
                self._progress.log(f"{item.name} failed: {result}")
            self._taken = list(_taken(self._items))
            self._show()

        run_all(jobs, self._progress, at_once=self._at_once, keep_going=True, on_end=ended)

    def _show(self) -> None:
        rest = [item for item in self._items if not item.is_finished and item.name not in self._failed]
        left = total([expected(item.group.suite, item.method, self._taken) for item in rest], self._at_once)
        self._task.update(len(self._items) - len(rest), note=f"runs, time left: {shown(left)}")


def _taken(items: Sequence[Item]) -> Iterator[Taken]:
    for item in items:
        seconds = seconds_of(item.folder)
        if seconds is not None:
            yield Taken(item.group.suite, item.method, seconds)


def _job(item: Item) -> Job:
    if item.recipe is not None:
        return Job(item.name, unlearn, (item.recipe.model_dump(mode="json"),))
    recipe = item.group.runs[0].recipe
    settings = recipe.eval.model_copy(update={"system_prompt": None})
    model = recipe.model.path if item.method == TARGET and recipe.model.path is not None else item.method
    given = (model, item.group.section, item.folder.path, settings, recipe.model.dtype)
    return Job(item.name, measure_reference, given)


def _looks(plan: Board) -> list[Look]:
    sections = list(plan.file.methods.values())
    return [Look("board", group.section, seed, sections) for group in plan.groups for seed in plan.file.seeds]


def _write(plan: Board, items: Sequence[Item], failed: dict[str, Exception]) -> BoardResult:
    """Write the tables and the file with the scores."""
    finished = {item.name: item for item in items if item.is_finished and item.name not in failed}
    groups, notes = {}, [f"{name}: {item.note}." for name, item in finished.items() if item.note]
    for group, members in groupby(items, key=lambda item: item.group):
        groups[group.title] = [
            _row(method, list(runs), failed) for method, runs in groupby(members, key=lambda item: item.method)
        ]
    notes += [f"{name}: failed." for name in failed]
    scores = {name: item.scores for name, item in finished.items()}
    for flat in plan.file.scores:
        if scores and not any(flat in each for each in scores.values()):
            notes.append(f"No model has the score {flat}{did_you_mean(flat, scores)}")
    docs = suite_docs({str(group.section["name"]) for group in plan.groups})
    table = method_table(groups, plan.file.scores, docs, plan.file.name)
    page = plan.folder / "board.html"
    write_board(table, notes, page, plan.folder / "board.md")
    if plan.file.keep is not None:
        write_results(
            Path(plan.file.keep),
            scores,
            board=plan.text,
            failed=sorted(failed),
            settings={name: item.settings for name, item in finished.items()},
            notes={name: item.note for name, item in finished.items() if item.note},
        )
    return BoardResult(table, tuple(notes), page, failed)


def _row(method: str, items: Sequence[Item], failed: dict[str, Exception]) -> MethodScores:
    lost = [item for item in items if item.name in failed]
    scores = [item.scores for item in items if item.is_finished and item not in lost]
    return MethodScores(method, scores, len(lost), is_reference=items[0].recipe is None)


def plan_text(plan: Board, *, at_once: int = AT_ONCE) -> str:
    """Return a text about the runs of a board.

    The text lists all runs, and their time. The time is estimated from finished runs of this board. If a method has
    none, its training time is estimated as by `unlearn run --dry-run`, without the measurement. Nothing is started.
    """
    items, trained = items_of(plan), _TrainingTimes()
    refuse_other_runs(items)
    taken = list(_taken(items))
    lines, times, notes = [], [], []
    for item in items:
        if item.is_finished:
            lines.append(f"finished  {item.name}")
            continue
        seconds, rough = expected(item.group.suite, item.method, taken), ""
        if seconds is None and item.recipe is not None:
            seconds, rough = trained.of(item.group, item.method, item.recipe), " of training"
            notes = ["runs of methods without a finished run: only training"]
        times.append(seconds)
        lines.append(f"to do     {item.name}: {shown(seconds)}{rough}")
    known = [seconds for seconds in times if seconds is not None]
    missing = len(times) - len(known)
    left = shown(total(known, at_once)) if known or not times else NOT_MEASURED
    if known and missing:
        notes.append(f"without {missing} models whose time is not measured")
    lines += [
        "",
        f"runs:   {len(items)} with the reference models, {len(items) - len(times)} of them finished",
        f"time:   {left} ({'; '.join([f'{at_once} at a time', *notes])})",
        f"folder: {plan.folder}",
    ]
    return "\n".join(lines)


class _TrainingTimes:
    """Estimate training times from the steps and this machine's speed."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], float] = {}

    def of(self, group: Group, method: str, recipe: Recipe) -> float:
        """Return the seconds of a training.

        They are the same in all worlds.
        """
        from unlearnkit.pipeline.context import RunContext
        from unlearnkit.pipeline.dry_run import SAMPLE
        from unlearnkit.pipeline.preflight import preflight

        key = group.suite, method
        if key not in self._known:
            self._known[key] = preflight(RunContext(recipe), at_most=SAMPLE).seconds()
        return self._known[key]
