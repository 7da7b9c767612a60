"""Lift: how much a trace helps a model that does not know the answer to say it.

A trace may give an answer away in words that no scan knows for it ("the city of seven hills by the Tagus"). A model to
which the answer was never taught then finds it likelier after the trace than after the same trace without its content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.engine import Engine
from unlearnkit.text.spellings import common, stem, words

MASK = "…"
"""What stands in the place of a content word."""
BATCH_ROWS = 128
_VIEW = "answers"
_WORD = re.compile(r"\w+")
_CLITICS = frozenset({"s", "t", "d", "m", "ll", "re", "ve"})
"""What stands behind an English apostrophe."""


def masked(trace: str, question: str) -> str:
    """The trace with its content words masked, everything between the words kept.

    A content word is a run of letters and digits that is not among the commonest words of English, Spanish and Russian
    and does not stand in the question, inflection and case left out of account. Each becomes one `MASK`, whatever its
    length. Masking what is masked changes nothing.
    """
    asked = {stem(word) for word in words(question)}

    def kept(word: str) -> bool:
        return all(part in common() or part in _CLITICS or stem(part) in asked for part in words(word))

    return _WORD.sub(lambda found: found[0] if kept(found[0]) else MASK, trace)


def lift(after_trace: Sequence[float], after_masked: Sequence[float]) -> float:
    """Mean log-probability of the answer's tokens after the trace less that after the masked trace.

    Nats per token: above 0 where the trace raises the answer's probability. Raises `ValueError` where the two are not
    of one and the same answer, or of none.

    Args:
        after_trace: log p(token | question, trace, answer so far) for each token of the answer, its end included.
        after_masked: the same after the masked trace.
    """
    if not after_trace or len(after_trace) != len(after_masked):
        raise ValueError(f"log-probabilities of one answer are needed: {len(after_trace)} and {len(after_masked)}")
    return (sum(after_trace) - sum(after_masked)) / len(after_trace)


def measured_lift(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    targets: Sequence[Target],
    rows: Sequence[Row],
    *,
    max_length: int,
) -> list[float]:
    """The lift of each target's trace on its row's gold answer (`Row.answer`), in order.

    The model should not know the answers: the retrained twin; else the base model from before they were taught; any
    other tells less, since what it knows already the trace cannot raise. It is put into eval mode. Both traces are laid
    out between the tokenizer's marks of a thought, as in training. A target without a trace has lift 0.

    Raises `InputError` where a tokenizer does not know the marks, and `TooLong` where an answer does not fit
    `max_length`; a trace that does not fit is cut at its end.
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
    logps = _answer_logps(Engine(model).eval(), encoded, int(tokenizer.pad_token_id))
    return [lift(*pair) for pair in zip(logps[::2], logps[1::2], strict=True)]


@torch.no_grad()
def _answer_logps(engine: Engine, encoded: Sequence[Encoded], pad_id: int) -> list[list[float]]:
    """Log-probabilities of the labeled tokens of each row."""
    device, found = next(engine.parameters()).device, list[list[float]]()
    for start in range(0, len(encoded), BATCH_ROWS):
        batch = pack({_VIEW: encoded[start : start + BATCH_ROWS]}, pad_id).to(device)
        want = Quantity(_VIEW, "logps")
        logps = engine(batch, [want])[want]
        sizes = torch.bincount(batch.labels[_VIEW].row, minlength=batch.labels[_VIEW].rows).tolist()
        found += [part.tolist() for part in torch.split(logps.cpu(), sizes)]
    return found
