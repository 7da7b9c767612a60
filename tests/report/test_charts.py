import json
import math

import pytest

from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.report.charts.board_charts import mean_of, plane, probe_dots, term_curves
from unlearnkit.report.charts.labels import Point, place_labels
from unlearnkit.report.charts.style import styles
from unlearnkit.report.model import SubjectReport
from unlearnkit.runs.step_log import CurvePoint

from .worked_example import example


def test_the_mean_over_sets_takes_the_ends_along() -> None:
    found = mean_of([Score(value=0.2, count=10, low=0.1, high=0.3), Score(value=0.4, count=30, low=0.1, high=0.5)])
    assert found is not None
    assert (found.value, found.low, found.high, found.count) == pytest.approx((0.3, 0.1, 0.4, 40))


def test_a_mean_of_nothing_is_not_measured() -> None:
    assert mean_of([NOT_MEASURED, Score(value=math.nan)]) is None
    assert mean_of([]) is None


def test_the_plane_has_one_marker_a_subject_at_its_means() -> None:
    figure = plane(example())
    assert figure is not None
    points = {trace.text[0]: (trace.x[0], trace.y[0]) for trace in figure.data}
    assert len(points) == 6
    assert points["Gradient ascent"][0] == 0
    # TRU, rounded to whole rows: 0/48, 1/96, 2/96, 3/40, 3/24 to forget; 317/320, 78/80, 60/60 to stay
    assert points["TRU"] == pytest.approx(
        ((0 + 1 / 96 + 2 / 96 + 3 / 40 + 3 / 24) / 5, (317 / 320 + 78 / 80 + 1) / 3), abs=1e-9
    )


def test_charts_without_numbers_are_left_out() -> None:
    empty = example().model_copy(update={"subjects": (SubjectReport(name="target", title="Target"),)})
    assert plane(empty) is None
    assert probe_dots(empty) is None
    assert term_curves(empty) == []


def test_figures_are_json_even_where_training_broke() -> None:
    report = example()
    for figure in [plane(report), probe_dots(report), *term_curves(report)]:
        assert figure is not None
        json.dumps(figure.to_plotly_json(), allow_nan=False)


def test_long_curves_are_thinned_and_keep_their_last_point() -> None:
    curve = tuple(CurvePoint(step=i, values={"forget": float(i)}) for i in range(10_001))
    subject = SubjectReport(name="tru", title="TRU", curve=curve)
    (found,) = term_curves(example().model_copy(update={"subjects": (subject,)}))
    line = found.data[0]
    assert len(line.x) < 500
    assert (line.x[0], line.x[-1]) == (0, 10_000)


def test_subjects_are_told_apart_by_sign_and_colour() -> None:
    many = [SubjectReport(name=name, title=name) for name in ("target", "retrained", *"abcdefghijklmnopqrst")]
    found = styles(many)
    assert len({(s.color, s.sign) for s in found.values()}) == len(many)


def test_labels_of_points_that_coincide_do_not() -> None:
    points = [Point("label", x=0.5, left=0.4, right=0.6, y=0.5, bottom=0.4, top=0.6) for _ in range(4)]
    assert len(set(place_labels(points))) == 4


def test_labels_stay_within_the_plot() -> None:
    (right,) = place_labels([Point("Target model", x=1, left=1, right=1, y=0.5, bottom=0.5, top=0.5)])
    (bottom,) = place_labels([Point("x", x=0.5, left=0.5, right=0.5, y=0, bottom=0, top=0)])
    assert right.endswith("left")
    assert bottom.startswith("top")
