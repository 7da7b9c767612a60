"""Compute an objective's effects for many values of one setting."""

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
from unlearnkit.training.control import FORGET_TERM

COUNT = 9
"""Default number of values in a range."""

_SPEC = re.compile(r"\s*(\w+)\s*=\s*(.+?)\s*")
_RANGE = re.compile(r"([^:]*):([^:]*?)(:\s*log\s*)?(?::\s*(\d+)\s*)?")
_ALLOWED = "FIELD=LOW:HIGH[:log][:COUNT], or FIELD=VALUE,VALUE,..."
_FIX = "write the sweep like beta=0.05:4:log:9 or beta=0.1,0.5,1"


@dataclass(frozen=True)
class Sweep:
    """A setting of an objective, and the values to try."""

    field: str
    values: tuple[float, ...]

    @classmethod
    def parse(cls, text: str, *, where: str | None = None) -> Self:
        """Parse a range or a list of values.

        The values of a range, `beta=0.05:4`, are evenly spaced. The values of a range with `log`, `beta=0.05:4:log`,
        increase by equal factors. A list is `beta=0.1,0.5,1`.

        Args:
            text: the sweep.
            where: origin of the text (such as `--sweep`), for messages.

        Raises:
            InputError: the text is not a sweep.
        """
        match = _SPEC.fullmatch(text)
        if match is None:
            raise InputError("the text is not a sweep", where=where, value=text, allowed=_ALLOWED, fix=_FIX)
        field, values = match.groups()
        where = where or text
        if ":" in values:
            return cls(field, _spaced(values, where))
        return cls(field, tuple(_number(value, where) for value in values.split(",")))

    def objectives(self, name: str, **fixed: object) -> list[Objective]:
        """Create the registered objective once for each value of the swept setting.

        Args:
            name: name of the objective.
            fixed: values of other settings of the objective.

        Raises:
            InputError: the objective does not have the swept setting, or a value is not allowed.
        """
        plugin = OBJECTIVES.get(name).plugin
        try:
            return [plugin(**{**fixed, self.field: value}) for value in self.values]
        except ValidationError as error:
            raise bad_field(error, plugin, (name,)) from error


def _spaced(text: str, where: str) -> tuple[float, ...]:
    """Return the values of LOW:HIGH[:log][:COUNT].

    The first value is exactly LOW, and the last value is exactly HIGH.
    """
    match = _RANGE.fullmatch(text)
    count = int(match[4] or COUNT) if match else 0
    if match is None or count < 2:
        allowed = f"{_ALLOWED}; COUNT >= 2"
        raise InputError("the text is not a sweep", where=where, value=text, allowed=allowed, fix=_FIX)
    low, high = _number(match[1], where), _number(match[2], where)
    if not low < high:
        what, fix = "the range does not increase", "make LOW smaller than HIGH"
        raise InputError(what, where=where, value=text, allowed="LOW < HIGH", fix=fix)
    if match[3] and low <= 0:
        what, fix = "a range with :log cannot start at 0 or below", "start the range above 0, or omit :log"
        raise InputError(what, where=where, value=text, allowed="LOW > 0", fix=fix)
    shares = [number / (count - 1) for number in range(1, count - 1)]
    inner = [low * (high / low) ** share if match[3] else low + (high - low) * share for share in shares]
    return (low, *inner, high)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        what = "this value of the sweep is not a finite number"
        raise InputError(what, where=where, value=text, allowed="finite numbers", fix=_FIX)
    return value


def sweep(measurement: Measurement, name: str, sweep: Sweep, *, step: int = 0, **fixed: object) -> list[SweepRow]:
    """Return an objective's effects for each value of a setting.

    The effects are computed from the measurement; the model is not run.

    Args:
        measurement: a measurement of the model. It must include every output that the objective reads with any value of
            the setting.
        name: name of the registered objective.
        sweep: the setting and its values.
        step: number of optimizer steps done.
        fixed: other settings of the objective.

    Returns:
        One row per value and risk, with the effect of the whole objective. If the objective has a term `forget`, there
        is another row per value and risk, with the effect of this term. All effects are computed over all weights.
    """
    others = {key: value for key, value in fixed.items() if key != sweep.field}
    label = label_of(name, OBJECTIVES.get(name).plugin(**others))
    rows = []
    for value, objective in zip(sweep.values, sweep.objectives(name, **others), strict=True):
        terms = measurement.terms(objective)
        for risk in measurement.risks:
            parts = {term.name: measurement.effect(term, risk) for term in terms}
            effects = {WHOLE: together(list(parts.values()))}
            if FORGET_TERM in parts:
                effects[FORGET_TERM] = parts[FORGET_TERM]
            rows += [
                SweepRow(step, label, term, risk, sweep.field, value, effect.value, effect.low, effect.high)
                for term, effect in effects.items()
            ]
    return rows
