"""Render the report as one self-contained HTML file.

Control characters and characters that change the text direction are replaced by visible signs. Then Jinja escapes all
text on the page. The page's content security policy allows only the two scripts that this module inserts. The policy
identifies these scripts by their hashes. It also forbids the page to load anything. Thus, if a model's output contains
a script, the browser does not run the script even if escaping fails.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.data.vocabulary import stays
from unlearnkit.report.charts import board_charts as charts
from unlearnkit.report.charts.style import SIGNS, styles
from unlearnkit.report.gradient_effect.pictures import EFFECT_UNIT
from unlearnkit.report.gradient_effect.plotly_figures import plotly_figure
from unlearnkit.report.gradient_effect.sections import EffectSection, effect_sections
from unlearnkit.report.headline import axes, headline
from unlearnkit.report.jinja_templates import render_template
from unlearnkit.report.model import Report
from unlearnkit.report.samples import sample_sets
from unlearnkit.report.tables import board as tables
from unlearnkit.report.tables.attack_table import attack_sentences, attack_table
from unlearnkit.report.tables.own import own_tables
from unlearnkit.report.tables.secret_table import FORMS, secret_table, subject_titles
from unlearnkit.report.verdict import verdict
from unlearnkit.report.withholding import withholder_of


def render(report: Report) -> str:
    """Return the report as HTML."""
    withhold = withholder_of(report)
    samples = sample_sets(report, withhold)
    effects = effect_sections(report)
    figures = _figures(report, effects)
    scripts = (get_plotlyjs(), asset("report.js")) if figures else ()
    docs, scores = report.docs, [s.scores for s in report.subjects]
    metric = headline(scores, docs)
    return render_template(
        "report.html.j2",
        report=report,
        withhold=withhold,
        styles=styles(report.subjects),
        verdicts=[verdict(report, s) for s in report.methods],
        gates=tables.gate_rows(report),
        board=tables.board(report.subjects, docs),
        own_tables=own_tables(report.subjects, docs),
        subject_titles=subject_titles(report),
        secrets=secret_table(report),
        least_forms=FORMS,
        attacks=attack_table(report),
        attack_sentences=attack_sentences(report),
        headline=metric,
        axes=axes(scores, metric.metric, docs),
        effects=effects,
        effect_unit=EFFECT_UNIT,
        signs=SIGNS,
        samples=samples,
        opened=_opened([each.split for each in samples]),
        costs=tables.cost_table(report.subjects, docs),
        grids=tables.grid_tables(report.grid, docs) if report.grid else (),
        figures=figures,
        curve_subjects=[s for s in report.subjects if s.curve],
        term_colors=charts.term_colors(report),
        css=Markup(asset("report.css")),
        scripts=[Markup(script) for script in scripts],
        policy=policy(scripts),
    )


def write(report: Report, path: Path) -> None:
    """Write the report to a file atomically.

    If the report shows forget text or names, only the owner of the file can read it.
    """
    page = render(report)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, page, mode=0o600 if report.show_forget_text or report.show_names else 0o644)


def _opened(splits: list[str]) -> set[str]:
    """Return the row sets whose samples are expanded when the page opens.

    These are the sets `forget` and `near`. If there is no set `near`, the first set of knowledge that must be kept is
    expanded instead.
    """
    near = next((split for split in ("near", *splits) if split in splits and stays(split)), "")
    return {"forget", near}


def _figures(report: Report, effects: Sequence[EffectSection]) -> dict[str, dict[str, object]]:
    """Return all charts, by the id of the surrounding HTML element."""
    figures = {"chart-plane": charts.plane(report), "chart-probes": charts.probe_dots(report)}
    figures |= {f"chart-curve-{i}": figure for i, figure in enumerate(charts.term_curves(report))}
    figures |= {name: plotly_figure(picture) for section in effects for name, picture in section.charts}
    return {name: figure.to_plotly_json() for name, figure in figures.items() if figure is not None}


def policy(scripts: Sequence[str]) -> str:
    """Return a page's content security policy."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def asset(name: str) -> str:
    """Return a file that pages contain, such as the style sheet."""
    return files("unlearnkit.report").joinpath("templates", name).read_text(encoding="utf-8")
