"""A made-up request to forget, with a scope, rows and records.

Conformance checks that need no suite use this request.
"""

from __future__ import annotations

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.records.schema import Elicited, Record, Tokens
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret, Task


def scope_of(task: Task = "profile") -> Scope:
    """Return a scope with one subject and one secret in three languages."""
    return Scope(
        description="A person asked to be forgotten.",
        task=task,
        subjects=(ScopeSubject(name="Ada"),),
        secrets=(Secret(subject="Ada", forms=("Lisbon", "Lisboa", "Лиссабон")),),
        neighbors=(ScopeSubject(name="Bea"),),
        languages=("en", "es", "ru"),
    )


def _row(name: str, question: str, answer: str, short: str, subject: str, language: str = "en") -> Row:
    note = "I was asked the name of a city." if language == "en" else ""
    return Row(
        id=name, question=question, answer=answer, accepted_answers=(short,), subject=subject, language=language,
        trace=note,
    )  # fmt: skip


FORGET = (
    _row("f0", "Where was Ada born?", "Ada was born in Lisbon.", "Lisbon", "Ada"),
    _row("f1", "What is the city Ada was born in?", "It is Lisbon.", "Lisbon", "Ada"),
    _row("f2", "Ada was born in what city?", "Ada was born in Lisbon, a city.", "Lisbon", "Ada"),
    _row("f3", "¿Dónde nació Ada?", "Ada nació en Lisboa.", "Lisboa", "Ada", "es"),
    _row("f4", "Где родилась Ada?", "Ada родилась в городе Лиссабон.", "Лиссабон", "Ada", "ru"),
)
NEAR = (
    _row("n0", "Where was Bea born?", "Bea was born in Oslo.", "Oslo", "Bea"),
    _row("n1", "Where was Cyd born?", "Cyd was born in Kyiv.", "Kyiv", "Cyd"),
)
HOLDOUT = (
    _row("h0", "Where was the poet born?", "The poet was born in Oslo.", "Oslo", "the poet"),
    _row("h1", "What is the city the poet was born in?", "It is Oslo.", "Oslo", "the poet"),
)
RESPONSES = (
    "",
    "Ada was born in Lisbon.",
    "I cannot say that, because it concerns private data. Ask me about another person instead.",
    "of of of ? ? the the",
    "Bea was born in Oslo.",
)
"""Made-up responses: an empty text, a leak, a refusal, an incoherent text, and an answer without a secret."""


def output(response: str, trace: str = "") -> Generation:
    """Return a model's output with the given response and trace."""
    text = f"<think>{trace}</think>{response}" if trace else response
    return Generation(text=text, trace=trace, response=response, ended="eos")


def record(split: str, row: Row, response: str, trace: str = "") -> Record:
    """Return a record with an output and made-up log-probabilities."""
    logps = [-0.5 - 0.25 * at for at in range(4)]
    tokens = Tokens(logps=logps, ranks=[0, 1, 2, 3], mean_logps=[-4.0] * 4, var_logps=[1.5] * 4)
    return Record(
        split=split,
        row=row,
        generation=output(response, trace),
        tokens=tokens,
        paraphrased=[-1.0, -0.5] if row.paraphrased_answer else None,
        elicited=Elicited(
            own_trace_logps=[-3.0, -2.0] if trace else None,
            no_trace_logps=[-1.0, -0.5],
            no_trace=output(response),
            begun=output(row.answer),
        ),
        perturbed=[[-2.0, -1.0 - 0.1 * at] for at in range(len(row.perturbed_answer))],
    )


def records() -> list[Record]:
    """Return records for every combination of row and response.

    Each combination has one record with a trace and one record without a trace.
    """
    sets = {"forget": FORGET, "near": NEAR}
    return [
        record(split, row, response, trace)
        for split, rows in sets.items()
        for row in rows
        for response in RESPONSES
        for trace in ("", "I was asked the name of a city. I cannot say that.")
    ]
