"""Measuring a subject on rows that are put to it in another way than plainly: with an output begun in its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from unlearnkit.data.encoding import ChatEncoder, Encoded, TooLong
from unlearnkit.data.trace_format import Style
from unlearnkit.models.engine import Engine
from unlearnkit.models.generate import generate
from unlearnkit.records.measure import token_values
from unlearnkit.records.probe import Probe, ProbeResult
from unlearnkit.records.schema import Record


def measure_probes(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    sets: Mapping[str, Sequence[Probe]],
    *,
    max_length: int,
    max_new_tokens: int,
    style: Style | None = None,
    on_rows: Callable[[int], None] = lambda _: None,
) -> ProbeResult:
    """Records of rows as they are put.

    The generation of a record is the whole output, what was begun included. Its tokens are those of the gold answer
    after what was begun; where nothing was, of the whole answer after the row's own trace, as `measure` has it.

    Args:
        model: the subject. It is put into eval mode.
        tokenizer: its tokenizer.
        sets: rows, as they are put, by the set that they are measured as a part of. Every row asks something.
        max_length: most tokens of a row.
        max_new_tokens: most tokens of an output, without what was begun.
        style: how the subject marks a reasoning trace; None: the first whose tokens its tokenizer knows.
        on_rows: told the number of rows each time some are done.
    """
    model.eval()
    encoder = ChatEncoder(tokenizer, max_length, style=style)
    fitting: list[tuple[str, Probe, Encoded]] = []
    too_long: dict[str, int] = {}
    for name, puts in sets.items():
        for put in puts:
            try:
                fitting.append((name, put, _gold(encoder, put)))
            except TooLong:
                too_long[name] = too_long.get(name, 0) + 1
    on_rows(sum(too_long.values()))
    encoded = [gold for *_, gold in fitting]
    tokens = token_values(Engine(model).eval(), encoded, int(tokenizer.pad_token_id)) if encoded else []
    said = generate(
        model,
        tokenizer,
        [encoder.prompt(put.row.question, put.row.history) for _, put, _ in fitting],
        begun=[_begun(encoder, put) for _, put, _ in fitting],
        max_new_tokens=max_new_tokens,
        on_rows=on_rows,
    )
    records = [
        Record(split=name, row=put.row, generation=generation, tokens=values)
        for (name, put, _), generation, values in zip(fitting, said, tokens, strict=True)
    ]
    return ProbeResult(records, too_long)


def _begun(encoder: ChatEncoder, put: Probe) -> tuple[int, ...]:
    return encoder.prefill(put.trace, put.answer) if put.begun else ()


def _gold(encoder: ChatEncoder, put: Probe) -> Encoded:
    """The gold answer after exactly what was begun."""
    row, where = put.row, f"row {put.row.id}"
    if not put.begun:
        return encoder.answer(row.question, row.answer, history=row.history, trace=row.trace, where=where)
    context = (*encoder.prompt(row.question, row.history), *_begun(encoder, put))
    return encoder.continuation(context, row.answer[len(put.answer) :], where=where)
