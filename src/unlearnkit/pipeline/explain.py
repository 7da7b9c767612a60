"""Ask a run's model one or more questions, and analyze each output.

The analysis reports the verdict in the reasoning trace, the name from the scope that occurs in the question or the
trace, and whether the response is a refusal.

The target model is asked the same questions, for comparison. The target model's responses may contain knowledge that
had to be forgotten, so these responses are shown to the user but never written to disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from unlearnkit.core.errors import InputError, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import TARGET
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.recipe import make_suite
from unlearnkit.records.probe import Probe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.text.normalize import contains
from unlearnkit.text.refusal import is_refusal
from unlearnkit.text.trace_verdict import Verdict, verdict_of


class Line(Value):
    """A name from the scope that occurs in a question or trace."""

    path: str
    """Path of the name in the scope, for example `subjects[2].aliases[0]`."""
    name: str
    """The name itself."""
    found_in: str
    """Where the name occurs: `question` or `trace`."""


class Explanation(Value):
    """A model's output for one question, and the analysis of the output."""

    question: str
    trace: str
    """The reasoning trace. It is empty if the model wrote no trace."""
    verdict: Verdict | None
    """The verdict in the trace. It is None if the trace has no verdict. A missing verdict counts as out of scope."""
    line: Line | None
    """The name from the scope that occurs in the question or the trace. The name of a subject of the scope is preferred
    to the name of a neighbor. This field is None if neither the question nor the trace contains a name from the
    scope."""
    response: str
    declines: bool
    """Whether the response is a refusal."""
    cut_off: bool
    """Whether the output was cut off at the token limit."""
    target: str | None
    """The target model's response. It is None if the target model is not available."""
    target_missing: str | None = None
    """The reason why the target model is not available. It is None if the target model is available."""


def explain(
    folder: RunFolder | str | Path, questions: Sequence[str], *, progress: Progress | None = None
) -> list[Explanation]:
    """Ask a run's model one or more questions, and analyze each output.

    The run's target model is asked the same questions. Nothing is written to disk, with one exception: if the suite
    builds its own target model and the target model is not in the cache, the target model is built and cached.

    Args:
        folder: a run whose model has been trained.
        questions: the questions. Each question is asked separately.
        progress: reports progress.

    Raises:
        InputError: the folder contains no run, the run has no model, or a question is empty or too long.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.existing(folder)
    empty = [at for at, question in enumerate(questions, 1) if not question.strip()]
    if empty or not questions:
        where = f"question {empty[0]}" if empty else None
        what = "the question is empty" if empty else "no question is given"
        raise InputError(what, where=where, fix='add a question: unlearn explain RUN "Who wrote it?"')
    scope = folder.scope() if folder.scope_file.exists() else make_suite(folder.state().suite).task().scope
    # The models are loaded one after the other, so that two large models are never in memory at the same time.
    outputs = _outputs(open_subject(folder), questions, folder)
    originals, missing = _target_outputs(folder, questions, progress or Progress())
    return [
        Explanation(
            question=question,
            trace=output.trace,
            verdict=verdict_of(output.trace),
            line=line_of(scope, question, output.trace),
            response=output.response,
            declines=is_refusal(output.response),
            cut_off=output.ended == "length",
            target=None if original is None else original.response,
            target_missing=missing,
        )
        for question, output, original in zip(questions, outputs, originals, strict=True)
    ]


def line_of(scope: Scope, question: str, trace: str) -> Line | None:
    """Return the name from the scope that the question or trace contains.

    A name in the question takes precedence over a name in the trace. The name of a subject of the scope takes
    precedence over the name of a neighbor. If several names of the same kind occur, the longest name is returned,
    because a shorter name may be only a part of the longer name.

    Returns:
        The name and its path in the scope; None if neither the question nor the trace contains a name from the scope.
    """
    for found_in, text in (("question", question), ("trace", trace)):
        for group, subjects in (("subjects", scope.subjects), ("neighbors", scope.neighbors)):
            named = [(path, name) for path, name in _names(group, subjects) if contains(text, name)]
            if named:
                path, name = max(named, key=lambda line: len(line[1]))
                return Line(path=path, name=name, found_in=found_in)
    return None


def max_new_tokens_of(folder: RunFolder) -> int:
    """Return the limit on output tokens that a run was measured with.

    If the run was not measured, the suite's default is returned.
    """
    state = folder.state()
    return state.measure.max_new_tokens if state.measure else make_suite(state.suite).max_new_tokens


def _names(group: str, subjects: Sequence[ScopeSubject]) -> Iterator[tuple[str, str]]:
    """Yield every name and alias, each with its path in the scope."""
    for at, subject in enumerate(subjects):
        yield f"{group}[{at}].name", subject.name
        for place, alias in enumerate(subject.aliases):
            yield f"{group}[{at}].aliases[{place}]", alias


def _outputs(subject: Subject, questions: Sequence[str], folder: RunFolder) -> list[Generation]:
    """Ask a model each question separately, and return the outputs.

    Raises:
        InputError: a question is so long that the model has no room for an answer.
    """
    rows = [Row(id=f"question {at}", question=question, answer="?") for at, question in enumerate(questions, 1)]
    return subject.generate([Probe(row) for row in rows], max_new_tokens=max_new_tokens_of(folder))


def _target_outputs(
    folder: RunFolder, questions: Sequence[str], progress: Progress
) -> tuple[Sequence[Generation | None], str | None]:
    """Return the target model's outputs.

    Returns:
        A pair. If the target model is available, the pair contains the outputs and None. Otherwise, the pair contains a
        list of None values and the reason.
    """
    missing: Sequence[None] = [None] * len(questions)
    try:
        model = _target_model(folder, progress)
    except UnlearnError as error:
        return missing, f"the target model is not available: {error.what}"
    if model is None:
        return missing, "the target model is not available: the run does not record which model it started from"
    return _outputs(LocalSubject.load(model, folder.subject().dtype), questions, folder), None


def _target_model(folder: RunFolder, progress: Progress) -> ModelFolder | None:
    """Find the target model of a run.

    The function looks for a model in three places, in this order: the run's measured reference models, the recipe, and
    the suite.

    Returns:
        The model's folder; None if neither the run nor the suite names a target model.
    """
    measured = next((run.subject_path() for run in references_of(folder) if run.name == TARGET), None)
    if measured is not None and Path(measured).exists():
        return find_model(measured)
    named = folder.recipe().get("model", {}).get("path") or make_suite(folder.state().suite).target_model(progress)
    return None if named is None else find_model(named)
