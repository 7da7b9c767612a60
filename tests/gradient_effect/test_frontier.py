from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlearnkit.errors import BadInput
from unlearnkit.gradient_effect.frontier import SWEEP_FILE, SweepRow, frontier, read_sweep, series_of, sweep_rows
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow


def swept(value: float, risk: str, effect: float, step: int = 5, objective: str = "npo") -> SweepRow:
    return SweepRow(objective, "beta", value, risk, effect, effect - 1, effect + 1, step)


def written(folder: Path, rows: list[SweepRow]) -> Path:
    pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows]), folder / SWEEP_FILE)
    return folder


def test_a_setting_that_another_one_outdoes_is_told() -> None:
    # 1 forgets more than 2 and keeps more; 3 forgets less but keeps most; 4 has no place: near was not measured.
    effects = {1.0: (-10.0, -2.0), 2.0: (-8.0, -3.0), 3.0: (-1.0, 0.5)}
    rows = [swept(v, risk, e) for v, pair in effects.items() for risk, e in zip(("forget", "near"), pair, strict=True)]
    found = frontier([*rows, swept(4.0, "forget", -99), swept(1.0, "retain", 5.0)], 5)
    assert [(place.value, place.outdone) for place in found] == [(1.0, False), (2.0, True), (3.0, False)]
    assert {(place.forget.risk, place.retained.risk) for place in found} == {("forget", "near")}
    assert frontier(rows, 6) == []


def test_two_settings_that_come_to_the_same_do_not_outdo_each_other() -> None:
    rows = [swept(v, risk, -3.0) for v in (1.0, 2.0) for risk in ("forget", "near")]
    assert [place.outdone for place in frontier(rows, 5)] == [False, False]


@pytest.mark.parametrize(
    ("label", "series"),
    [
        ("npo", "npo, beta"),
        ("npo(beta=0.5)", "npo, beta"),
        ("simnpo(beta=0.5, delta=1)", "simnpo(delta=1), beta"),
        ("simnpo(delta=1)", "simnpo(delta=1), beta"),
    ],
)
def test_a_series_is_called_after_what_is_not_swept(label: str, series: str) -> None:
    assert series_of(swept(1, "near", 0, objective=label)) == series


def test_a_sweep_is_made_of_the_effects_of_whole_objectives() -> None:
    def row(objective: str, term: str = WHOLE, group: str = EVERYTHING) -> EffectRow:
        return EffectRow(7, objective, term, "near", group, -2.0, -3.0, -1.0, 1.0, 1.0)

    rows = [row("npo"), row("npo(beta=0.5)"), row("npo", term="forget"), row("npo", group="head"), row("ga")]
    assert sweep_rows("beta", {"npo": 0.1, "npo(beta=0.5)": 0.5}, rows) == [
        SweepRow("npo", "beta", 0.1, "near", -2.0, -3.0, -1.0, 7),
        SweepRow("npo(beta=0.5)", "beta", 0.5, "near", -2.0, -3.0, -1.0, 7),
    ]


def test_a_sweep_is_read_as_it_was_written_but_for_what_is_not_finite(tmp_path: Path) -> None:
    good = [swept(1.0, "forget", -3.0), swept(1.0, "near", 2.0)]
    assert read_sweep(written(tmp_path, [*good, swept(2.0, "near", float("nan"))])) == good


def test_no_sweep_is_none_and_a_broken_one_is_told(tmp_path: Path) -> None:
    assert read_sweep(tmp_path) == []
    (tmp_path / SWEEP_FILE).write_text("no table")
    with pytest.raises(BadInput, match="cannot be read"):
        read_sweep(tmp_path)
    pq.write_table(pa.table({"objective": ["npo"]}), tmp_path / SWEEP_FILE)
    with pytest.raises(BadInput, match="cannot be read"):
        read_sweep(tmp_path)
