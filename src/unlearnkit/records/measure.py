"""Measure a subject: one teacher-forced pass and one generation pass over each row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from unlearnkit.data.rows import Row
from unlearnkit.records.probe import Probe, ProbeResult
from unlearnkit.records.schema import Record
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
    """Measure the rows of each set as they are, in their order.

    Nothing is generated for texts, which have no question. What the subject does not offer is left out of the records.

    Args:
        subject: the model under test.
        sets: rows by the name of the set that they belong to.
        max_new_tokens: limit for the tokens of an output.
        unspoken: sets for which nothing is generated.
        gradients: sets on whose rows the norms of the gradient are measured, one backward pass for each row.
        on_rows: called with a number of rows each time some are done; each row of `gradients` counts twice.

    Raises:
        InputError: an answer does not fit the model.
    """
    named = [(name, row) for name, rows in sets.items() for row in rows]
    can = subject.capabilities
    tokens = subject.token_statistics([Probe(row) for _, row in named]) if "token_logprobs" in can else None
    others = [other for _, row in named for other in other_answers(row)] if "token_logprobs" in can else []
    other_logps = iter(subject.log_probabilities([Probe(other) for other in others]) if others else [])
    asked = [at for at, (name, row) in enumerate(named) if row.question and name not in unspoken]
    outputs = subject.generate([Probe(named[at][1]) for at in asked], max_new_tokens=max_new_tokens, on_rows=on_rows)
    generations = dict(zip(asked, outputs, strict=True))
    on_rows(len(named) - len(asked))
    norms: dict[int, list[float]] = {}
    for at, (name, row) in enumerate(named):
        if name in gradients:
            if "gradients" in can:
                norms[at] = subject.gradient_norms(Probe(row))
            on_rows(1)
    records = []
    for at, (name, row) in enumerate(named):
        measured = tokens is not None
        records.append(
            Record(
                split=name,
                row=row,
                generation=generations.get(at),
                tokens=tokens[at] if tokens is not None else None,
                paraphrased=next(other_logps) if measured and row.paraphrased_answer else None,
                perturbed=[next(other_logps) for _ in row.perturbed_answer] if measured else [],
                gradient_norms=norms.get(at),
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
    """Measure rows with outputs that begin as the probes say.

    The generation of a record is the whole output, its beginning included. Its tokens are those of the gold answer
    after that beginning; without one, of the whole answer after the row's own trace, as `measure` has it. A probe that
    does not fit the model is left out and counted.

    Args:
        subject: the model under test.
        sets: probes by the name of the set that they belong to. Every row asks something.
        max_new_tokens: limit for the tokens of an output, without its beginning.
        on_rows: called with a number of rows each time some are done.
    """
    fitting: list[tuple[str, Probe]] = []
    too_long: dict[str, int] = {}
    for name, probes in sets.items():
        for probe in probes:
            if subject.fits(probe):
                fitting.append((name, probe))
            else:
                too_long[name] = too_long.get(name, 0) + 1
    on_rows(sum(too_long.values()))
    probes = [probe for _, probe in fitting]
    can = "token_logprobs" in subject.capabilities
    tokens = subject.token_statistics(probes) if can else [None] * len(probes)
    outputs = subject.generate(probes, max_new_tokens=max_new_tokens, on_rows=on_rows)
    records = [
        Record(split=name, row=probe.row, generation=generation, tokens=values)
        for (name, probe), generation, values in zip(fitting, outputs, tokens, strict=True)
    ]
    return ProbeResult(records, too_long)


def other_answers(row: Row) -> list[Row]:
    """Return the row once with its paraphrased answer and once with each perturbed one in place of the answer."""
    answers = [*([row.paraphrased_answer] if row.paraphrased_answer else []), *row.perturbed_answer]
    return [row.model_copy(update={"answer": answer}) for answer in answers]
