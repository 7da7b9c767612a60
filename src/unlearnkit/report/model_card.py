"""The model card: the README that lies beside a model that was made to forget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.headline import headline
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.sanitize import visible
from unlearnkit.report.tables.board import board, cell, setting
from unlearnkit.report.tables.own import who_judged
from unlearnkit.report.tables.table import Cell, Column, Row, Section, Table
from unlearnkit.report.tables.writers import markdown
from unlearnkit.scope.scope import Scope

_LOAD = """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("model")
tokenizer = AutoTokenizer.from_pretrained("model")
```"""
_LOAD_ADAPTER = """\
```python
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

model = AutoPeftModelForCausalLM.from_pretrained("model")
tokenizer = AutoTokenizer.from_pretrained("model")
```"""
_BASE = (
    "It is a LoRA adapter, and needs the model it was trained on: `base_model_name_or_path` in "
    "`model/adapter_config.json` says which. If that lies in a folder and is moved, the field has to follow."
)
_LOAD_GUARDED = """\
```python
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.runs.folder import RunFolder

subject = open_subject(RunFolder("."))
```"""
_GUARDED = (
    "**Nothing was erased; whoever can reach the weights meets the model as it was.** The guard needs the model that "
    "`subject.json` names, and its scope in `private/`, which `unlearn purge` removes."
)
_ENDINGS = {
    "finished": "Training ended as planned.",
    "collapsed": "**Training collapsed**: it stopped at a non-finite loss, and this is the last finite checkpoint.",
    "interrupted": "**Training was interrupted**: these are the weights of its last checkpoint.",
}


def model_card(
    subject: SubjectReport,
    scope: Scope,
    *,
    references: Mapping[str, Mapping[str, Score]] | None = None,
    gates: Sequence[GateResult] = (),
    limitations: Sequence[str] = (),
    adapter: bool = False,
    docs: ScoreDocs | None = None,
) -> str:
    """The model card of one run, as Markdown for the run's folder.

    Of the scope only the description is told: no subject, alias or secret. `references` are the scores of the target
    model and the retrained one, `docs` the docs of all scores; `adapter` says that `model/` holds a PEFT adapter and
    not whole weights.
    """
    known, scores = docs or ScoreDocs(), references or {}
    beside = (SubjectReport(name=name, title=name, scores=dict(scores[name])) for name in REFERENCES if name in scores)
    subjects = [subject, *beside]
    settings = ", ".join(f"{_line(name)} {_line(setting(value))}" for name, value in subject.settings.items())
    parts = [
        "---\nlibrary_name: " + ("peft" if adapter else "transformers") + "\ntags:\n- machine-unlearning\n"
        "- unlearnkit\n---",
        f"# {_line(subject.title)}",
        f"A language model behind a guard of [unlearnkit](report.html). {_GUARDED}"
        if subject.guarded
        else "A language model that was made to forget on request, by [unlearnkit](report.html). "
        "What it does with the request was measured; what is left in its weights was not.",
        f"## What was to be forgotten\n\n{_line(scope.description)}\n\nTask: {scope.task}. "
        f"Asked for in: {', '.join(map(_line, scope.languages))}.",
        f"## How\n\nMethod: {_code(subject.method or 'none')}" + (f" with {settings}" if settings else "") + ". "
        + ("Nothing was trained." if subject.guarded else _ENDINGS[subject.ended]) + _cost(subject, known),
        f"## What was measured\n\n{_scores(subjects, known)}",
    ]  # fmt: skip
    if gates:
        parts.append("## Gates\n\n" + "\n".join(f"- {_code(g.name)}: {_line(g.why)}" for g in gates))
    if limitations:
        parts.append("## Caveats\n\n" + "\n".join(f"- {_line(c)}" for c in limitations))
    load = _LOAD_GUARDED if subject.guarded else _LOAD_ADAPTER if adapter else _LOAD
    parts.append(f"## How to load it\n\nFrom the folder of this file:\n\n{load}")
    if adapter:
        parts.append(_BASE)
    return "\n\n".join(parts) + "\n"


def _scores(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> str:
    """The first subject's board, a row a set, beside the headline metric of the references; then its other scores."""
    subject, *references = subjects
    found, told = board(subjects, docs), headline((s.scores for s in subjects), docs)
    measured = {s.name for s in found.sections if any(r.name == subject.name and r.is_measured for r in s.rows)}
    picks = [(told.metric, subject.name, told.name)] if told.metric in {s.name for s in found.sections} else []
    picks += [(told.metric, each.name, f"{told.name} of {each.name}") for each in references if picks]
    others = [name for name in docs.ordered(measured - {told.metric}) if docs.metric(name).listed]
    picks += [(name, subject.name, docs.metric(name).title.lower()) for name in others]
    table = found.picked(picks)
    own = [at for at, (_, name, _) in enumerate(picks) if name == subject.name]
    rows = tuple(row._replace(title=_line(row.title)) for row in table.rows if any(row.cells[at].value for at in own))
    parts = [markdown(table._replace(sections=(Section("", "", rows),)))] if picks else []
    return "\n\n".join([*parts, "In brackets the 95 % bootstrap interval over rows.", *_own_scores(subjects, docs)])


def _own_scores(subjects: Sequence[SubjectReport], docs: ScoreDocs) -> list[str]:
    """A table for each kind of scores that are not on the board; what is folded away is left to the report."""
    names = set(subjects[0].scores)
    heads = [Column("", "value"), *(Column("", f"of {s.name}") for s in subjects[1:]), Column("", "", text=True)]
    parts = []
    for kind, members in groupby(docs.own(names), key=lambda own: own.table):
        rows = tuple(
            Row(
                own.flat,
                _line(own.doc.title) if own.doc.help else _code(own.flat),
                (*(cell(s.scores.get(own.flat), own.doc) for s in subjects), Cell(_line(own.doc.help))),
            )
            for own in members
            if not own.doc.variant
        )
        judge = _line(who_judged(kind.judge, subjects[:1]))
        table = markdown(Table(tuple(heads), (Section("", "", rows),), corner="score"))
        parts.append("\n\n".join(filter(None, (f"### {kind.title}", judge, table))))
    return parts


def _cost(subject: SubjectReport, docs: ScoreDocs) -> str:
    named = (("It took", "cost.seconds"), ("Peak memory", "cost.peak_rss_mb"))
    values = [(words, flat, subject.scores.get(flat, NOT_MEASURED).value) for words, flat in named]
    return "".join(f" {words} {docs.written(flat, value)}." for words, flat, value in values if value is not None)


def _line(text: str) -> str:
    """Text on one line, with what Markdown or HTML could take for markup escaped."""
    return re.sub(r"([\\<>\[\]|`*#!])", r"\\\1", _flat(text))


def _code(text: str) -> str:
    """Text on one line as code, where nothing but a backtick has to be kept out."""
    return "`" + _flat(text).replace("`", "'") + "`"


def _flat(text: str) -> str:
    return " ".join(visible(text).split())
