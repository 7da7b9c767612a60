"""A sweep over a hyper-parameter: what each of its values does to what must be forgotten and what must stay.

Needs no torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from unlearnkit.errors import BadInput
from unlearnkit.gradient_effect.course import forget_risk, retained_risk
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow

SWEEP_FILE = "sweep.parquet"


@dataclass(frozen=True)
class SweepRow:
    """The effect of an objective on one risk, through all weights, at one value of one of its settings."""

    objective: str
    """Its name; with the settings that differ from its defaults, it is called after those that are not swept."""
    field: str
    """The setting."""
    value: float
    """Of the setting."""
    risk: str
    effect: float
    low: float
    """Bounds of the 95 % interval."""
    high: float
    step: int
    """Optimiser steps done."""


class Place(NamedTuple):
    """One value of a setting in the plane of effects."""

    series: str
    """The objective, without the setting that is swept, and the setting: `npo, beta`."""
    value: float
    forget: SweepRow
    retained: SweepRow
    outdone: bool
    """Whether another place forgets no less and keeps no less, and does one of them better."""


def sweep_rows(field: str, values: Mapping[str, float], rows: Iterable[EffectRow]) -> list[SweepRow]:
    """The sweep that effects make up.

    Args:
        field: name of the setting.
        values: its value for each objective's label: `{"npo(beta=0.5)": 0.5}`. Rows of other objectives are left out.
        rows: effects; those of all terms through all weights are taken.
    """
    return [
        SweepRow(row.objective, field, values[row.objective], row.risk, row.effect, row.low, row.high, row.step)
        for row in rows
        if row.objective in values and row.term == WHOLE and row.group == EVERYTHING
    ]


def read_sweep(folder: Path) -> list[SweepRow]:
    """The sweep in a folder of G-effects; empty where there is none. Raises `BadInput` for one that cannot be read."""
    path = folder / SWEEP_FILE
    if not path.exists():
        return []
    import pyarrow as pa  # here, because it takes a while and every report knows these classes
    import pyarrow.parquet as pq

    try:
        rows = [SweepRow(**row) for row in pq.read_table(path).to_pylist()]
        return [row for row in rows if all(map(math.isfinite, (row.value, row.effect, row.low, row.high)))]
    except (pa.ArrowException, TypeError) as error:
        raise BadInput(
            "the sweep's table cannot be read", where=str(path), value=str(error), fix="measure it again"
        ) from error


def frontier(rows: Sequence[SweepRow], step: int) -> list[Place]:
    """Where each value of each setting lies at one step, by series and rising value.

    Across: the effect on `forget`; upwards: that on the risk to watch among those that must stay. A value that was not
    measured on both has no place.
    """
    at = [row for row in rows if row.step == step]
    goal, stays = forget_risk(row.risk for row in at), retained_risk(row.risk for row in at)
    sides: dict[tuple[str, float], dict[str, SweepRow]] = {}
    for row in at:
        sides.setdefault((series_of(row), row.value), {})[row.risk] = row
    found = [
        Place(series, value, risks[goal], risks[stays], False)
        for (series, value), risks in sorted(sides.items())
        if goal in risks and stays in risks
    ]
    return [place._replace(outdone=any(_outdoes(other, place) for other in found)) for place in found]


def _outdoes(one: Place, other: Place) -> bool:
    ahead = (other.forget.effect - one.forget.effect, one.retained.effect - other.retained.effect)
    return min(ahead) >= 0 and max(ahead) > 0


def series_of(row: SweepRow) -> str:
    """What the values of a sweep have in common: `npo(beta=0.5)` swept over beta and plain `npo` are `npo, beta`."""
    name, _, inside = row.objective.removesuffix(")").partition("(")
    kept = [part for part in re.split(r",\s*", inside) if part and part.partition("=")[0] != row.field]
    return f"{name}({', '.join(kept)}), {row.field}" if kept else f"{name}, {row.field}"
