"""The effects of one objective over many values of one setting, all read off one measurement."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Self

from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.core.yaml_source import bad_field
from unlearnkit.gradient_effect.effects import label_of, together
from unlearnkit.gradient_effect.measurement import Measurement
from unlearnkit.gradient_effect.table import WHOLE, SweepRow
from unlearnkit.methods.objective import OBJECTIVES, Objective

FORGET = "forget"
"""Name of the term whose effect is told beside that of the whole objective."""
COUNT = 9
"""Of values, where a range does not say."""

_SPEC = re.compile(r"\s*(\w+)\s*=\s*(.+?)\s*")
_ALLOWED = "FIELD=LOW:HIGH, FIELD=LOW:HIGH:log, either of them with :COUNT, or FIELD=VALUE,VALUE,..."
_FIX = "write it like beta=0.05:4:log:9 or beta=0.1,0.5,1"


@dataclass(frozen=True)
class Sweep:
    """A setting of an objective, and the values that it takes."""

    field: str
    values: tuple[float, ...]

    @classmethod
    def parse(cls, text: str, *, where: str | None = None) -> Self:
        """Read `beta=0.05:4:log` (a range, evenly spaced or by equal factors) or `beta=0.1,0.5,1` (a list).

        `where` names the place it came from (`--sweep`) for the error.
        """
        match = _SPEC.fullmatch(text)
        if match is None:
            raise InputError("not a sweep of a setting", where=where, value=text, allowed=_ALLOWED, fix=_FIX)
        field, right = match.groups()
        at = where or text
        if ":" in right:
            return cls(field, _spaced(right, at))
        return cls(field, tuple(_number(value, at) for value in right.split(",")))

    def objectives(self, name: str, **fixed: object) -> list[Objective]:
        """The registered objective with each value in turn; `fixed` are its other settings.

        Raises `InputError` for a setting that the objective has not, and for a value that it refuses.
        """
        plugin = OBJECTIVES.get(name).plugin
        try:
            return [plugin(**{**fixed, self.field: value}) for value in self.values]
        except ValidationError as error:
            raise bad_field(error, plugin, (name,)) from error


def _spaced(text: str, where: str) -> tuple[float, ...]:
    """The values of LOW:HIGH[:log][:COUNT]; the first and the last are LOW and HIGH to the bit."""
    low_text, high_text, *rest = (part.strip() for part in text.split(":"))
    low, high = _number(low_text, where), _number(high_text, where)
    by_factors = rest[:1] == ["log"]
    rest = rest[1:] if by_factors else rest
    if len(rest) > 1 or not all(part.isdecimal() and int(part) > 1 for part in rest):
        raise InputError(
            "not a sweep of a setting", where=where, value=text, allowed=_ALLOWED + "; COUNT >= 2", fix=_FIX
        )
    if not low < high:
        raise InputError("a range must rise", where=where, value=text, allowed="LOW < HIGH", fix="turn the two about")
    if by_factors and low <= 0:
        fix = "begin above 0, or leave out :log"
        raise InputError("equal factors do not lead away from 0", where=where, value=text, allowed="LOW > 0", fix=fix)
    count = int(rest[0]) if rest else COUNT
    shares = [number / (count - 1) for number in range(1, count - 1)]
    inner = [low * (high / low) ** share if by_factors else low + (high - low) * share for share in shares]
    return (low, *inner, high)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError("not a value to sweep over", where=where, value=text, allowed="finite numbers", fix=_FIX)
    return value


def sweep(measurement: Measurement, name: str, sweep: Sweep, *, step: int = 0, **fixed: object) -> list[SweepRow]:
    """The effects of an objective on every risk, for each value of the swept setting; no pass of the model is made.

    Args:
        measurement: of the model, with everything that the objective reads at any of the values.
        name: of the registered objective.
        sweep: the setting and its values.
        step: optimizer steps done.
        fixed: other settings of the objective.

    Returns:
        By value and risk: the whole objective and, where it has one, its term `forget`; through all weights.
    """
    plain = {key: value for key, value in fixed.items() if key != sweep.field}
    objectives = sweep.objectives(name, **plain)
    label = label_of(name, OBJECTIVES.get(name).plugin(**plain))
    rows = []
    for value, objective in zip(sweep.values, objectives, strict=True):
        terms = measurement.terms(objective)
        for risk in measurement.risks:
            parts = {term.name: measurement.effect(term, risk) for term in terms}
            told = {WHOLE: together(list(parts.values()))}
            if FORGET in parts:
                told[FORGET] = parts[FORGET]
            rows += [
                SweepRow(step, label, term, risk, sweep.field, value, effect.value, effect.low, effect.high)
                for term, effect in told.items()
            ]
    return rows
