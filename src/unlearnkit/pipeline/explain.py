"""Ask a run's model one or more questions, and analyze each output.

The analysis reports the verdict in the reasoning trace, the line of the scope that the question or the trace is about,
the reason for the request, and whether the response is a refusal. The response itself gives no such reason by default,
because anybody may read it. The analysis is for the operator.

The target model is asked the same questions, for comparison. The target model's responses may contain knowledge that
had to be forgotten, so these responses are shown to the user but never written to disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unlearnkit.core.errors import InputError, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.core.settings import Value
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row, Turn
from unlearnkit.data.vocabulary import TARGET
from unlearnkit.models.folder import ModelFolder, find_model
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.recipe import make_suite
from unlearnkit.records.probe import Probe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.scope.lines import Line, line_of
from unlearnkit.scope.scope import Scope
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.text.refusal import is_refusal
from unlearnkit.text.trace_verdict import IN_SCOPE, Verdict, verdict_of


class Explanation(Value):
    """A model's output for one question, and the analysis of the output."""

    question: str
    trace: str
    """The reasoning trace. It is empty if the model wrote no trace."""
    verdict: Verdict | None
    """The verdict in the trace. It is None if the trace has no verdict. A missing verdict counts as out of scope."""
    line: Line | None
    """The name or secret of the scope that the question, an earlier turn or the trace is about (see
    `scope.lines.line_of`). It is None if there is none."""
    why: str | None = None
    """The scope's description, which gives the reason for the request. It is None if the verdict is not "in scope" and
    the line is not about a subject of the scope."""
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
    folder: RunFolder | str | Path,
    questions: Sequence[str],
    *,
    conversation: bool = False,
    progress: Progress | None = None,
) -> list[Explanation]:
    """Ask a run's model one or more questions, and analyze each output.

    The run's target model is asked the same questions. Nothing is written to disk, with one exception: if the suite
    builds its own target model and the target model is not in the cache, the target model is built and cached.

    Args:
        folder: a run whose model has been trained.
        questions: the questions.
        conversation: whether each question follows the earlier questions and the model's responses to them. Otherwise,
            each question is asked separately.
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
    outputs = _outputs(open_subject(folder), questions, folder, conversation)
    originals, missing = _target_outputs(folder, questions, conversation, progress or Progress())
    turns = [text for question, output in zip(questions, outputs, strict=True) for text in (question, output.response)]
    return [
        explanation(scope, question, output, original, missing, history=turns[: 2 * at] if conversation else ())
        for at, (question, output, original) in enumerate(zip(questions, outputs, originals, strict=True))
    ]


def explanation(
    scope: Scope,
    question: str,
    output: Generation,
    original: Generation | None,
    missing: str | None = None,
    *,
    history: Sequence[str] = (),
) -> Explanation:
    """Analyze one output.

    Args:
        scope: the scope of the request.
        question: the question.
        output: the output of the run's model.
        original: the output of the target model; None: the target model is not available.
        missing: the reason why the target model is not available.
        history: earlier turns of the user and the model.
    """
    verdict, line = verdict_of(output.trace), line_of(scope, question, output.trace, history=history)
    concerns = verdict == IN_SCOPE or (line is not None and not line.path.startswith("neighbors"))
    return Explanation(
        question=question,
        trace=output.trace,
        verdict=verdict,
        line=line,
        why=scope.description if concerns else None,
        response=output.response,
        declines=is_refusal(output.response),
        cut_off=output.ended == "length",
        target=None if original is None else original.response,
        target_missing=missing,
    )


def max_new_tokens_of(folder: RunFolder) -> int:
    """Return the limit on output tokens that a run was measured with.

    If the run was not measured, the suite's default is returned.
    """
    state = folder.state()
    return state.measure.max_new_tokens if state.measure else make_suite(state.suite).max_new_tokens


def _outputs(subject: Subject, questions: Sequence[str], folder: RunFolder, conversation: bool) -> list[Generation]:
    """Return a model's outputs for questions, asked separately or in one conversation.

    Raises:
        InputError: a question is so long that the model has no room for an answer.
    """
    rows = [Row(id=f"question {at}", question=question, answer="?") for at, question in enumerate(questions, 1)]
    limit = max_new_tokens_of(folder)
    if not conversation:
        return subject.generate([Probe(row) for row in rows], max_new_tokens=limit)
    outputs: list[Generation] = []
    history: tuple[Turn, ...] = ()
    for row in rows:
        outputs += subject.generate([Probe(row.model_copy(update={"history": history}))], max_new_tokens=limit)
        # Chat templates require that the roles alternate, so an empty response is a turn, too.
        response = outputs[-1].response or " "
        history += (Turn(role="user", content=row.question), Turn(role="assistant", content=response))
    return outputs


def _target_outputs(
    folder: RunFolder, questions: Sequence[str], conversation: bool, progress: Progress
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
    return _outputs(LocalSubject.load(model, folder.subject().dtype), questions, folder, conversation), None


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
