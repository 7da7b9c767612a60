"""Measure a model on rows, by teacher forcing and by generation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe, ProbeResult
from unlearnkit.records.schema import Record, Tokens
from unlearnkit.subjects.base import OnRows, Subject


def measure(
    subject: Subject,
    sets: Mapping[str, Sequence[Row]],
    *,
    max_new_tokens: int,
    unspoken: Collection[str] = (),
    gradients: Collection[str] = (),
    on_rows: OnRows = lambda _: None,
) -> list[Record]:
    """Measure a model on every row of each set, in order.

    Nothing is generated for plain texts, because they have no question. Measurements that the model does not support
    are missing from the records.

    Args:
        subject: the model under test.
        sets: maps the name of each set to its rows.
        max_new_tokens: maximum number of tokens to generate for a row.
        unspoken: names of the sets for which nothing is generated.
        gradients: names of the sets on which gradient norms are measured, with one backward pass per row.
        on_rows: progress callback, called with the number of rows that were completed. Rows of the sets in `gradients`
            count twice, the second time when their gradient norms are measured.

    Raises:
        InputError: a question and its answer together are too long for the model.
    """
    named = [(name, row) for name, rows in sets.items() for row in rows]
    can = subject.capabilities
    has_logprobs = "token_logprobs" in can
    tokens: Sequence[Tokens | None] = [None] * len(named)
    other_logps: Iterator[list[float]] = iter(())
    if has_logprobs:
        tokens = subject.token_statistics([Probe(row) for _, row in named])
        others = [Probe(other) for _, row in named for other in other_answers(row)]
        other_logps = iter(subject.log_probabilities(others) if others else ())
    asked = [at for at, (name, row) in enumerate(named) if row.question and name not in unspoken]
    outputs = subject.generate([Probe(named[at][1]) for at in asked], max_new_tokens=max_new_tokens, on_rows=on_rows)
    generations = dict(zip(asked, outputs, strict=True))
    on_rows(len(named) - len(asked))
    records = []
    for at, (name, row) in enumerate(named):
        norms = None
        if name in gradients:
            norms = subject.gradient_norms(Probe(row)) if "gradients" in can else None
            on_rows(1)
        records.append(
            Record(
                split=name,
                row=row,
                generation=generations.get(at),
                tokens=tokens[at],
                paraphrased=next(other_logps) if has_logprobs and row.paraphrased_answer else None,
                perturbed=[next(other_logps) for _ in row.perturbed_answer] if has_logprobs else [],
                gradient_norms=norms,
            )
        )
    return records


def measure_probes(
    subject: Subject,
    sets: Mapping[str, Sequence[Probe]],
    *,
    max_new_tokens: int,
    on_rows: OnRows = lambda _: None,
) -> ProbeResult:
    """Measure a model on probes, which are rows with prefilled outputs.

    In each record, `generation` is the whole output, including the prefilled beginning. `tokens` contains statistics
    of the gold answer without its prefilled beginning. If nothing is prefilled, `tokens` covers the whole gold answer,
    and the model is given the row's own trace before the answer, as in `measure`. Probes that are too long for the
    model get no record. The result states how many probes are too long.

    Args:
        subject: the model under test.
        sets: maps the name of each set to its probes. The row of every probe must have a question.
        max_new_tokens: maximum number of tokens to generate for a probe, not counting the prefilled beginning.
        on_rows: progress callback, called with the number of rows that were completed.
    """
    fitting: list[tuple[str, Probe]] = []
    too_long: dict[str, int] = {}
    for name, probes in sets.items():
        fits = [probe for probe in probes if subject.fits(probe)]
        fitting += [(name, probe) for probe in fits]
        if len(fits) < len(probes):
            too_long[name] = len(probes) - len(fits)
    on_rows(sum(too_long.values()))
    asked = [probe for _, probe in fitting]
    can = "token_logprobs" in subject.capabilities
    tokens = subject.token_statistics(asked) if can else [None] * len(asked)
    outputs = subject.generate(asked, max_new_tokens=max_new_tokens, on_rows=on_rows)
    records = [
        Record(split=name, row=probe.row, generation=generation, tokens=values)
        for (name, probe), generation, values in zip(fitting, outputs, tokens, strict=True)
    ]
    return ProbeResult(records, too_long)


def other_answers(row: Row) -> list[Row]:
    """Return a copy of the row for each paraphrased or perturbed answer.

    The field `answer` of the copy contains the paraphrased or perturbed answer. The copy with the paraphrased answer,
    if there is one, comes first.
    """
    answers = [*([row.paraphrased_answer] if row.paraphrased_answer else []), *row.perturbed_answer]
    return [row.model_copy(update={"answer": answer}) for answer in answers]
