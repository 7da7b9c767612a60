"""Coefficients: derivatives of an objective with respect to the model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnkit.core.errors import InputError
from unlearnkit.gradient_effect.outputs import Layout
from unlearnkit.methods.objective import Objective, Quantity, Step, Term, Unit, View
from unlearnkit.models.reference import ReferenceValues


@dataclass(frozen=True)
class TermCoefficients:
    """One term of an objective, linearized with respect to the outputs."""

    name: str
    value: float
    """Value of the term in the objective: weight * sum / number of units. The units are tokens or
    sequences."""
    view: View
    unit: Unit
    of: Mapping[Quantity, Tensor]
    """Coefficients for each output, on the CPU. The coefficients for an output have the output's shape. Outputs that
    the term does not read are omitted."""


def coefficients(
    objective: Objective,
    outputs: Mapping[Quantity, Tensor],
    layouts: Mapping[View, Layout],
    reference: ReferenceValues | None = None,
) -> list[TermCoefficients]:
    """Differentiate an objective's terms with respect to the model's outputs.

    Args:
        objective: the objective. Its method `terms` is called once, with the outputs of all rows.
        outputs: the model's outputs. They must include all outputs in the objective's `needs`.
        layouts: layout of each view. A view is a set of rows from which outputs were computed.
        reference: the reference model's values, if the objective requires them.

    Returns:
        The coefficients of each term whose weight is not 0.

    Raises:
        InputError: every term has weight 0.
    """
    leaves = {output: value.detach().clone().requires_grad_() for output, value in outputs.items()}
    constants: dict[Quantity, Tensor] = {}
    if reference is not None:
        rows = {view: range(layout.rows) for view, layout in layouts.items()}
        constants = reference.store(objective.needs().of_reference, rows, torch.device("cpu"))
    with torch.enable_grad():
        terms = objective.terms(Step({**leaves, **constants}, layouts))
        weighted = [_of_term(name, term, leaves, layouts) for name, term in terms.items() if term.weight]
    if not weighted:
        raise InputError(
            "every term of the objective has weight 0, so the objective has no gradient",
            value={name: term.weight for name, term in terms.items()},
            fix="set the weight of at least one term to a value other than 0",
        )
    return weighted


def _of_term(
    name: str, term: Term, leaves: Mapping[Quantity, Tensor], layouts: Mapping[View, Layout]
) -> TermCoefficients:
    units = units_by_row(layouts[term.view], term.unit)
    value = term.weight * term.sum / max(int(units.sum()), 1)
    parts = torch.autograd.grad(value, list(leaves.values()), allow_unused=True, retain_graph=True)
    of = {output: part for output, part in zip(leaves, parts, strict=True) if part is not None}
    return TermCoefficients(name, float(value.detach()), term.view, term.unit, of)


def units_by_row(layout: Layout, unit: Unit) -> Tensor:
    """Return the number of units in each row, (rows,) int64.

    `unit` selects what is counted: sequences, all tokens, only tokens of the trace, or only tokens of the response.
    Each row is one sequence.
    """
    if unit == "sequence":
        return torch.ones(layout.rows, dtype=torch.int64)
    chosen = {"token": layout.in_trace | True, "trace_token": layout.in_trace, "response_token": ~layout.in_trace}
    return layout.row[chosen[unit]].bincount(minlength=layout.rows)
