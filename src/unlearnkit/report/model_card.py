"""The model card: the README that lies beside a model that was made to forget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from unlearnkit.core.number_format import cost, interval, written
from unlearnkit.data.vocabulary import REFERENCES, ordered_sets
from unlearnkit.metrics.gates import GateResult
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_names import METRICS, ScoreName, metric_title, on_board
from unlearnkit.report.headline import headline
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.sanitize import visible
from unlearnkit.report.tables.board import setting
from unlearnkit.report.tables.judge_table import who_judged
from unlearnkit.report.tables.score_docs import own_scores
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
_LOAD_ENSEMBLE = """\
```python
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.runs.folder import RunFolder

subject = open_subject(RunFolder("."))
```"""
_MEMBERS = (
    "It is an ensemble of LoRA adapters on one base, {members}. Each loads with peft alone. Together they answer by "
    "the mean of their log-probabilities, renormalized: a normalized geometric mean."
)
_BASE = (
    "It is a LoRA adapter, and needs the model it was trained on: `base_model_name_or_path` in "
    "`model/adapter_config.json` says which. If that lies in a folder and is moved, the field has to follow."
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
    members: Sequence[str] = (),
) -> str:
    """The model card of one run, as Markdown for the run's folder.

    Of the scope only the description is told: no subject, alias or secret. `references` are the scores of the target
    model and the retrained one; `adapter` says that `model/` holds a PEFT adapter and not whole weights; `members` are
    the folders within `model/` of an ensemble's adapters.
    """
    settings = ", ".join(f"{_line(name)} {_line(setting(value))}" for name, value in subject.settings.items())
    parts = [
        "---\nlibrary_name: " + ("peft" if adapter or members else "transformers") + "\ntags:\n- machine-unlearning\n"
        "- unlearnkit\n---",
        f"# {_line(subject.title)}",
        "A language model that was made to forget on request, by [unlearnkit](report.html). "
        "What it does with the request was measured; what is left in its weights was not.",
        f"## What was to be forgotten\n\n{_line(scope.description)}\n\nTask: {scope.task}. "
        f"Asked for in: {', '.join(map(_line, scope.languages))}.",
        f"## How\n\nMethod: {_code(subject.method or 'none')}" + (f" with {settings}" if settings else "") + ". "
        + _ENDINGS[subject.ended] + _cost(subject.scores),
        f"## What was measured\n\n{_scores(subject, references or {})}",
    ]  # fmt: skip
    if gates:
        parts.append("## Gates\n\n" + "\n".join(f"- {_code(g.name)}: {_line(g.why)}" for g in gates))
    if limitations:
        parts.append("## Caveats\n\n" + "\n".join(f"- {_line(c)}" for c in limitations))
    load = _LOAD_ENSEMBLE if members else _LOAD_ADAPTER if adapter else _LOAD
    parts.append(f"## How to load it\n\nFrom the folder of this file:\n\n{load}")
    if members:
        parts.append(_MEMBERS.format(members=", ".join(f"`model/{member}`" for member in members)))
    if adapter:
        parts.append(_BASE)
    return "\n\n".join(parts) + "\n"


def _scores(subject: SubjectReport, references: Mapping[str, Mapping[str, Score]]) -> str:
    """A row a set, the headline metric beside that of the references; then the suite's own scores."""
    known = [name for name in REFERENCES if name in references]
    board, beside = on_board(subject.scores), {name: on_board(references[name]) for name in known}
    told = headline([subject.scores, *(references[name] for name in known)])
    others = [m for m in METRICS if m != told.metric and any(n.metric == m for n in board)]
    splits = ordered_sets(name.split for name in board if name.metric in (told.metric, *others))
    head = ["set", told.name, *(f"{told.name} of {name}" for name in known), *(metric_title(m).lower() for m in others)]
    rows = [
        [
            _line(split),
            _score(board.get(ScoreName(split, told.metric))),
            *(_score(beside[name].get(ScoreName(split, told.metric))) for name in known),
            *(_score(board.get(ScoreName(split, metric))) for metric in others),
        ]
        for split in splits
    ]
    parts = [
        _table(head, rows),
        "In brackets the 95 % bootstrap interval over rows.",
        *_own_scores(subject, references),
    ]
    return "\n\n".join(parts)


def _own_scores(subject: SubjectReport, references: Mapping[str, Mapping[str, Score]]) -> list[str]:
    """A table for each kind of scores that the suite brings; what other code makes of them is left to the report."""
    known = [name for name in REFERENCES if name in references]
    own = [own for own in own_scores(subject.scores) if not own.variant]
    parts = []
    for kind, members in groupby(own, key=lambda own: own.kind):
        rows = [
            [
                _line(own.words.title) if own.words.help else _code(own.flat),
                *(
                    _score(scores.get(own.flat), own.flat)
                    for scores in [subject.scores, *(references[n] for n in known)]
                ),
                _line(own.words.help),
            ]
            for own in members
        ]
        judge = _line(who_judged(kind.judge, [subject]))
        table = _table(["score", "value", *(f"of {n}" for n in known), ""], rows)
        parts.append("\n\n".join(filter(None, (f"### {kind.title}", judge, table))))
    return parts


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: names to the left, numbers to the right, a last column without a heading to the left too."""
    sides = ["---" if at == 0 or not name else "--:" for at, name in enumerate(head)]
    lines = [head, sides, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _score(score: Score | None, flat: str = "") -> str:
    known = score or NOT_MEASURED
    if known.value is None:
        return "not measured"
    span = interval(known.low, known.high)
    return written(flat, known.value) + (f" ({span})" if span else "")


def _cost(scores: Mapping[str, Score]) -> str:
    named = (("cost.seconds", "It took"), ("cost.peak_rss_mb", "Peak memory"))
    values = [(words, flat, scores.get(flat, NOT_MEASURED).value) for flat, words in named]
    return "".join(f" {words} {cost(flat, value)}." for words, flat, value in values if value is not None)


def _line(text: str) -> str:
    """Text on one line, with what Markdown or HTML could take for markup escaped."""
    return re.sub(r"([\\<>\[\]|`*#!])", r"\\\1", _flat(text))


def _code(text: str) -> str:
    """Text on one line as code, where nothing but a backtick has to be kept out."""
    return "`" + _flat(text).replace("`", "'") + "`"


def _flat(text: str) -> str:
    return " ".join(visible(text).split())
