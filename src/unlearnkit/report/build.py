"""Build reports and model cards from run folders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic
from unlearnkit.data.rows import merged_note
from unlearnkit.data.vocabulary import HELD_OUT, REFERENCES, TARGET
from unlearnkit.judges.store import read_judged
from unlearnkit.methods.base import GUARDS, METHODS
from unlearnkit.metrics.default_gates import with_defaults
from unlearnkit.metrics.gates import Gate, GateResult, judge_all
from unlearnkit.metrics.leakage import STRENGTH
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import RULES, ScoreName, parse_judged
from unlearnkit.recipe import make_suite
from unlearnkit.report.adapter_note import without_adapter
from unlearnkit.report.compare import comparison
from unlearnkit.report.disclosed import disclosed
from unlearnkit.report.doubts import doubts_about, doubts_about_comparisons, doubts_about_references
from unlearnkit.report.jinja_templates import render_template
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.model_card import model_card
from unlearnkit.report.render import write
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.runs.state import RunState
from unlearnkit.scope.leak_scan.scan import STRENGTHS
from unlearnkit.suites.base import Suite, declared_docs, tuning_grid

_TITLES = {"target": "Target model", "retrained": "Retrained model"}
_TRAINING = ("epochs", "steps", "batch_size", "retain_batch_size", "lr", "adam_eps", "schedule")
"""Names of the training settings in the report. The report also shows the method's own settings."""


def find_runs(paths: Sequence[str | Path]) -> list[RunFolder]:
    """Find the runs in these folders, reference models first.

    Each folder is either the folder of a run, or a folder that contains run folders directly.

    Raises:
        InputError: a folder contains no measured run, or two runs have the same name.
    """
    runs: list[RunFolder] = []
    for folder in map(RunFolder, paths):
        # Unmeasured runs in a folder of runs are skipped. If the user names an unmeasured run directly, an error is
        # raised later.
        below = [folder] if folder.is_run else _measured_runs(folder.path)
        if not below:
            raise InputError(
                "the folder contains no measured run",
                value=str(folder.path),
                allowed="the folder of a run, or a folder that contains run folders",
                fix="correct the path, or measure the run in this folder: unlearn eval RUN",
            )
        runs += below
    names = [run.name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        where = " and ".join(str(run.path) for run in runs if run.name == twice)
        raise InputError("two runs have the same name", where=where, value=twice, fix="rename one of the two folders")
    return sorted(runs, key=lambda run: REFERENCES.index(run.name) if run.name in REFERENCES else len(REFERENCES))


def _measured_runs(folder: Path) -> list[RunFolder]:
    return [run for run in map(RunFolder, sorted(folder.glob("*"))) if run.is_run and run.scores_file.exists()]


def compare(paths: Sequence[str | Path]) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return the scores of the runs in these folders.

    The result is `{"subjects": {run name: {score name: value}}}`. A value is None if it was not measured.
    """
    runs = find_runs(paths)
    return comparison({run.name: run.scores() for run in runs}, score_docs(runs))


def score_docs(runs: Sequence[RunFolder]) -> ScoreDocs:
    """Return the descriptions of all scores of these runs.

    A description states the title of a score, its number format, and its position in the report. The result describes
    the scores of this package and the scores that the runs' suites declare.
    """
    return suite_docs({str(run.state().suite.get("name")) for run in runs})


def suite_docs(names: Collection[str]) -> ScoreDocs:
    """Return the descriptions of all scores, with those that these suites declare."""
    return ScoreDocs({flat: doc for name in sorted(names) for flat, doc in declared_docs(name).items()})


def judge_run(folder: RunFolder, gates: Sequence[str]) -> tuple[GateResult, ...]:
    """Evaluate gates on a run.

    A gate is a condition on a score of the run. The condition may compare this score with a reference model's score.
    """
    scores = {run.name: run.scores() for run in (*references_of(folder), folder)}
    return judge_all([Gate.parse(gate) for gate in with_defaults(gates, scores)], scores, score_docs([folder]))


def write_documents(folder: RunFolder, suite: Suite | None = None) -> None:
    """Write the model card and the report of a run.

    If the run only measured a model, this function writes nothing. `suite` is the run's suite. If `suite` is None, the
    suite is created from the run's state.
    """
    if not folder.recipe_file.exists():
        return
    suite = suite or make_suite(folder.state().suite)
    subject = subject_report(folder)
    card = model_card(
        subject,
        folder.scope(),
        spec=folder.subject(),
        references={run.name: run.scores() for run in references_of(folder)},
        gates=judge_run(folder, folder.recipe().get("gates", ())),
        doubts=doubts([*references_of(folder), folder]),
        limitations=limitations(folder.state(), [subject], suite, may_disclose=folder.scope().may_disclose),
        docs=score_docs([folder]),
    )
    write_atomic(folder.card_file, card)
    write_report([*references_of(folder), folder], folder.report_file, suite=suite)


def doubts(runs: Sequence[RunFolder]) -> list[str]:
    """Return reasons to doubt the numbers of these runs."""
    scores = {run.name: run.scores() for run in runs}
    each_alone = (sentence for run in runs for sentence in doubts_about(run))
    return [*each_alone, *doubts_about_comparisons(runs), *doubts_about_references(scores)]


def adapter_note(folder: RunFolder) -> str:
    """Return a sentence on how a run's model answers without its adapter.

    The sentence is empty if the run saved whole weights.
    """
    if not subject_report(folder).adapter:
        return ""
    target = next((run.scores() for run in references_of(folder) if run.name == TARGET), None)
    return without_adapter(folder.scores(), target, score_docs([folder]))


def write_report(
    runs: Sequence[RunFolder], path: Path, gates: Sequence[str] | None = None, *, suite: Suite | None = None
) -> Report:
    """Write the report on these runs, and return the report's content."""
    report = build_report(runs, gates, suite=suite)
    write(report, path)
    return report


def build_report(
    runs: Sequence[RunFolder],
    gates: Sequence[str] | None = None,
    *,
    show_forget_text: bool | None = None,
    show_names: bool | None = None,
    suite: Suite | None = None,
) -> Report:
    """Build the content of a report on these runs.

    Args:
        runs: the runs. All of them must have been measured on the same suite.
        gates: the gates to evaluate on the runs. If None, the gates in the runs' recipes are evaluated.
        show_forget_text: whether the report may show forget text. If None, the report shows forget text only if the
            recipes of all runs allow this.
        show_names: whether the report may show the names of subjects. None has the same meaning as for
            `show_forget_text`.
        suite: the suite of the runs. If None, the suite is created from a run's state.

    Raises:
        InputError: the runs were measured on different suites.
    """
    states = {run.name: run.state() for run in runs}
    first = next((run for run in runs if run.name not in REFERENCES), runs[0])
    state = states[first.name]
    for name, other in states.items():
        if other.suite != state.suite:
            raise InputError(
                "the runs were measured on different suites, so they cannot be in one report",
                where=f"{first.name} and {name}",
                value=str(other.suite),
                allowed=str(state.suite),
                fix="make one report for each suite",
            )
    suite, docs = suite or make_suite(state.suite), score_docs([first])
    recipes = [recipe for run in runs if (recipe := run.recipe())]
    if gates is None:
        gates = [gate for recipe in recipes for gate in recipe["gates"]]
    if show_forget_text is None:
        show_forget_text = _all_allow(recipes, "show_forget_text")
    if show_names is None:
        show_names = _all_allow(recipes, "show_names")
    subjects = tuple(subject_report(run) for run in runs)
    scores = {subject.name: subject.scores for subject in subjects}
    parsed = [Gate.parse(gate) for gate in with_defaults(gates, scores)]
    return Report(
        title=f"Forgetting on request: {suite.heading()}",
        scope=first.scope(),
        request=state.suite.get("request"),
        show_forget_text=show_forget_text,
        show_names=show_names,
        subjects=subjects,
        docs=docs,
        gates=judge_all(parsed, scores, docs),
        doubts=tuple(doubts(runs)),
        limitations=limitations(state, subjects, suite, may_disclose=first.scope().may_disclose),
        grid=tuning_grid(state.suite["name"]),
        recipes={run.name: run.recipe_file.read_text(encoding="utf-8") for run in runs if run.recipe_file.exists()},
        environment=state.environment,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def subject_report(folder: RunFolder) -> SubjectReport:
    """Build the part of a report that describes one run."""
    state, recipe = folder.state(), folder.recipe()
    train, spec = state.train, folder.subject() if folder.subject_file.exists() else None
    ended, steps = (None, None) if train is None else (train.ended, train.steps)
    return SubjectReport(
        name=folder.name,
        title=_title(folder.name, state),
        method=state.method,
        from_scratch=state.method in METHODS.names() and METHODS.get(state.method).plugin.from_scratch is True,
        collapsed=ended == "non-finite",
        stopped_after=steps if ended == "harmful" else None,
        settings=_settings(recipe) if recipe else {},
        prompted=state.measure is not None and state.measure.system_prompt is not None,
        guarded=spec is not None and spec.kind == "guarded",
        adapter=spec is not None and spec.kind == "adapter" and state.method is not None,
        saved_as=train.saved_as if train is not None else None,
        returned=train.returned if train is not None else None,
        rounded=spec.rounded if spec is not None else None,
        trained_on=train.rows if train is not None else {},
        targets=state.targets,
        scores=folder.scores(),
        attacks=folder.attack_scores(),
        attacked=state.attacks,
        judged_by={name: str(judged.asked) for name, judged in read_judged(folder.judgments).items() if judged.asked},
        curve=folder.curve(),
        effects=folder.effects(),
        records=tuple(folder.records()),
    )


def _all_allow(recipes: Sequence[dict[str, Any]], setting: str) -> bool:
    """Return whether every recipe allows the report to show something.

    Recipes of earlier versions lack some settings, which means that they do not allow it.
    """
    return bool(recipes) and all(recipe["report"].get(setting, False) for recipe in recipes)


def limitations(
    state: RunState, subjects: Sequence[SubjectReport], suite: Suite, *, may_disclose: bool = False
) -> tuple[str, ...]:
    """Return sentences that state what the report's numbers cannot show.

    Args:
        state: the state of any of the report's runs.
        subjects: the models in the report.
        suite: the suite.
        may_disclose: whether outputs may disclose the request. If false, a sentence warns about outputs that do.
    """
    measured = {flat for each in subjects for flat, score in each.scores.items() if score.value is not None}
    judges = {name.judge for flat in measured if (name := parse_judged(flat)) is not None}
    text = render_template(
        "limitations.txt.j2",
        subjects=subjects,
        attacked=any(each.attacks for each in subjects),
        sets={ScoreName.parse(flat).split for flat in measured},
        held_out=HELD_OUT,
        disclosing=[each for each in subjects if not may_disclose and disclosed(each)],
        inferred=any(flat.endswith(".auc") for flat in measured),
        strength=STRENGTHS[STRENGTH],
        plain=state.measure is not None and state.measure.layout == "plain",
        layout_notes=[
            *(state.measure.layout_notes if state.measure else ()),
            *([merged_note(*state.merged_rows)] if state.merged_rows and state.merged_rows[0] else []),
        ],
        judged=bool(judges - {RULES}),
    )
    return (*suite.limitations(), *text.strip().split("\n"))


def _title(name: str, state: RunState) -> str:
    if name in _TITLES or state.title is None:
        return _TITLES.get(name, name)
    return state.title if name == state.method else f"{name} ({state.title})"


def _settings(recipe: dict[str, Any]) -> dict[str, object]:
    """Return the settings that distinguish a run from other runs."""
    method, train, lora = recipe["method"], recipe["train"], recipe["model"]["lora"]
    settings = {key: value for key, value in method.items() if key != "name"}
    if method["name"] not in GUARDS.names():
        settings |= {key: train[key] for key in _TRAINING if train[key] is not None}
    combiner = train.get("combiner") or {}  # recipes of earlier versions have no combiner
    settings |= {"combiner" if key == "name" else f"combiner {key}": value for key, value in combiner.items()}
    if used := recipe.get("diagnose", {}).get("use"):
        settings["G-effects used for"] = ", ".join(used)
    if lora:
        settings["lora rank"] = lora["r"]
    return {**settings, "seed": recipe["seed"]}
