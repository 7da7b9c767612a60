from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from unlearnkit.core.number_format import significant
from unlearnkit.gradient_effect.effect_series import forget_risk, retained_risk, series_of, shown_steps
from unlearnkit.gradient_effect.table import EffectRow, EffectTable, InstanceRow, StepRow
from unlearnkit.report.build import subject_report
from unlearnkit.report.charts.style import FORGOTTEN, STAYS, risk_styles
from unlearnkit.report.charts.symlog import LINEAR, Scale, scale_for
from unlearnkit.report.gradient_effect.pictures import by_group, fits, over_steps, planes, prediction
from unlearnkit.report.gradient_effect.plotly_figures import plotly_figure
from unlearnkit.report.gradient_effect.sections import effect_sections
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.render import render
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import RunState

from . import worked_effects as worked
from .test_render import Page
from .worked_example import example


def report(subject: SubjectReport, *, show: bool = False) -> Report:
    target = SubjectReport(name="target", title="Target model")
    return example(show_forget_text=show).model_copy(update={"subjects": (target, subject), "gates": ()})


def diagnosed(table: EffectTable | None, **more: object) -> SubjectReport:
    return SubjectReport.model_validate({"name": "npo", "title": "NPO", "effects": table, **more})


def chart_ids(page: Page) -> list[str]:
    return [str(a["id"]) for tag, a in page.tags if tag == "div" and str(a.get("id", "")).startswith("chart-effect")]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render(report(diagnosed(replace(worked.table(), sweeps=worked.sweeps())))))


def test_the_section_stands_where_something_was_diagnosed(page: Page) -> None:
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert "effects" in sections
    assert any(attrs.get("href") == "#effects" for _, attrs in page.tags)
    kinds = [name.split("-")[3] for name in chart_ids(page)]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "steps": 3, "groups": 3, "plane": 2, "fit": 1, "frontier": 1,
    }  # fmt: skip


def test_without_a_diagnosis_there_is_no_section() -> None:
    page = Page(render(report(diagnosed(None))))
    assert "effects" not in [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert "G-effect" not in page.text


def test_only_what_was_measured_is_shown() -> None:
    bare = EffectTable([worked.row("ga", "forget", step) for step in worked.STEPS])
    page = Page(render(report(diagnosed(bare))))
    assert [name.split("-")[3] for name in chart_ids(page)] == ["steps"]
    for words in ("Where in the model", "Instance by instance", "Predicted and measured", "Frontier"):
        assert words not in page.text


def test_every_chart_says_what_it_shows_and_in_what_unit(page: Page) -> None:
    labels = [a["aria-label"] for tag, a in page.tags if str(a.get("id", "")).startswith("chart-effect")]
    assert all(label and ("nats/token per unit step" in label or "nats per token" in label) for label in labels)
    assert "G-effects of npo(beta=0.5) on forget, retain, near over steps 0 to 20" in str(labels)


def test_figures_of_the_first_the_middle_and_the_last_step_stand_in_a_table() -> None:
    (found,) = effect_sections(report(diagnosed(worked.table())))
    assert found.figures.groups == [("step 0", 3), ("step 10", 3), ("step 20", 3)]
    cells = {(section.name, row.name): row.cells for section in found.figures.sections for row in section.rows}
    effect, cosine, update = cells["ga", "near"][:3]
    assert (effect.value, effect.interval, cosine.value, update.value) == ("-4.00", "-4.80 to -3.20", "-0.250", "")
    assert cells["ga", "near"][6].value == "-4.00e4"


def test_what_was_not_measured_says_so_in_the_table(page: Page) -> None:
    # Three objectives, risks and steps: no update anywhere, and no cosine but of ascent.
    text = page.text[page.text.index("In numbers") : page.text.index("Tuning grid", page.text.index("In numbers"))]
    assert text.count("not measured") == 27 + 18


def test_advice_stands_in_the_section(page: Page) -> None:
    assert "npo(beta=0.5): embedding and block 0 account" not in page.text  # block 0 and head have 90 % of it
    assert "npo(beta=0.5): block 0 and head account for 90\u202f% of the harm to near at step 20" in page.text
    assert "po: from step 10 on, it relearns forget" in page.text


def test_one_step_has_bars_and_no_lines() -> None:
    found = series_of(worked.table(steps=(10,)))[1]
    drawn = plotly_figure(over_steps(found, risk_styles(found.risks))).data
    assert {trace.type for trace in drawn} == {"bar"}
    assert [trace.x[0] for trace in drawn] == [-20.0, 1.0, -8.0]
    maps = by_group(found)
    assert maps is not None
    assert [(panel.x.title, panel.x.names) for panel in maps.panels] == [("risk", ("forget", "retain", "near"))]


def test_lines_have_bands_of_their_intervals_and_the_colours_of_their_kinds() -> None:
    (found,) = series_of(worked.table(objectives=("npo(beta=0.5)",)))
    band, line = plotly_figure(over_steps(found, risk_styles(found.risks))).data[:2]
    assert list(line.y) == [-10.0, -20.0, -30.0]
    assert list(band.y) == [-8.0, -16.0, -24.0, -36.0, -24.0, -12.0]
    look = risk_styles(["forget", "forget.translated", "near", "far"])
    assert [style.color for style in look.values()] == [FORGOTTEN, FORGOTTEN, STAYS, STAYS]
    assert len({(style.color, style.symbol, style.dash) for style in look.values()}) == 4


def test_heat_maps_are_centered_at_0_and_share_one_scale() -> None:
    found = by_group(series_of(worked.table(objectives=("npo(beta=0.5)",)))[0])
    assert found is not None
    assert [panel.title for panel in found.panels] == ["forget", "near"]
    figure = plotly_figure(found)
    colours = figure.layout.coloraxis
    assert (colours.cmin, colours.cmax) == (-21.0, 21.0)  # 0.7 of 30
    assert figure.data[1].z[1] == pytest.approx((-2.8, -5.6, -8.4))


def test_the_plane_pairs_slopes_of_one_row_and_draws_heavy_rows_last() -> None:
    found = planes(worked.table(objectives=("npo(beta=0.5)",)))
    assert [plane.title for plane in found] == ["npo(beta=0.5)"]
    panels = {panel.title: panel for panel in found[0].panels}
    assert list(panels) == ["step 0", "step 10", "step 20"]
    first = panels["step 0"]
    assert (first.x.title, first.y.title) == ("slope on forget", "slope on near")
    marks = first.series[0].marks
    assert (marks[-1].tip[0], marks[-1].x.at, marks[-1].y.at) == ("row 11, weight 1.83", 2.0, -1.0)
    assert [mark.weight for mark in marks] == sorted(mark.weight for mark in marks)


def test_planes_are_drawn_of_rows_to_forget_and_of_terms_with_weight() -> None:
    def one(view: str, weight: float) -> EffectTable:
        rows = [InstanceRow(0, "x", "t", risk, view, 0, weight, 1.0, 1.0) for risk in ("forget", "near")]
        return EffectTable([], rows)

    assert planes(one("retain", 1.0)) == []
    assert planes(one("forget", 0.0)) == []
    assert [plane.title for plane in planes(one("forget:idk", -1.0))] == ["x, term t on forget:idk"]


def test_many_instances_are_thinned_and_that_is_said() -> None:
    rows = [
        InstanceRow(0, "x", "forget", r, "forget", i, 1.0, float(i), 1.0)
        for i in range(4000)
        for r in ("forget", "near")
    ]
    (plane,) = planes(EffectTable([], rows))
    assert "1334 of 4000 instances are shown, evenly spaced" in plane.caption


def test_predictions_are_fitted_through_0() -> None:
    made = [StepRow(0, "near", 1.0, 1.0), StepRow(1, "near", 2.0, 5.0), StepRow(2, "near", 0.0, 3.0)]
    (fit,) = fits(EffectTable([], (), made))
    assert fit.ratio == pytest.approx(11 / 5)
    assert fit.correlation == pytest.approx(0.5)  # 2 over the root of 2 times 8
    assert fit.summary == (
        "near: over 3 steps, the measured change is 2.20 times the predicted change (least squares through 0), "
        "correlation 0.500."
    )
    (one,) = fits(EffectTable([], (), made[2:]))
    assert one.summary == "near: no change was predicted over 1 step."
    figure = plotly_figure(prediction(one, risk_styles(["near"])["near"]))
    assert figure.data[0].x == figure.data[0].y


def test_ascent_is_drawn_on_a_symmetric_log_scale_and_the_page_says_so(page: Page) -> None:
    scale = scale_for([-1.75e5, -300, -12, -4, 7])
    assert scale.unit == 10.0  # four decades below the greatest
    assert "Symmetric-log scale, linear within ±" in page.text
    assert scale_for([-10, -3, 0, 5]) == LINEAR
    assert scale_for([0.0]) == LINEAR


def test_a_symmetric_log_scale_is_odd_rises_and_has_ticks_at_powers_of_ten() -> None:
    scale = Scale(1.0)
    places = [scale.at(v) for v in (-1000, -1, 0, 0.01, 99)]
    assert places == sorted(places)
    assert scale.at(-99) == -2.0
    assert [tick.value for tick in scale.ticks(scale.at(-1000), scale.at(20))] == [-1000, -100, -10, 0, 10]
    assert [tick.text for tick in scale.ticks(-6.1, 6.1, count=2)] == ["−10⁶", "−100", "0", "100", "10⁶"]
    assert [tick.value for tick in scale.ticks(scale.at(-1e6), 0, count=2)] == [-1e6, -100, 0]
    assert LINEAR.ticks(-5, 5) == []


def test_charts_are_json_even_where_effects_broke() -> None:
    broken = [EffectRow(30, "ga", "objective", "near", g, math.nan, -math.inf, 1.0, 1.0, 1.0) for g in ("all", "head")]
    whole = worked.table()
    steps = [*whole.steps, StepRow(5, "near", math.nan, 1.0)]
    table = EffectTable([*whole.effects, *broken], whole.instances, steps, worked.sweeps())
    (section,) = effect_sections(report(diagnosed(table)))
    written = [
        json.loads(json.dumps(plotly_figure(picture).to_plotly_json(), allow_nan=False))
        for _, picture in section.charts
    ]
    assert len(written) == len(section.charts) > 5
    assert all(figure["data"] for figure in written)


def test_names_are_escaped_wherever_they_stand() -> None:
    nasty = "<img src=x onerror=alert(1)>"
    effects = [
        EffectRow(step, nasty, "objective", risk, group, -1.0, -2.0, -0.5, 1.0, 1.0)
        for step in (0, 1)
        for risk in ("forget", f"near{nasty}")
        for group in ("all", "head", nasty)
    ]
    rows = [InstanceRow(0, nasty, "t", r, "forget", 0, 1.0, 1.0, 1.0) for r in ("forget", f"near{nasty}")]
    table = EffectTable(effects, rows, [StepRow(0, nasty, 1.0, 9.0)])
    html = render(report(diagnosed(table)))
    page = Page(html)
    assert not any(tag == "img" for tag, _ in page.tags)
    assert nasty in page.text
    # Plotly reads some markup in texts, so there it is escaped within the JSON too.
    assert "\\u003cimg" not in html


def test_no_row_that_must_be_forgotten_is_quoted() -> None:
    whole = example(show_forget_text=False)
    told = tuple(s.model_copy(update={"effects": worked.table()}) if s.name == "npo" else s for s in whole.subjects)
    html = render(whole.model_copy(update={"subjects": told}))
    assert "chart-effect-0-plane-0" in html
    questions = {r.row.question for s in whole.subjects for r in s.records if r.split.startswith("forget")}
    assert questions
    assert not any(question in html for question in questions)
    (plane, *_) = planes(worked.table())
    tip = plotly_figure(plane).data[0].hovertext[0]
    assert tip == "row 0, weight 1.00<br>slope on forget -9.00<br>slope on near -2.00"


def test_a_run_s_folder_gives_its_effects_to_the_report(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    folder.write_state(RunState(name="npo", created="today", suite={}, environment={}))
    folder.write_scores({})
    folder.records_file.write_text("")
    assert subject_report(folder).effects is None
    replace(worked.table(), sweeps=worked.sweeps()).write(folder.g_effect)
    found = subject_report(folder)
    assert found.effects is not None
    assert list(found.effects.effects) == list(worked.table().effects)
    assert tuple(found.effects.sweeps) == worked.sweeps()


def test_the_risks_to_look_at() -> None:
    assert forget_risk(["near", "forget.translated", "forget"]) == "forget"
    assert forget_risk(["near"]) is None
    assert retained_risk(["forget", "retain", "far", "near"]) == "near"
    assert retained_risk(["forget", "far", "retain"]) == "retain"
    assert shown_steps([5, 0, 20, 10, 15, 0]) == [0, 10, 20]
    assert shown_steps([]) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (-0.0123456, "-0.0123"), (350.4, "350"), (-3.14159, "-3.14"), (-1.754e5, "-1.75e5"), (9e-5, "9.00e-5")],
)
def test_three_figures_whatever_the_size(value: float, words: str) -> None:
    assert significant(value) == words
