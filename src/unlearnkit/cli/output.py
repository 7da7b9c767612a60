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
    from unlearnkit.runs.folder import RunFolder


def print_json(value: Any) -> None:
    """A value as JSON, and nothing else."""
    print(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))  # noqa: T201


def print_board(scores: Mapping[str, Mapping[str, Score]]) -> None:
    """Every score, a column a subject."""
    from unlearnkit.report.compare import board_table

    _console().print(board_table(scores))


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
    """What a judge says of several runs: a column a run, a row a figure."""
    from rich.table import Table

    from unlearnkit.core.number_format import number
    from unlearnkit.metrics.score import NOT_MEASURED
    from unlearnkit.report.tables.judge_table import judged_scores

    table = Table("", title=f"Judge {judge}, scores from 0 to 10", title_justify="left")
    for run in scores:
        table.add_column(run, justify="right", no_wrap=True)
    for own in judged_scores({flat for found in scores.values() for flat in found}):
        values = [found.get(own.flat, NOT_MEASURED).value for found in scores.values()]
        table.add_row(own.flat.removeprefix(f"judge.{judge}."), *("-" if v is None else number(v) for v in values))
    _console().print(table)


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
    from rich.table import Table

    from unlearnkit.core.number_format import interval, number

    table = Table("", "share turned", "95 % interval", "rows", title="Faithfulness", title_justify="left")
    for name, score in scores.items():
        value = "-" if score.value is None else number(score.value)
        table.add_row(name, value, interval(score.low, score.high), f"{score.count:,}")
    _console().print(table)


def print_agreement(judges: Sequence[str], found: Mapping[str, Agreement]) -> None:
    """How far two judges agree, a row a score."""
    from rich.table import Table

    from unlearnkit.core.number_format import number

    table = Table(title=f"Agreement of {' and '.join(judges)}", caption="- not determined", title_justify="left")
    for at, head in enumerate(("score", "outputs", "Pearson", "Spearman", "mean difference", "weighted kappa")):
        table.add_column(head, justify="right" if at else "left", no_wrap=True)
    for name, each in found.items():
        values = (each.pearson, each.spearman, each.difference, each.kappa)
        table.add_row(name, f"{each.count:,}", *("-" if v is None else number(v) for v in values))
    _console().print(table)


def print_attacks(folders: Sequence[RunFolder]) -> None:
    """What attacks got out of each run, beside the retrained model under the same, and a sentence for each."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from unlearnkit.data.vocabulary import RETRAINED
    from unlearnkit.report.build import subject_report
    from unlearnkit.report.tables.attack_table import SHOWN, findings, lines
    from unlearnkit.runs.references import references_of

    for folder in folders:
        subject = subject_report(folder)
        beside = next((subject_report(run) for run in references_of(folder) if run.name == RETRAINED), None)
        title = f"Attacks on {folder.name}: of each figure under the attack, of the same rows asked plainly" + (
            ", of the retrained model" if beside else ""
        )
        table = Table(title=escape(title), caption="- not measured", box=box.SIMPLE_HEAD, pad_edge=False)
        for head in ("attack", "set"):
            table.add_column(head, no_wrap=True)
        table.add_column("rows", justify="right")
        for words in SHOWN.values():
            for head in (words, "plain", *(["retrained"] if beside else [])):
                table.add_column(head, justify="right")
        for line in lines(subject, beside):
            values = [v for at, v in enumerate(line.values) if beside or at % 3 < 2]
            table.add_row(line.attempt, line.split, f"{line.rows:,}", *values)
        _console().print(table)
        if not subject.is_reference:
            for found in findings(subject, beside):
                print(f"- {found.sentence}")  # noqa: T201


def print_g_effects(effects: EffectTable) -> None:
    """What each objective does to each risk, at each step, with how sure that is."""
    from rich import box
    from rich.table import Table

    from unlearnkit.gradient_effect.frontier import frontier
    from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE
    from unlearnkit.report.gradient_effect.advice import advice

    caption = "effect: <grad of the risk, grad of the objective>; below 0 a step raises the risk. - not measured"
    table = Table(title="G-effects", caption=caption, box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("step", "objective", "risk"):
        table.add_column(head, no_wrap=True)
    for head in ("effect", "95 % interval", "cosine", "per update", "risk's value"):
        table.add_column(head, justify="right")
    for row in effects.chosen(term=WHOLE, group=EVERYTHING):
        compared = ["-" if value is None else f"{value:.3g}" for value in (row.cosine, row.per_update)]
        bounds = f"{row.low:.3g} to {row.high:.3g}"
        shown = (f"{row.effect:.3g}", bounds, *compared, f"{row.risk_value:.3f}")
        table.add_row(str(row.step), row.objective, row.risk, *shown)
    _console().print(table)
    if effects.sweeps:
        swept = Table(title="Sweeps", caption="* on the frontier", box=box.SIMPLE_HEAD, pad_edge=False)
        for head in ("step", "objective", "setting"):
            swept.add_column(head, no_wrap=True)
        for head in ("e_u", "e_r", "risk that stays"):
            swept.add_column(head, justify="right")
        for step in sorted({row.step for row in effects.sweeps}):
            for place in frontier(effects.sweeps, step):
                name = f"{place.forget.field}={place.value:.3g}{'' if place.dominated else ' *'}"
                told = (f"{place.forget.effect:.3g}", f"{place.retained.effect:.3g}", place.retained.risk)
                swept.add_row(str(step), place.forget.objective, name, *told)
        _console().print(swept)
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


def _console() -> Console:
    """On a terminal as wide as it is; elsewhere wide enough for a board of several subjects."""
    console = Console()
    return console if console.is_terminal else Console(width=140)
