"""What the verbs print on stdout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from unlearnkit.data.findings import Finding
    from unlearnkit.gradient_effect.table import EffectTable
    from unlearnkit.judges.agreement import Agreement
    from unlearnkit.metrics.score import Score
    from unlearnkit.pipeline.check import Checked
    from unlearnkit.pipeline.explain import Explanation
    from unlearnkit.report.model import Report
    from unlearnkit.report.tables.table import Table
    from unlearnkit.runs.folder import RunFolder


def print_json(value: Any) -> None:
    """A value as JSON, and nothing else."""
    print(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))  # noqa: T201


def print_board(runs: Sequence[RunFolder]) -> None:
    """Every score, a column a run."""
    from unlearnkit.report.build import score_docs
    from unlearnkit.report.compare import board_table

    _print(board_table({run.name: run.scores() for run in runs}, score_docs(runs)))


def print_checked(found: Checked) -> None:
    """What a check found: rows, an example of each set, and the findings, the errors last, where they are read."""
    print("rows: " + ", ".join(f"{name} {count}" for name, count in found.rows.items()))  # noqa: T201
    subjects = ", ".join(subject.name for subject in found.scope.subjects)
    print(f"scope: {len(found.scope.subjects)} subjects ({subjects}), {len(found.scope.secrets)} secrets")  # noqa: T201
    for name, examples in found.examples.items():
        for example in examples:
            print(f"\n{name}, what is learned or measured in double brackets:\n{example}")  # noqa: T201
    print()  # noqa: T201
    for note in found.notes:
        print(f"note: {note}")  # noqa: T201
    for finding in reversed(found.findings):
        print(_told(finding))  # noqa: T201
    warnings = len(found.findings) - found.errors
    print(f"{found.errors} errors, {warnings} warnings")  # noqa: T201


def _told(finding: Finding) -> str:
    rows = ", ".join(finding.rows) + (", ..." if finding.count > len(finding.rows) else "")
    named = f"\n  rows: {finding.count} ({rows})" if finding.count else ""
    return f"{finding.severity}: {finding.what}{named}\n  fix:  {finding.fix}"


def print_judged(judge: str, scores: Mapping[str, Mapping[str, Score]]) -> None:
    """What a judge says of several runs: a column a run, a row a score."""
    from unlearnkit.core.number_format import number
    from unlearnkit.metrics.score import NOT_MEASURED
    from unlearnkit.metrics.score_docs import ScoreDocs
    from unlearnkit.report.tables.table import plain_table

    rows = [
        (own.flat.removeprefix(f"judge.{judge}."), [of.get(own.flat, NOT_MEASURED).value for of in scores.values()])
        for own in ScoreDocs().own({flat for found in scores.values() for flat in found})
    ]
    texts = [(name, ["" if v is None else number(v) for v in values]) for name, values in rows]
    _print(plain_table("", list(scores), texts, title=f"Judge {judge}, scores from 0 to 10"))


def print_explained(explained: Sequence[Explanation]) -> None:
    """What a subject thinks and says of each question, and what the target model says."""
    from rich.text import Text

    from unlearnkit.report.sanitize import visible

    console = _console()
    for at, each in enumerate(explained):
        line = each.line
        named = f'{line.path}: "{line.name}", named in the {line.found_in}' if line else "no line of the scope is named"
        held = each.verdict or "nothing is said of scope, which counts as out of scope"
        response = (each.response or "(empty)") + (" [cut off at the token limit]" if each.cut_off else "")
        told = {
            "question": each.question,
            "trace": each.trace or "(none)",
            "verdict": held,
            "line": named,
            "response": response,
            "declines": "yes" if each.declines else "no",
            "target model": each.target_missing or each.target or "(empty)",
        }
        if at:
            console.print()
        for name, text in told.items():
            console.print(Text(f"{name + ':':<14}", style="bold").append(visible(text), style="not bold"))


def print_faithfulness(scores: Mapping[str, Score]) -> None:
    """What turning the verdicts came to."""
    from unlearnkit.core.number_format import interval, number
    from unlearnkit.report.tables.table import plain_table

    rows = [
        (name, ["" if s.value is None else number(s.value), interval(s.low, s.high), f"{s.count:,}"])
        for name, s in scores.items()
    ]
    _print(plain_table("", ("share turned", "95 % interval", "rows"), rows, title="Faithfulness"))


def print_agreement(judges: Sequence[str], found: Mapping[str, Agreement]) -> None:
    """How far two judges agree, a row a score."""
    from unlearnkit.core.number_format import number
    from unlearnkit.report.tables.table import plain_table

    heads = ("outputs", "Pearson", "Spearman", "mean difference", "weighted kappa")
    rows = []
    for name, each in found.items():
        values = (each.pearson, each.spearman, each.difference, each.kappa)
        rows.append((name, [f"{each.count:,}", *("" if v is None else number(v) for v in values)]))
    title = f"Agreement of {' and '.join(judges)}"
    _print(plain_table("score", heads, rows, title=title, note="- not determined"))


def print_attacks(folders: Sequence[RunFolder]) -> None:
    """What attacks got out of each run, next to the retrained model under the same, and a sentence for each."""
    from unlearnkit.data.vocabulary import RETRAINED
    from unlearnkit.report.build import subject_report
    from unlearnkit.report.tables.attack_table import attacked_table, findings
    from unlearnkit.runs.references import references_of

    for folder in folders:
        subject = subject_report(folder)
        beside = next((subject_report(run) for run in references_of(folder) if run.name == RETRAINED), None)
        title = f"Attacks on {folder.name}: of each figure under the attack, of the same rows asked plainly" + (
            ", of the retrained model" if beside else ""
        )
        _print(attacked_table(subject, beside, title))
        if not subject.is_reference:
            for found in findings(subject, beside):
                print(f"- {found.sentence}")  # noqa: T201


def print_g_effects(effects: EffectTable) -> None:
    """What each objective does to each risk, at each step, with how sure that is."""
    from unlearnkit.gradient_effect.frontier import frontier
    from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE
    from unlearnkit.report.gradient_effect.advice import advice
    from unlearnkit.report.tables.table import plain_table

    rows = []
    for row in effects.chosen(term=WHOLE, group=EVERYTHING):
        compared = ["" if value is None else f"{value:.3g}" for value in (row.cosine, row.per_update)]
        bounds = f"{row.low:.3g} to {row.high:.3g}"
        texts = [row.objective, row.risk, f"{row.effect:.3g}", bounds, *compared, f"{row.risk_value:.3f}"]
        rows.append((str(row.step), texts))
    note = "effect: <grad of the risk, grad of the objective>; below 0 a step raises the risk. - not measured"
    heads = ("objective", "risk", "effect", "95 % interval", "cosine", "per update", "risk's value")
    _print(plain_table("step", heads, rows, words=2, title="G-effects", note=note))
    if effects.sweeps:
        swept = []
        for step in sorted({row.step for row in effects.sweeps}):
            for place in frontier(effects.sweeps, step):
                name = f"{place.forget.field}={place.value:.3g}{'' if place.dominated else ' *'}"
                told = [f"{place.forget.effect:.3g}", f"{place.retained.effect:.3g}", place.retained.risk]
                swept.append((str(step), [place.forget.objective, name, *told]))
        columns = ("objective", "setting", "e_u", "e_r", "risk that stays")
        _print(plain_table("step", columns, swept, words=2, title="Sweeps", note="* on the frontier"))
    for sentence in advice(effects):
        print(f"- {sentence}")  # noqa: T201


def print_sample(report: Report) -> None:
    """One question that was to be forgotten, and what each subject said."""
    from rich.table import Table
    from rich.text import Text

    from unlearnkit.report.sanitize import visible

    said = {s.name: {r.row.id: r for r in s.records if r.split == "forget" and r.generation} for s in report.subjects}
    rows = [r for r in next(iter(said.values())) if all(r in others for others in said.values())]
    if not rows:
        return
    chosen = rows[len(rows) // 2]
    table = Table("subject", "thinks", "says", title=Text(visible(said[report.subjects[0].name][chosen].row.question)))
    for name, records in said.items():
        generation = records[chosen].generation
        if generation is not None:
            table.add_row(name, *(Text(_short(t)) for t in (generation.trace, generation.response)))
    _console().print(table)


def _short(text: str) -> str:
    from unlearnkit.report.sanitize import excerpt, visible

    cut = excerpt(text, 160)
    return (visible(cut.text) + (" …" if cut.more else "")) or "-"


def _print(table: Table) -> None:
    from unlearnkit.report.tables.writers import terminal

    _console().print(terminal(table))


def _console() -> Console:
    """On a terminal as wide as it is; elsewhere wide enough for a board of several subjects."""
    console = Console()
    return console if console.is_terminal else Console(width=140)
