"""From run folders to a report: reads what the runs wrote, and says what was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.judges.store import read_judged
from unlearnkit.methods.base import GUARDS
from unlearnkit.metrics.gates import Gate, GateResult, judge_all
from unlearnkit.metrics.leakage import STRENGTH
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.score_names import RULES, parse_judged
from unlearnkit.recipe import make_suite
from unlearnkit.report.compare import comparison
from unlearnkit.report.model import AttackWords, Ended, Report, SubjectReport
from unlearnkit.report.model_card import model_card
from unlearnkit.report.render import write
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.runs.state import RunState, Taught
from unlearnkit.scope.leak_scan.scan import STRENGTHS
from unlearnkit.suites.base import Suite, declared_docs, tuning_grid

_TITLES = {"target": "Target model", "retrained": "Retrained model"}
_TOLD = ("epochs", "steps", "batch_size", "retain_batch_size", "lr", "adam_eps", "schedule")
"""Training settings that tell runs apart, beside those of the method."""


def find_runs(paths: Sequence[str | Path]) -> list[RunFolder]:
    """The runs in these folders: a run's own, or every run right under a folder; references first.

    Raises `InputError` for a folder without a run, and for two runs of one name.
    """
    found: list[RunFolder] = []
    for path in map(Path, paths):
        if RunFolder(path).is_run:
            found.append(RunFolder(path))
            continue
        # A run that has not been measured yet has nothing to show; named by itself, it says so.
        below = sorted(path.iterdir()) if path.is_dir() else []
        inside = [run for run in map(RunFolder, below) if run.is_run and run.scores_file.exists()]
        if not inside:
            raise InputError(
                "there is no measured run in this folder",
                value=str(path),
                allowed="a run's folder, or a folder of runs",
                fix="correct the path; or measure the run in it: unlearn eval RUN",
            )
        found += inside
    names = [run.name for run in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        where = " and ".join(str(run.path) for run in found if run.name == twice)
        raise InputError("two runs have the same name", where=where, value=twice, fix="rename one of the folders")
    return sorted(found, key=lambda run: REFERENCES.index(run.name) if run.name in REFERENCES else len(REFERENCES))


def compare(paths: Sequence[str | Path]) -> dict[str, dict[str, dict[str, float | None]]]:
    """`{"subjects": {name: {flat name: value}}}` of the runs in these folders; None where it was not measured."""
    runs = find_runs(paths)
    return comparison({run.name: run.scores() for run in runs}, score_docs(runs))


def score_docs(runs: Sequence[RunFolder]) -> ScoreDocs:
    """The docs of the scores of some runs: those of this package, and those that the runs' suites declare."""
    names = {str(run.state().suite.get("name")) for run in runs}
    return ScoreDocs({flat: doc for name in sorted(names) for flat, doc in declared_docs(name).items()})


def judge_run(folder: RunFolder, gates: Sequence[str]) -> tuple[GateResult, ...]:
    """How the gates came out for one run, held against the references beside it."""
    scores = {run.name: run.scores() for run in references_of(folder)} | {folder.name: folder.scores()}
    return judge_all([Gate.parse(gate) for gate in gates], scores, score_docs([folder]))


def write_documents(folder: RunFolder, suite: Suite | None = None) -> None:
    """Write the model card and the report of a run. A model that was only measured gets neither.

    `suite` is the suite of the run; None: it is made from the state of the run.
    """
    if folder.recipe_file.exists():
        suite = suite or make_suite(folder.state().suite)
        _write_card(folder, suite)
        write_report([*references_of(folder), folder], folder.report_file, suite=suite)


def _write_card(folder: RunFolder, suite: Suite) -> None:
    recipe, subject = folder.recipe(), subject_report(folder)
    references: dict[str, dict[str, Score]] = {run.name: run.scores() for run in references_of(folder)}
    card = model_card(
        subject,
        folder.scope(),
        references=references,
        gates=judge_run(folder, recipe.get("gates", ())),
        limitations=limitations(folder.state(), [subject], suite, _taught([folder])),
        adapter=folder.subject().kind == "adapter",
        docs=score_docs([folder]),
        members=folder.subject().members,
    )
    write_atomic(folder.card_file, card)


def write_report(
    runs: Sequence[RunFolder], path: Path, gates: Sequence[str] | None = None, *, suite: Suite | None = None
) -> Report:
    """Write the report of some runs, and return what it shows."""
    report = build_report(runs, gates, suite=suite)
    write(report, path)
    return report


def build_report(
    runs: Sequence[RunFolder],
    gates: Sequence[str] | None = None,
    *,
    show_forget_text: bool | None = None,
    suite: Suite | None = None,
) -> Report:
    """Build what a report shows of some runs.

    Args:
        runs: the runs, measured on one suite.
        gates: gates that they are held to; None: those of the runs' recipes.
        show_forget_text: whether the report may show it; None: as the runs' recipes say.
        suite: the suite of the runs; None: it is made from the state of a run.

    Raises:
        InputError: the runs were measured on different suites.
    """
    states = {run.name: run.state() for run in runs}
    first = next((run for run in runs if run.name not in REFERENCES), runs[0])
    state = states[first.name]
    for name, other in states.items():
        if other.suite != state.suite:
            raise InputError(
                "the runs were measured on different suites, so they cannot stand in one report",
                where=f"{first.name} and {name}",
                value=str(other.suite),
                allowed=str(state.suite),
                fix="make one report for each suite",
            )
    suite = suite or make_suite(state.suite)
    recipes = {run.name: run.recipe() for run in runs if run.recipe()}
    subjects = tuple(subject_report(run) for run in runs)
    asked = gates if gates is not None else [gate for recipe in recipes.values() for gate in recipe["gates"]]
    named, docs = [Gate.parse(gate) for gate in dict.fromkeys(asked)], score_docs([first])
    told = bool(recipes) and all(recipe["report"]["show_forget_text"] for recipe in recipes.values())
    return Report(
        title=f"Forgetting on request: {suite.heading()}",
        scope=first.scope(),
        request=state.suite.get("request"),
        show_forget_text=told if show_forget_text is None else show_forget_text,
        subjects=subjects,
        docs=docs,
        gates=judge_all(named, {s.name: s.scores for s in subjects}, docs),
        limitations=limitations(state, subjects, suite, _taught(runs)),
        grid=tuning_grid(state.suite["name"]),
        recipes={run.name: run.recipe_file.read_text(encoding="utf-8") for run in runs if run.recipe_file.exists()},
        environment=state.environment,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def subject_report(folder: RunFolder) -> SubjectReport:
    """One run, as a report shows it."""
    state, recipe = folder.state(), folder.recipe()
    return SubjectReport(
        name=folder.name,
        title=_title(folder.name, state),
        method=state.method,
        ended=_ended(state),
        stopped_after=state.train.steps if state.train is not None and state.train.ended == "harmful" else None,
        settings=_settings(recipe) if recipe else {},
        prompted=state.measure is not None and state.measure.system_prompt is not None,
        guarded=folder.subject_file.exists() and folder.subject().kind == "guarded",
        scores=folder.scores(),
        attacks=folder.attack_scores(),
        attacked={
            name: AttackWords(**done.model_dump(include=set(AttackWords.model_fields)))
            for name, done in state.attacks.items()
        },
        judged_by={name: str(judged.asked) for name, judged in read_judged(folder.judgments).items() if judged.asked},
        curve=folder.curve(),
        effects=folder.effects(),
        records=tuple(folder.records()),
    )


def limitations(
    state: RunState, subjects: Sequence[SubjectReport], suite: Suite, taught: Mapping[str, Taught] | None = None
) -> tuple[str, ...]:
    """What the numbers do not say. `taught`: how the targets of each run came to be, by the run's name."""
    inferred = any(
        name.endswith(".auc") and s.value is not None for each in subjects for name, s in each.scores.items()
    )
    attacks = "quantization, probing of hidden states"
    if not any(each.attacks for each in subjects):
        attacks = f"relearning, jailbreaks and the other attacks of `unlearn attack`, {attacks}"
    said = [
        *suite.limitations(),
        "A model that declines has not been shown to have lost what it declines to say. Accuracy, leaks and refusals "
        "are those of greedy answers; `probability` says how likely the model still finds the answer.",
        f"Not measured here: attempts to get the knowledge back by {attacks}"
        + ("." if inferred else "; and membership inference."),
        f"Leaks are looked for {STRENGTHS[STRENGTH]}.",
        "Each method was run once, with one seed. The intervals are over questions; they say nothing of how much "
        "another seed, or other data, would change.",
        "Refusals and coherence are told by small offline classifiers for English, Spanish and Russian. On held-out "
        "texts they were right in 97 to 100 % of cases, by class; less well on adversarial wording.",
    ]
    if state.measure is not None and state.measure.layout == "plain":
        said.append(
            "The tokenizer has no chat template: each question was put to the model as plain text, with a newline "
            "after it. Put in another way, the model may answer otherwise."
        )
    if prompted := [s.title for s in subjects if s.prompted]:
        said.append(
            f"Told what to decline by a system prompt before every question: {', '.join(prompted)}. That changes no "
            "weight: whoever can leave the prompt out meets the model as it was."
        )
    if guarded := [s.title for s in subjects if s.guarded]:
        said.append(
            f"Behind a guard: {', '.join(guarded)}. A guard erases nothing: whoever can reach the weights meets the "
            "model as it was. Its users read outputs alone, so probabilities, memorization, membership, G-effects and "
            "relearning are not measured, which is not the same as 0. Attacks that begin an output were passed on to "
            "the model, as an interface would that lets users begin one; the guard's filters read what was begun."
        )
    said += _judges(subjects)
    said += [sentence for name, how in (taught or {}).items() if (sentence := _teaching_told(name, how))]
    broken = [s.title for s in subjects if s.ended == "collapsed"]
    if broken:
        said.append(f"Training stopped at a loss that was not finite: {', '.join(broken)}. What came before is shown.")
    said += [
        f"{s.title} ended by itself after step {s.stopped_after}: by its G-effects or as measured, what must stay was "
        "harmed by more than `diagnose.max_harm_ratio` of what was forgotten (`diagnose.use`)."
        for s in subjects
        if s.stopped_after is not None
    ]
    return tuple(said)


def _judges(subjects: Sequence[SubjectReport]) -> list[str]:
    """What to know of the judges that judged, or did not."""
    measured = {name for each in subjects for name, score in each.scores.items() if score.value is not None}
    judges = {name.judge for flat in measured if (name := parse_judged(flat)) is not None}
    if not judges - {RULES}:
        return ["No language model judged the answers, so no LaaJ figure is measured (`unlearn judge`)."]
    return ["A model judge has a taste of its own: another judge, or another rubric, would give other figures."]


def _taught(runs: Sequence[RunFolder]) -> dict[str, Taught]:
    return {run.name: taught for run in runs if (taught := run.state().targets) is not None}


def _teaching_told(name: str, how: Taught) -> str:
    """Who wrote a run's targets, where that was not the template teacher alone; and how much they help to guess."""
    lift = f"How much the traces of {name}'s targets raise the answers' probability (lift): {how.lift}."
    if how.prompts is None and not how.edited:
        return lift if how.lift is not None else ""
    told = [f"The teacher {how.teacher} wrote {how.written} of the {how.written + how.replaced} targets of {name}"]
    if how.turned_down:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(how.turned_down.items()))
        told.append(f"{sum(how.turned_down.values())} of its answers were turned down ({kinds}) and asked for again")
    if how.replaced:
        told.append(f"the other {how.replaced} are the template teacher's, since none of its answers could be used")
    if how.edited:
        told.append(f"a person changed {how.edited}")
    if how.lift is None:
        told.append("how much their traces help to guess the answers (lift) was not measured")
    return f"{'; '.join(told)}." + (f" {lift}" if how.lift is not None else "")


def _title(name: str, state: RunState) -> str:
    if name in _TITLES or state.title is None:
        return _TITLES.get(name, name)
    return state.title if name == state.method else f"{name} ({state.title})"


def _ended(state: RunState) -> Ended:
    return "collapsed" if state.train is not None and state.train.ended == "non-finite" else "finished"


def _settings(recipe: dict[str, Any]) -> dict[str, object]:
    method = {key: value for key, value in recipe["method"].items() if key != "name"}
    trains = recipe["method"]["name"] not in GUARDS.names()
    train = {key: recipe["train"][key] for key in _TOLD if trains and recipe["train"][key] is not None}
    lora = recipe["model"]["lora"]
    combiner = recipe["train"].get("combiner") or {}  # runs from before there were combiners do not name it
    combined = {"combiner" if key == "name" else f"combiner {key}": value for key, value in combiner.items()}
    if used := recipe.get("diagnose", {}).get("use"):
        combined["goes by its G-effects"] = ", ".join(used)
    return {**method, **train, **combined, **({"lora rank": lora["r"]} if lora else {}), "seed": recipe["seed"]}
