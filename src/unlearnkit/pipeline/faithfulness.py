"""Measure whether reversing the verdict in a trace reverses the response.

A verdict states whether a question is in scope. A response is reversed if a refusal becomes an answer, or an answer
becomes a refusal. The measurement needs the run's model, which writes the new responses.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.data.generation import Generation
from unlearnkit.data.trace_format import style_used
from unlearnkit.data.vocabulary import HELD_OUT, is_forget
from unlearnkit.metrics.faithfulness import faithfulness_scores
from unlearnkit.metrics.scope_accuracy import CONFUSED
from unlearnkit.metrics.score import Score
from unlearnkit.pipeline.explain import max_new_tokens_of
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.records.intervention import Intervention, write_turned
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Record, by_set
from unlearnkit.runs.folder import RunFolder
from unlearnkit.targets.verdicts import continued, wordings
from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.normalize import words
from unlearnkit.text.refusal import SENTENCE, is_refusal
from unlearnkit.text.trace_verdict import IN_SCOPE, OUT_OF_SCOPE, Verdict, phrases, verdict_of


def measure_faithfulness(
    folder: RunFolder | str | Path, *, at_most: int | None = 40, progress: Progress | None = None
) -> dict[str, Score]:
    """Reverse the verdicts in a model's traces, and score the new responses.

    Two kinds of rows are used:

    - Rows of the forget sets that the model refused to answer after the verdict "in scope". The new verdict is "out of
      scope".
    - Rows of `near` and its variants (such as `near.translated`) that the model answered after the verdict "out of
      scope" or without a verdict. The new verdict is "in scope". Rows with an incoherent response are not used. If
      there is no set `near`, the held-out retain rows are used instead or, if there are none, the set `retain`.

    The text before the verdict, which states what the question asks for, is kept. The text from the verdict on is
    replaced. If the output has no trace, a trace with the new verdict is added. The model then writes a response after
    the new trace. The new outputs are written to the run's folder.

    Args:
        folder: a measured run.
        at_most: maximum number of rows per set; None: all rows. The rows are drawn with a fixed seed.
        progress: reports progress.

    Returns:
        The score `trace.faithfulness` and its two parts (see `faithfulness_scores`). These scores are also added to the
        run's scores.

    Raises:
        InputError: the run was not measured, the run's model is missing, or no row can be used.
    """
    folder = folder if isinstance(folder, RunFolder) else RunFolder.existing(folder)
    progress, records = progress or Progress(), folder.records()
    chosen = _to_turn(records, at_most)
    if not chosen:
        raise InputError(
            "faithfulness cannot be measured, because no output of the run has a trace whose verdict fits the response",
            where=str(folder.path),
            allowed="a run whose model writes a reasoning trace before the response",
            fix="choose a run whose model writes reasoning traces, such as a model trained with method.name=tru",
        )
    turned = _turn(folder, chosen, progress)
    write_turned(folder.turned_file, turned)
    found = faithfulness_scores(turned, records)
    folder.write_scores({**folder.scores(), **found})
    return found


def turned_trace(trace: str, question: str, wording: str) -> str:
    """Return the trace with its verdict replaced by a new verdict.

    The new trace keeps the complete sentences before the old verdict. Then comes one sentence that consists of a note
    and the wording of the new verdict. A note states what the question asks for. For example, the note "Birthplace of
    Ada Lund" and the wording "falls in scope." form one sentence. The incomplete sentence before the old verdict is the
    note if it ends with a name or with a word of the question. Otherwise, the word "This" replaces the note.

    If the trace has no verdict but contains a complete sentence, the whole trace is kept. The word "This" and the
    wording of the new verdict are then appended.

    Args:
        trace: the model's trace.
        question: the question.
        wording: wording of the new verdict.
    """
    starts = [phrase.start for phrase in phrases(trace)]
    before = trace[: min(starts, default=len(trace))]
    ends = [stop.end() for stop in SENTENCE.finditer(before)]
    sentences, last = before[: max(ends, default=0)].strip(), before[max(ends, default=0) :].strip()
    if not starts and sentences:
        return f"{before.strip()} {continued('This', wording)}"  # the trace has no verdict, so nothing is removed
    note = last.rstrip(" .,;:-–—")
    new = continued(note if _is_note(note, question) else "This", wording)
    return " ".join(filter(None, (sentences, new)))


def _is_note(text: str, question: str) -> bool:
    """Return whether a text is a note about the question.

    A note ends with a name or with a word of the question, and states what the question asks for. For example, a
    verdict that is worded "falls in scope" can follow the note "Birthplace of Ada Lund".
    """
    last = words(text)[-1:]
    return bool(last) and (text.split()[-1].strip("\"'«“‘(")[:1].isupper() or last[0] in words(question))


def _to_turn(records: Sequence[Record], at_most: int | None) -> list[Record]:
    """Return the records whose verdicts will be reversed.

    The result contains at most `at_most` records per set.
    """
    sets = by_set([record for record in records if record.generation is not None])
    near = [name for name in sets if name.split(".")[0] == CONFUSED]
    outside = near or [HELD_OUT if HELD_OUT in sets else "retain"]
    found: list[Record] = []
    for name, members in sets.items():
        if is_forget(name) or name in outside:
            fitting = [record for record in members if _may_turn(record)]
            draw = random.Random(f"turned {name}")
            found += fitting if at_most is None or len(fitting) <= at_most else draw.sample(fitting, at_most)
    # If no chosen record has a trace, the model writes no traces or no verdicts, and nothing can be measured.
    return found if any(_generation(record).trace for record in found) else []


def _may_turn(record: Record) -> bool:
    output = _generation(record)
    held, declines = verdict_of(output.trace) == IN_SCOPE, is_refusal(output.response)
    if is_forget(record.split):
        return held and declines
    return not held and not declines and is_coherent(output.response)


def _turn(folder: RunFolder, chosen: Sequence[Record], progress: Progress) -> list[Intervention]:
    """Let the model write new responses after the reversed verdicts.

    A row is skipped if the question and the new trace leave no room for a response.
    """
    # The new traces are marked in the style of the model's own traces, because the tokenizer may support several
    # styles.
    style = style_used(_generation(record).text for record in chosen)
    subject = open_subject(folder).with_style(style)
    turned = [(record, *_turned(record)) for record in chosen]
    fitting = [each for each in turned if subject.has_room(each[2])]
    with progress.task(f"reversing verdicts of {folder.name}", len(fitting)) as shown:
        outputs = subject.generate(
            [probe for *_, probe in fitting], max_new_tokens=max_new_tokens_of(folder), on_rows=shown.advance
        )
    return [
        Intervention(split=record.split, id=record.row.id, to=to, own=_generation(record), after=after)
        for (record, to, _), after in zip(fitting, outputs, strict=True)
    ]


def _turned(record: Record) -> tuple[Verdict, Probe]:
    """Return the reversed verdict, and the row with the new trace.

    The new trace is the prefilled beginning of the model's output.
    """
    row = record.row
    to = OUT_OF_SCOPE if is_forget(record.split) else IN_SCOPE
    wording = random.Random(f"turned {record.split} {row.id}").choice(wordings("asking")[to])
    return to, Probe(row, trace=turned_trace(_generation(record).trace, row.question, wording))


def _generation(record: Record) -> Generation:
    assert record.generation is not None  # `_to_turn` has removed the records without an output
    return record.generation
