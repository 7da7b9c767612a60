from __future__ import annotations

from unlearnkit.gradient_effect.frontier import frontier
from unlearnkit.gradient_effect.table import SweepRow


def swept(value: float, risk: str, effect: float, step: int = 5, objective: str = "npo") -> SweepRow:
    return SweepRow(step, objective, "objective", risk, "beta", value, effect, effect - 1, effect + 1)


def test_a_setting_that_another_one_outdoes_is_told() -> None:
    # 1 forgets more than 2 and keeps more; 3 forgets less but keeps most; 4 has no place: near was not measured.
    effects = {1.0: (-10.0, -2.0), 2.0: (-8.0, -3.0), 3.0: (-1.0, 0.5)}
    rows = [swept(v, risk, e) for v, pair in effects.items() for risk, e in zip(("forget", "near"), pair, strict=True)]
    found = frontier([*rows, swept(4.0, "forget", -99), swept(1.0, "retain", 5.0)], 5)
    assert [(place.value, place.dominated) for place in found] == [(1.0, False), (2.0, True), (3.0, False)]
    assert {(place.forget.risk, place.retained.risk) for place in found} == {("forget", "near")}
    assert frontier(rows, 6) == []


def test_two_settings_that_come_to_the_same_do_not_outdo_each_other() -> None:
    rows = [swept(v, risk, -3.0) for v in (1.0, 2.0) for risk in ("forget", "near")]
    assert [place.dominated for place in frontier(rows, 5)] == [False, False]


def test_objectives_do_not_outdo_each_other_for_their_effects_differ_in_scale() -> None:
    rows = [swept(1.0, risk, -3.0) for risk in ("forget", "near")]
    better = [swept(1.0, risk, e, objective="ga") for risk, e in (("forget", -9.0), ("near", 1.0))]
    found = frontier([*rows, *better], 5)
    assert [(place.series, place.dominated) for place in found] == [("ga, beta", False), ("npo, beta", False)]
