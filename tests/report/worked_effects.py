"""G-effects made up for the report: three objectives at three steps, through three groups of weights."""

from __future__ import annotations

from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow, EffectTable, InstanceRow, StepRow, SweepRow

OBJECTIVES = ("ga", "npo(beta=0.5)", "po")
RISKS = ("forget", "near", "retain")
GROUPS = {"embedding": 0.1, "block 0": 0.7, "head": 0.2}
STEPS = (0, 10, 20)
_SIZES = {"forget": -10.0, "near": -4.0, "retain": 0.5}


def row(objective: str, risk: str, step: int, group: str = EVERYTHING, share: float = 1.0) -> EffectRow:
    """Ascent's effects grow by decades."""
    value = _SIZES[risk] * share * (10.0 ** (step / 5) if objective == "ga" else 1 + step / 10)
    value = -value if objective == "po" and step else value
    cosine = -0.25 if group == EVERYTHING and objective == "ga" else None
    half = 0.2 * abs(value)
    return EffectRow(step, objective, WHOLE, risk, group, value, value - half, value + half, 1.0, 2.0, cosine)


def instance(objective: str, risk: str, step: int, number: int) -> InstanceRow:
    slope = (number - 9.0) if risk == "forget" else (number % 5 - 2.0)
    weight = 1.0 if objective == "ga" else number / 6
    return InstanceRow(step, objective, "forget", risk, "forget", number, weight, slope, weight * slope / 12)


def table(steps: tuple[int, ...] = STEPS, objectives: tuple[str, ...] = OBJECTIVES) -> EffectTable:
    effects = [row(o, risk, step) for o in objectives for risk in RISKS for step in steps]
    effects += [
        row(o, risk, step, group, share)
        for o in objectives
        for risk in RISKS
        for step in steps
        for group, share in GROUPS.items()
    ]
    instances = [
        instance(o, risk, step, number)
        for o in objectives
        if o != "po"
        for risk in ("forget", "near")
        for step in steps
        for number in range(12)
    ]
    made = [StepRow(step, "near", 0.1 * step, 0.2 * step) for step in steps]
    return EffectTable(effects, instances, made)


def sweeps() -> tuple[SweepRow, ...]:
    return tuple(
        SweepRow(20, "npo", "objective", risk, "beta", beta, effect / beta, 1.2 * effect / beta, 0.8 * effect / beta)
        for beta in (0.1, 0.5, 1.0)
        for risk, effect in _SIZES.items()
    )
