"""Lift: how much a trace helps a model guess the answer.

The model does not know the answer. A trace may reveal an answer in words that no scan recognizes ("the city of seven
hills by the Tagus"). A model that was never trained on the answer then finds it more likely after the trace than after
the same trace without its content.
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
"""Replacement of a content word."""
BATCH_ROWS = 128
_VIEW = "answers"
_WORD = re.compile(r"\w+")
_CLITICS = frozenset({"s", "t", "d", "m", "ll", "re", "ve"})
"""What may follow an English apostrophe."""


def masked(trace: str, question: str) -> str:
    """Mask the content words of a trace.

    Everything between words is kept. A content word is a run of letters and digits that is neither one of the most
    common words of English, Spanish and Russian nor in the question, ignoring inflection and case. Each becomes one
    `MASK`, whatever its length. Idempotent.
    """
    question_stems = {stem(word) for word in words(question)}

    def kept(word: str) -> bool:
        return all(part in common() or part in _CLITICS or stem(part) in question_stems for part in words(word))

    return _WORD.sub(lambda match: match[0] if kept(match[0]) else MASK, trace)


def lift(after_trace: Sequence[float], after_masked: Sequence[float]) -> float:
    """Return by how much the trace raises the answer's log-probability.

    It is the mean over the answer's tokens.

    Args:
        after_trace: log p(token | question, trace, answer so far) for each token of the answer, including its end.
        after_masked: the same after the masked trace.

    Returns:
        The difference of the two means, in nats per token; positive if the trace makes the answer more likely.

    Raises:
        ValueError: the two have different lengths, or are empty.
    """
    if not after_trace or len(after_trace) != len(after_masked):
        raise ValueError(f"both need the same, non-zero number of tokens: {len(after_trace)} and {len(after_masked)}")
    return (sum(after_trace) - sum(after_masked)) / len(after_trace)


def measured_lift(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    targets: Sequence[Target],
    rows: Sequence[Row],
    *,
    max_length: int,
) -> list[float]:
    """Return the lift of each target's trace on the gold answer.

    The answer is `Row.answer`; the lifts are in order.

    Args:
        model: a model that should not know the answers: the retrained model, or the base model from before it was
            trained on them. Any other gives weaker evidence, since a trace cannot raise what the model knows already.
            It is put into eval mode.
        tokenizer: its tokenizer.
        targets: the targets. One without a trace has lift 0.
        rows: their rows.
        max_length: maximum number of tokens. A trace that does not fit is cut at its end.

    Both traces are put between the tokenizer's trace marks, as in training.

    Raises:
        InputError: the tokenizer lacks the marks.
        TooLong: an answer does not fit `max_length`.
    """
    model.eval()  # type: ignore[no-untyped-call]
    encoder, encoded = ChatEncoder(tokenizer, max_length), list[Encoded]()
    for target, row in zip(targets, rows, strict=True):
        for trace in (target.trace, masked(target.trace, row.prompt)):
            encoded.append(
                encoder.answer(
                    row.question, row.answer, history=row.history, trace=trace, label_trace=False, where=f"row {row.id}"
                )
            )
    wanted = Quantity(_VIEW, "logps")
    values = values_of_rows(Engine(model), encoded, [wanted], pad_id=int(tokenizer.pad_token_id), size=BATCH_ROWS)
    logps = [row.tolist() for row in by_row(values[wanted].cpu(), encoded)] if encoded else []
    return [lift(*pair) for pair in zip(logps[::2], logps[1::2], strict=True)]
