"""Measuring a subject: one teacher-forced pass and one generation pass over each row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.batching import Pack, pack
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.rows import Row
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.engine import Engine
from unlearnkit.models.generate import generate
from unlearnkit.models.logprob import TokenStatistics
from unlearnkit.records.schema import Record, Tokens

BATCH_ROWS = 256
VIEW = "rows"


def measure(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    sets: Mapping[str, Sequence[Row]],
    *,
    max_length: int,
    max_new_tokens: int,
    unspoken: Collection[str] = (),
    gradients: Collection[str] = (),
    on_rows: Callable[[int], None] = lambda _: None,
) -> list[Record]:
    """Records of the rows of each set, in their order.

    The subject is put into eval mode. Nothing is generated from texts, which have no question.

    Args:
        model: the subject.
        tokenizer: its tokenizer.
        sets: rows by the name of the set that they are measured as a part of.
        max_length: most tokens of a row. Answers that do not fit raise `InputError`.
        max_new_tokens: most tokens of an output.
        unspoken: sets that nothing is generated from.
        gradients: sets on whose rows the norms of the gradient are measured, one backward pass a row.
        on_rows: told the number of rows each time some are done; each row of `gradients` counts a second time.
    """
    model.eval()  # type: ignore[no-untyped-call]
    encoder, pad_id = ChatEncoder(tokenizer, max_length), int(tokenizer.pad_token_id)
    engine = Engine(model).eval()
    named = [(name, row) for name, rows in sets.items() for row in rows]
    answers = [encoded_answers(encoder, row) for _, row in named]
    tokens = token_values(engine, [own for own, *_ in answers], pad_id)
    others = iter(_logps(engine, [other for _, *rest in answers for other in rest], pad_id))
    asked = [at for at, (name, row) in enumerate(named) if row.question and name not in unspoken]
    prompts = [encoder.prompt(named[at][1].question, named[at][1].history) for at in asked]
    said = generate(model, tokenizer, prompts, max_new_tokens=max_new_tokens, on_rows=on_rows)
    generations = dict(zip(asked, said, strict=True))
    on_rows(len(named) - len(asked))
    norms = {
        at: _gradient_norms(engine, answers[at][0], pad_id, on_rows)
        for at, (name, _) in enumerate(named)
        if name in gradients
    }
    records = []
    for at, (name, row) in enumerate(named):
        paraphrased = next(others) if row.paraphrased_answer else None
        records.append(
            Record(
                split=name,
                row=row,
                generation=generations.get(at),
                tokens=tokens[at],
                paraphrased=paraphrased,
                perturbed=[next(others) for _ in row.perturbed_answer],
                gradient_norms=norms.get(at),
            )
        )
    return records


def encoded_answers(encoder: ChatEncoder, row: Row) -> list[Encoded]:
    """The row's answer, then the others whose probability is measured. Raises `TooLong` where one does not fit."""
    answers = [row.answer, *([row.paraphrased_answer] if row.paraphrased_answer else []), *row.perturbed_answer]
    where = f"row {row.id}"
    return [
        encoder.answer(row.question, answer, history=row.history, trace=row.trace, where=where) for answer in answers
    ]


@torch.no_grad()
def token_values(engine: Engine, rows: Sequence[Encoded], pad_id: int) -> list[Tokens]:
    """One teacher-forced pass over each row: values at its labels, those of a trace left out."""
    want, values = Quantity(VIEW, "statistics"), []
    for batch in _packs(engine, rows, pad_id):
        values += _by_row(batch, TokenStatistics.of(engine(batch, [want])[want]))
    return values


@torch.no_grad()
def _logps(engine: Engine, rows: Sequence[Encoded], pad_id: int) -> list[list[float]]:
    want, values = Quantity(VIEW, "logps"), []
    for batch in _packs(engine, rows, pad_id):
        (logps,) = _said(batch, engine(batch, [want])[want])
        values += logps
    return values


def _gradient_norms(engine: Engine, row: Encoded, pad_id: int, on_rows: Callable[[int], None]) -> list[float]:
    """L2 norm of each weight's gradient of the row's mean loss."""
    (batch,) = _packs(engine, [row], pad_id)
    weights = [parameter.requires_grad_() for parameter in engine.model.parameters()]
    spoken = ~batch.labels[VIEW].in_trace
    want = Quantity(VIEW, "logps")
    loss = -engine(batch, [want])[want][spoken].mean()
    # An embedding of positions that were not reached has no gradient.
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    on_rows(1)
    return [0.0 if gradient is None else float(gradient.float().norm()) for gradient in found]


def _packs(engine: Engine, rows: Sequence[Encoded], pad_id: int) -> Iterator[Pack]:
    device = next(engine.parameters()).device
    for start in range(0, len(rows), BATCH_ROWS):
        yield pack({VIEW: rows[start : start + BATCH_ROWS]}, pad_id).to(device)


def _by_row(batch: Pack, statistics: TokenStatistics) -> list[Tokens]:
    columns = (statistics.logps, statistics.ranks, statistics.mean_logps, statistics.var_logps)
    return [
        Tokens(logps=logps, ranks=ranks, mean_logps=means, var_logps=variances)
        for logps, ranks, means, variances in zip(*_said(batch, *columns), strict=True)
    ]


def _said(batch: Pack, *columns: Tensor) -> list[list[list[Any]]]:
    """Each column's values by row, those of the trace left out."""
    labels = batch.labels[VIEW]
    said = ~labels.in_trace
    sizes = torch.bincount(labels.row[said], minlength=labels.rows).tolist()
    return [[part.tolist() for part in torch.split(column[said].cpu(), sizes)] for column in columns]
