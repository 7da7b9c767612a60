"""Ask a run's subject, and explain its response by trace and scope.

The target model is asked for comparison. Its response may be what was to be forgotten: it is shown to the user and
never written to disk.
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
    """A line of the scope that names what is asked about."""

    path: str
    """Its path in the scope: `subjects[2].aliases[0]`."""
    name: str
    """The name at that path."""
    found_in: str
    """What names it: `question` or `trace`."""


class Explanation(Value):
    """A subject's trace and response to one question, explained."""

    question: str
    trace: str
    """Empty if the subject writes no trace."""
    verdict: Verdict | None
    """The trace's verdict; None if it has none, which counts as out of scope."""
    line: Line | None
    """The named subject of the scope, else the named neighbor, else None."""
    response: str
    declines: bool
    cut_off: bool
    """Whether the output was stopped at the token limit."""
    target: str | None
    """The target model's response; None if that model is not available."""
    target_missing: str | None = None
    """Why it is not available."""


def explain(
    folder: RunFolder | str | Path, questions: Sequence[str], *, progress: Progress | None = None
) -> list[Explanation]:
    """Ask a run's subject and its target model, and explain the responses.

    Nothing is written. A suite that builds its target model builds it if it is not in the cache.

    Args:
        folder: a run whose model is trained.
        questions: the questions; each is asked separately.
        progress: reports progress.

    Raises:
        InputError: there is no run or no model of it, or a question is empty or too long.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.existing(folder)
    empty = [at for at, question in enumerate(questions, 1) if not question.strip()]
    if empty or not questions:
        where = f"question {empty[0]}" if empty else None
        raise InputError("there is no question", where=where, fix='ask one: unlearn explain RUN "Who wrote it?"')
    scope = folder.scope() if folder.scope_file.exists() else make_suite(folder.state().suite).task().scope
    # One model after the other, so that two large ones are never in memory together.
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
    """Return the line of the scope that question or trace names.

    The question takes precedence over the trace, and a subject over a neighbor. Of several lines the longest is
    returned, since a name may be a part of another one. None if no line is named.
    """
    for found_in, text in (("question", question), ("trace", trace)):
        for group, subjects in (("subjects", scope.subjects), ("neighbors", scope.neighbors)):
            named = [(path, name) for path, name in _names(group, subjects) if contains(text, name)]
            if named:
                path, name = max(named, key=lambda line: len(line[1]))
                return Line(path=path, name=name, found_in=found_in)
    return None


def max_new_tokens_of(folder: RunFolder) -> int:
    """Return the limit of new tokens with which the run was measured."""
    state = folder.state()
    return state.measure.max_new_tokens if state.measure else make_suite(state.suite).max_new_tokens


def _names(group: str, subjects: Sequence[ScopeSubject]) -> Iterator[tuple[str, str]]:
    """Yield path and text of every name of some subjects."""
    for at, subject in enumerate(subjects):
        yield f"{group}[{at}].name", subject.name
        for place, alias in enumerate(subject.aliases):
            yield f"{group}[{at}].aliases[{place}]", alias


def _outputs(subject: Subject, questions: Sequence[str], folder: RunFolder) -> list[Generation]:
    """Ask each question separately.

    Raises:
        InputError: a question leaves no room for an answer.
    """
    rows = [Row(id=f"question {at}", question=question, answer="?") for at, question in enumerate(questions, 1)]
    return subject.generate([Probe(row) for row in rows], max_new_tokens=max_new_tokens_of(folder))


def _target_outputs(
    folder: RunFolder, questions: Sequence[str], progress: Progress
) -> tuple[Sequence[Generation | None], str | None]:
    """Return the target model's outputs, or why it is not available."""
    missing: Sequence[None] = [None] * len(questions)
    try:
        model = _target_model(folder, progress)
    except UnlearnError as error:
        return missing, f"the target model is not available: {error.what}"
    if model is None:
        return missing, "the run does not record which model it started from"
    return _outputs(LocalSubject.load(model, folder.subject().dtype), questions, folder), None


def _target_model(folder: RunFolder, progress: Progress) -> ModelFolder | None:
    """Find the target model: the measured one, the recipe's, or the suite's."""
    measured = next((run.subject_path() for run in references_of(folder) if run.name == TARGET), None)
    if measured is not None and Path(measured).is_dir():
        return find_model(measured)
    named = folder.recipe().get("model", {}).get("path") or make_suite(folder.state().suite).target_model(progress)
    return None if named is None else find_model(named)
