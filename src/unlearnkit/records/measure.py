"""Measuring a subject: one teacher-forced pass and one generation pass over each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.data.pack import Pack, pack
from unlearnkit.data.render import Renderer
from unlearnkit.data.rows import Row
from unlearnkit.models.engine import Engine, Want
from unlearnkit.models.generate import generate
from unlearnkit.models.logprob import TokenStatistics
from unlearnkit.records.schema import Record, Tokens

ROWS_AT_ONCE = 256


def measure(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[tuple[str, Row]],
    *,
    max_length: int,
    max_new_tokens: int,
    on_rows: Callable[[int], None] = lambda _: None,
) -> list[Record]:
    """Records of rows, each given with the name of its split.

    Texts, which have no question, are not generated from. The subject is put into eval mode. Answers that do not fit
    `max_length` raise `BadInput`.
    """
    model.eval()  # type: ignore[no-untyped-call]
    renderer = Renderer(tokenizer, max_length)
    tokens = _tokens(model, renderer, [row for _, row in rows], int(tokenizer.pad_token_id))
    # A text asks for nothing, so nothing is generated.
    asked = [at for at, (_, row) in enumerate(rows) if row.question]
    prompts = [renderer.prompt(rows[at][1].question) for at in asked]
    said = generate(model, tokenizer, prompts, max_new_tokens=max_new_tokens, on_rows=on_rows)
    generations = dict(zip(asked, said, strict=True))
    on_rows(len(rows) - len(asked))
    return [
        Record(split=split, row=row, generation=generations.get(at), tokens=values)
        for at, ((split, row), values) in enumerate(zip(rows, tokens, strict=True))
    ]


@torch.no_grad()
def _tokens(model: PreTrainedModel, renderer: Renderer, rows: Sequence[Row], pad_id: int) -> list[Tokens]:
    engine = Engine(model).eval()
    encoded = [renderer.answer(r.question, r.answer, trace=r.trace, where=f"row {r.id}") for r in rows]
    want = Want(statistics=frozenset({"rows"}))
    values: list[Tokens] = []
    for start in range(0, len(encoded), ROWS_AT_ONCE):
        batch = pack({"rows": encoded[start : start + ROWS_AT_ONCE]}, pad_id).to(model.device)
        statistics = engine(batch, want)["rows"].statistics
        values += _by_row(batch, statistics)
    return values


def _by_row(batch: Pack, statistics: TokenStatistics) -> list[Tokens]:
    labels = batch.labels["rows"]
    said = ~labels.in_trace
    sizes = torch.bincount(labels.row[said], minlength=labels.rows).tolist()
    columns = (statistics.logps, statistics.ranks, statistics.mean_logps, statistics.var_logps)
    split = [[part.tolist() for part in torch.split(column[said].cpu(), sizes)] for column in columns]
    return [
        Tokens(logps=logps, ranks=ranks, mean_logps=means, var_logps=variances)
        for logps, ranks, means, variances in zip(*split, strict=True)
    ]
