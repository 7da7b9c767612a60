"""Lift: how much a trace helps a model guess the answer.

A trace may reveal an answer in words that no scan recognizes ("the city of seven hills by the Tagus"). Lift detects
such a trace. Lift is measured with a model that was never trained on the answer. If the trace reveals the answer, the
model finds the answer more likely after the trace than after the same trace with its content words masked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.batches import by_row, values_of_rows
from unlearnkit.models.engine import Engine
from unlearnkit.text.spellings import common, stem, words

MASK = "…"
"""Text that replaces a masked word."""
BATCH_ROWS = 128
_VIEW = "answers"
_WORD = re.compile(r"\w+")
_CLITICS = frozenset({"s", "t", "d", "m", "ll", "re", "ve"})
"""Parts of English words after an apostrophe."""


def masked(trace: str, question: str) -> str:
    """Mask the content words of a trace.

    A content word is a run of letters and digits that is neither one of the most common words of English, Spanish and
    Russian nor a word of the question. Inflection and case are ignored in this comparison. Each content word is
    replaced by one `MASK`, whatever its length. All text between words is kept. Masking a masked trace changes nothing.
    """
    question_stems = {stem(word) for word in words(question)}

    def kept(word: str) -> bool:
        return all(part in common() or part in _CLITICS or stem(part) in question_stems for part in words(word))

    return _WORD.sub(lambda match: match[0] if kept(match[0]) else MASK, trace)


def lift(after_trace: Sequence[float], after_masked: Sequence[float]) -> float:
    """Return by how much the trace raises the answer's log-probability.

    Args:
        after_trace: log p(token | question, trace, answer so far) for each token of the answer, including the end
            token.
        after_masked: the same log-probabilities, with the masked trace instead of the trace.

    Returns:
        Mean of `after_trace` minus mean of `after_masked`, in nats per token. The result is positive if the trace makes
        the answer more likely.

    Raises:
        ValueError: the sequences have different lengths or are empty.
    """
    if not after_trace or len(after_trace) != len(after_masked):
        raise ValueError(
            "after_trace and after_masked need the same, non-zero number of tokens: "
            f"{len(after_trace)} and {len(after_masked)}"
        )
    return (sum(after_trace) - sum(after_masked)) / len(after_trace)


def measured_lift(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    targets: Sequence[Target],
    rows: Sequence[Row],
    *,
    max_length: int,
) -> list[float]:
    """Return how strongly each target's trace reveals the gold answer.

    The gold answer is `Row.answer`. The result contains the lift of each target's trace (see `lift`), in the order of
    the targets. The trace and the masked trace are put between the tokenizer's trace markers, as in training.

    Args:
        model: a model that should not know the answers: the retrained model, or the base model before it was trained on
            the answers. Any other model gives weaker evidence: if a model already knows an answer, no trace can make
            this answer much more likely. The model is put into eval mode.
        tokenizer: the model's tokenizer.
        targets: the targets. A target without a trace has lift 0.
        rows: the row of each target.
        max_length: maximum number of tokens of question, trace and answer. A trace that does not fit is cut at its end.

    Raises:
        InputError: the tokenizer has no trace markers.
        TooLong: an answer does not fit into `max_length`.
    """
    model.eval()  # type: ignore[no-untyped-call]
    encoder, encoded = ChatEncoder(tokenizer, max_length), list[Encoded]()
    for target, row in zip(targets, rows, strict=True):
        for trace in (target.trace, masked(target.trace, row.prompt)):
            encoded.append(
                encoder.answer(
                    row.question,
                    row.answer,
                    history=row.history,
                    continues=row.continues,
                    trace=trace,
                    label_trace=False,
                    where=f"row {row.id}",
                )
            )
    wanted = Quantity(_VIEW, "logps")
    values = values_of_rows(Engine(model), encoded, [wanted], pad_id=int(tokenizer.pad_token_id), size=BATCH_ROWS)
    logps = [row.tolist() for row in by_row(values[wanted].cpu(), encoded)] if encoded else []
    return [lift(*pair) for pair in zip(logps[::2], logps[1::2], strict=True)]
