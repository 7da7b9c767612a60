"""The report as one HTML file that needs nothing else: no network, no server, no other file.

Everything that is written into the page is escaped by jinja, and made visible first where it holds control or
direction marks. A content security policy lets only the page's own two scripts run, by their hashes, and lets the
page load nothing, so that not even a hole in the escaping would let model output act.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.data.vocabulary import group_of, stays
from unlearnkit.report.charts import board_charts as charts
from unlearnkit.report.charts.style import SIGNS, styles
from unlearnkit.report.gradient_effect.pictures import EFFECT_UNIT
from unlearnkit.report.gradient_effect.plotly_figures import plotly_figure
from unlearnkit.report.gradient_effect.sections import EffectSection, effect_sections
from unlearnkit.report.headline import axes, headline
from unlearnkit.report.model import Report
from unlearnkit.report.samples import sample_sets
from unlearnkit.report.sanitize import visible, withholder
from unlearnkit.report.tables import board as tables
from unlearnkit.report.tables.attack_table import attack_sentences, attack_table
from unlearnkit.report.tables.own import own_tables
from unlearnkit.report.verdict import verdict


def render(report: Report) -> str:
    """The report as HTML."""
    secrets = () if report.show_forget_text else tuple(form for s in report.scope.secrets for form in s.forms)
    withhold = withholder(secrets)
    effects = effect_sections(report)
    figures = _figures(report, effects)
    scripts = (get_plotlyjs(), _asset("report.js")) if figures else ()
    docs, told = report.docs, headline((s.scores for s in report.subjects), report.docs)
    samples = sample_sets(report, withhold)
    page = _environment().get_template("report.html.j2")
    return page.render(
        report=report,
        withhold=withhold,
        styles=styles(report.subjects),
        verdicts=[verdict(report, s) for s in report.methods],
        gate_rows=tables.gate_rows(report),
        board=tables.board(report.subjects, docs),
        own_tables=own_tables(report.subjects, docs),
        attacks=attack_table(report),
        attack_sentences=attack_sentences(report),
        told=told,
        axes=axes((s.scores for s in report.subjects), told.metric, docs),
        effects=effects,
        effect_unit=EFFECT_UNIT,
        signs=SIGNS,
        samples=samples,
        opened=_opened([found.split for found in samples]),
        costs=tables.cost_table(report.subjects, docs),
        grids=tables.grid_tables(report.grid, docs) if report.grid else (),
        figures=figures,
        curve_subjects=[s for s in report.subjects if s.curve],
        term_colors=charts.term_colors(report),
        css=Markup(_asset("report.css")),
        scripts=[Markup(s) for s in scripts],
        policy=_policy(scripts),
    )


def write(report: Report, path: Path) -> None:
    """Write the report beside `path` and rename it, so that a reader meets the old file or the new one, whole.

    A report that shows forget text is readable by the owner alone.
    """
    page = render(report)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, page, mode=0o600 if report.show_forget_text else 0o644)


def _opened(splits: list[str]) -> set[str]:
    """The sets whose samples are open at first: what is to be forgotten, and what is nearest to it and stays."""
    near = next((split for split in ("near", *splits) if split in splits and stays(split)), "")
    return {"forget", near}


def _figures(report: Report, effects: Sequence[EffectSection]) -> dict[str, dict[str, object]]:
    """Every chart by the id of the element it is drawn in."""
    found = {"chart-plane": charts.plane(report), "chart-probes": charts.probe_dots(report)}
    found |= {f"chart-curve-{i}": c.figure for i, c in enumerate(charts.term_curves(report))}
    found |= {name: plotly_figure(picture) for section in effects for name, picture in section.charts}
    return {name: charts.plain(figure) for name, figure in found.items() if figure is not None}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("unlearnkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["setting"] = tables.setting
    environment.filters["group"] = group_of
    environment.filters["unbroken"] = _unbroken
    return environment


def _shown(value: object) -> object:
    """What jinja writes for a value: text that others wrote is made visible, markup of our own stays as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _unbroken(text: str) -> Markup:
    """A sentence in which no line ends within a number such as `8.5e-19`."""
    parts = re.split(r"(-?\d\.\d+e-?\d+)", visible(text))
    whole = Markup('<span class="whole">{}</span>')
    return Markup().join(whole.format(part) if place % 2 else part for place, part in enumerate(parts))


def _policy(scripts: tuple[str, ...]) -> str:
    digests = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return files("unlearnkit.report").joinpath("templates", name).read_text(encoding="utf-8")
