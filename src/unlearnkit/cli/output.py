"""Print results to stdout."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from unlearnkit.core.number_format import counted, interval, number
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.faithfulness import faithfulness_sentence
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.report.sanitize import excerpt, visible
from unlearnkit.report.tables.table import Table, plain_table
from unlearnkit.report.tables.writers import terminal

if TYPE_CHECKING:
    from unlearnkit.data.findings import Finding
    from unlearnkit.gradient_effect.table import EffectTable
    from unlearnkit.judges.agreement import Agreement
    from unlearnkit.pipeline.check import Checked
    from unlearnkit.pipeline.explain import Explanation
    from unlearnkit.report.model import Report
    from unlearnkit.runs.folder import RunFolder


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False))  # noqa: T201


def print_board(runs: Sequence[RunFolder]) -> None:
    """Print the scores of runs, with one column per run."""
    from unlearnkit.report.build import doubts, score_docs
    from unlearnkit.report.compare import board_table
    from unlearnkit.report.first_lines import first_lines

    _print_sentences(doubts(runs))
    scores = {run.name: run.scores() for run in runs}
    for run in runs:
        if run.name not in REFERENCES and (lines := first_lines(run.name, scores, score_docs(runs))):
            _print_sentences([f"{run.name}: {' '.join(lines)}"])
    _print(board_table({run.name: run.scores() for run in runs}, score_docs(runs)))


def print_checked(checked: Checked) -> None:
    """Print the result of `unlearn check`.

    The output shows the numbers of rows, the scope, an example row of each set, notes and findings. Errors are printed
    last, so that the errors are directly above the shell prompt.
    """
    subjects, secrets = checked.scope.subjects, checked.scope.secrets
    lines = [
        "rows: " + ", ".join(f"{name} {count}" for name, count in checked.rows.items()),
        f"scope: {counted(len(subjects), 'subject')} ({', '.join(s.name for s in subjects)}), "
        f"{counted(len(secrets), 'secret')}",
    ]
    for name, examples in checked.examples.items():
        lines += [f"\n{name}, with the learned or measured tokens in double brackets:\n{each}" for each in examples]
    lines += ["", *(f"note: {note}" for note in checked.notes), *map(_finding, reversed(checked.findings))]
    warnings = len(checked.findings) - checked.errors
    lines.append(f"{counted(checked.errors, 'error')}, {counted(warnings, 'warning')}")
    print("\n".join(lines))  # noqa: T201


def _finding(finding: Finding) -> str:
    rows = ", ".join(finding.rows) + (", ..." if finding.count > len(finding.rows) else "")
    named = f"\n  rows: {finding.count} ({rows})" if finding.count else ""
    return f"{finding.severity}: {finding.what}{named}\n  fix:  {finding.fix}"


def print_judged(judge: str, scores: Mapping[str, Mapping[str, Score]]) -> None:
    """Print a judge's scores of several runs.

    The table has one column per run and one row per score.
    """
    from unlearnkit.metrics.score_docs import ScoreDocs

    flats = [own.flat for own in ScoreDocs().own({flat for run in scores.values() for flat in run})]
    rows = [
        (flat.removeprefix(f"judge.{judge}."), [_number(run.get(flat, NOT_MEASURED).value) for run in scores.values()])
        for flat in flats
    ]
    _print(plain_table("", list(scores), rows, title=f"Judge {judge}, scores from 0 to 10"))


def print_explained(explained: Sequence[Explanation]) -> None:
    """Print one explanation for each question.

    An explanation shows the trace, the verdict and the response of the run's model, and the target model's response.
    """
    console = _console()
    for at, each in enumerate(explained):
        line = each.line
        named = "none: no name of the scope was found, and no secret that belongs to one subject alone"
        if line:
            named = f'{line.path}: "{line.name}", named in the {line.found_in}, match: {line.match}'
            named += f", also named: {', '.join(line.also)}" if line.also else ""
        parts = {
            "question": each.question,
            "trace": each.trace or "(none)",
            "verdict": each.verdict or "none, which counts as out of scope",
            "line": named,
            "why": each.why or "the question is not about the scope, as far as the verdict and the line show",
            "response": (each.response or "(empty)") + (" [cut off at the token limit]" if each.cut_off else ""),
            "declines": "yes" if each.declines else "no",
            "target model": each.target_missing or each.target or "(empty)",
        }
        if at:
            console.print()
        for name, text in parts.items():
            console.print(Text(f"{name + ':':<14}", style="bold").append(visible(text), style="not bold"))


def print_faithfulness(scores: Mapping[str, Score]) -> None:
    """Print how often the response changed when the verdict was reversed."""
    rows = [(name, [_number(s.value), interval(s.low, s.high), f"{s.count:,}"]) for name, s in scores.items()]
    _print(plain_table("", ("share of changed responses", "95 % interval", "rows"), rows, title="Faithfulness"))
    _console().print(faithfulness_sentence(scores))


def print_agreement(judges: Sequence[str], agreement: Mapping[str, Agreement]) -> None:
    """Print how well two judges agree, with one row per score."""
    heads = ("outputs", "Pearson", "Spearman", "mean difference", "weighted kappa")
    rows = [
        (name, [f"{each.count:,}", *map(_number, (each.pearson, each.spearman, each.difference, each.kappa))])
        for name, each in agreement.items()
    ]
    _print(plain_table("score", heads, rows, title=f"Agreement of {' and '.join(judges)}", note="-: undefined"))


def print_attacks(folders: Sequence[RunFolder]) -> None:
    """Print each run's scores under attack, with one sentence per attack.

    If there is a retrained model, the table also shows the retrained model's scores under the same attacks.
    """
    from unlearnkit.data.vocabulary import RETRAINED
    from unlearnkit.report.build import subject_report
    from unlearnkit.report.tables.attack_table import attacked_table, findings
    from unlearnkit.runs.references import references_of

    for folder in folders:
        subject = subject_report(folder)
        retrained = next((subject_report(run) for run in references_of(folder) if run.name == RETRAINED), None)
        title = f"Attacks on {folder.name}: each score with and without the attack, on the same rows"
        title += ", and the same for the retrained model" if retrained else ""
        _print(attacked_table(subject, retrained, title))
        if not subject.is_reference:
            _print_sentences(each.sentence for each in findings(subject, retrained))


def print_g_effects(effects: EffectTable) -> None:
    """Print G-effects by step, then sweeps and advice.

    Each row shows the effect of one objective on one risk, with a confidence interval.
    """
    from unlearnkit.gradient_effect.frontier import frontier
    from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE
    from unlearnkit.report.gradient_effect.advice import advice

    rows = []
    for row in effects.chosen(term=WHOLE, group=EVERYTHING):
        compared = ["" if value is None else f"{value:.3g}" for value in (row.cosine, row.per_update)]
        figures = [f"{row.effect:.3g}", f"{row.low:.3g} to {row.high:.3g}", *compared, f"{row.risk_value:.3f}"]
        rows.append((str(row.step), [row.objective, row.risk, *figures]))
    note = (
        "effect: inner product of the gradients of the risk and the objective. If the effect is negative, a training "
        "step raises the risk. -: not measured"
    )
    heads = ("objective", "risk", "effect", "95 % interval", "cosine", "per update", "risk's value")
    _print(plain_table("step", heads, rows, words=2, title="G-effects", note=note))
    if effects.sweeps:
        swept = []
        for step in sorted({row.step for row in effects.sweeps}):
            for place in frontier(effects.sweeps, step):
                setting = f"{place.forget.field}={place.value:.3g}{'' if place.dominated else ' *'}"
                figures = [f"{place.forget.effect:.3g}", f"{place.retained.effect:.3g}", place.retained.risk]
                swept.append((str(step), [place.forget.objective, setting, *figures]))
        of_sweeps = ("objective", "setting", "e_u", "e_r", "retained risk")
        note = (
            "e_u: effect on the forget risk. e_r: effect on the retained risk. *: on the frontier, i.e. no other value "
            "is at least as good in both effects and better in one of them"
        )
        _print(plain_table("step", of_sweeps, swept, words=2, title="Sweeps", note=note))
    _print_sentences(advice(effects))


def print_table(table: Table) -> None:
    """Print a table with its intervals."""
    _console().print(terminal(table._replace(note=f"{table.note} -: not measured"), intervals=True))


def print_sample(report: Report) -> None:
    """Print one forget question, with the output of each model.

    Nothing is printed if the report hides the texts of forget rows (`report.show_forget_text` is False).
    """
    from unlearnkit.report.samples import sample_sets

    sets = sample_sets(report, str, per_set=1)
    for sample in (sample for each in sets if each.split == "forget" for sample in each.samples):
        table = RichTable("subject", "trace", "response", title=Text(visible(sample.question.text)))
        for answer in sample.answers:
            table.add_row(answer.subject.name, *(_short(part.text) for part in (answer.trace, answer.response)))
        _console().print(table)


def _print_sentences(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        print(f"- {sentence}")  # noqa: T201


def _short(text: str) -> Text:
    cut = excerpt(text, 160)
    return Text(visible(cut.text) + (" …" if cut.more else "") or "-")


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _print(table: Table) -> None:
    _console().print(terminal(table))


def _console() -> Console:
    """Return a console that is as wide as the terminal.

    If stdout is not a terminal, the console is wide enough for a table with several runs.
    """
    console = Console()
    return console if console.is_terminal else Console(width=140)
