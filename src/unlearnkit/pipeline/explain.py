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
from unlearnkit.scope.scope import Scope
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
    empty = next((at for at, question in enumerate(questions) if not question.strip()), None)
    if empty is not None or not questions:
        where = None if empty is None else f"question {empty + 1}"
        raise InputError("there is no question", where=where, fix='ask one: unlearn explain RUN "Who wrote it?"')
    progress, scope = progress or Progress(), _scope(folder)
    # One model after the other, so that two large ones are never in memory together.
    longest = max_new_tokens_of(folder)
    outputs = _answers(open_subject(folder), questions, longest)
    before, missing = _target_answers(folder, questions, longest, progress)
    return [
        Explanation(
            question=question,
            trace=own.trace,
            verdict=verdict_of(own.trace),
            line=line_of(scope, question, own.trace),
            response=own.response,
            declines=is_refusal(own.response),
            cut_off=own.ended == "length",
            target=old,
            target_missing=missing,
        )
        for question, own, old in zip(questions, outputs, before, strict=True)
    ]


def line_of(scope: Scope, question: str, trace: str) -> Line | None:
    """Return the line of the scope that question or trace names.

    The question takes precedence over the trace, and a subject over a neighbor. Of several lines the longest is
    returned, since a name may be a part of another one. None if no line is named.
    """
    for found_in, text in (("question", question), ("trace", trace)):
        for group in ("subjects", "neighbors"):
            named = [(path, name) for path, name in _lines(scope, group) if contains(text, name)]
            if named:
                path, name = max(named, key=lambda line: len(line[1]))
                return Line(path=path, name=name, found_in=found_in)
    return None


def max_new_tokens_of(folder: RunFolder) -> int:
    """Return the limit of new tokens with which the run was measured."""
    state = folder.state()
    return state.measure.max_new_tokens if state.measure else make_suite(state.suite).max_new_tokens


def _scope(folder: RunFolder) -> Scope:
    """Return the scope of the run.

    For a run that was not measured, or was purged, it is the suite's.
    """
    return folder.scope() if folder.scope_file.exists() else make_suite(folder.state().suite).task().scope


def _lines(scope: Scope, group: str) -> Iterator[tuple[str, str]]:
    for at, subject in enumerate(scope.subjects if group == "subjects" else scope.neighbors):
        yield f"{group}[{at}].name", subject.name
        for place, alias in enumerate(subject.aliases):
            yield f"{group}[{at}].aliases[{place}]", alias


def _target_answers(
    folder: RunFolder, questions: Sequence[str], longest: int, progress: Progress
) -> tuple[Sequence[str | None], str | None]:
    """Return the target model's responses, or why it cannot be asked."""
    try:
        found = _target_model(folder, progress)
    except UnlearnError as error:
        return [None] * len(questions), f"the target model cannot be had: {error.what}"
    if found is None:
        return [None] * len(questions), "the run does not tell which model it began with"
    target = LocalSubject.load(found, folder.subject().dtype)
    return [output.response for output in _answers(target, questions, longest)], None


def _answers(subject: Subject, questions: Sequence[str], longest: int) -> list[Generation]:
    """Ask each question separately.

    Raises:
        InputError: a question leaves no room for an answer.
    """
    rows = [Row(id=f"question {at}", question=question, answer="?") for at, question in enumerate(questions, 1)]
    return subject.generate([Probe(row) for row in rows], max_new_tokens=longest)


def _target_model(folder: RunFolder, progress: Progress) -> ModelFolder | None:
    """Find the target model: the measured one, the recipe's, or the suite's."""
    measured = next((run.subject_path() for run in references_of(folder) if run.name == TARGET), None)
    if measured is not None and Path(measured).is_dir():
        return find_model(measured)
    named = folder.recipe().get("model", {}).get("path") or make_suite(folder.state().suite).target_model(progress)
    return None if named is None else find_model(named)
