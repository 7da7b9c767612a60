"""Objectives that weigh ascent token by token, and those that prefer: numbers by hand, and others' faults."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.steps import LeafView, loss, mean, step_of
from unlearnkit.methods.objective import Objective, Step
from unlearnkit.methods.objectives.forget.ga import GA
from unlearnkit.methods.objectives.forget.idkdpo import IdkDPO, dpo
from unlearnkit.methods.objectives.forget.npo import npo
from unlearnkit.methods.objectives.forget.satimp import SatImp, satimp_weight
from unlearnkit.methods.objectives.forget.simnpo import SimNPO, simnpo
from unlearnkit.methods.objectives.forget.tnpo import TNPO, tnpo_weight
from unlearnkit.methods.objectives.forget.wga import WGA
from unlearnkit.methods.objectives.forget.wtnpo import WTNPO

FORGET = [[-1.0, -2.0, -3.0], [-4.0]]
REFERENCE = [[-1.0, -1.0, -4.0], [-2.0]]
IDK = [[-2.0, -1.0], [-3.0]]
IDK_REFERENCE = [[-1.0, -1.0], [-5.0]]


def gradient(objective: Objective, rows: list[list[float]], reference: list[list[float]] | None = None) -> list[float]:
    view = LeafView(rows)
    step = step_of({"forget": view}, {"forget": LeafView(reference)} if reference else None)
    loss(objective.terms(step), step).backward()
    return view.leaf.grad.tolist()  # type: ignore[union-attr]


def flat(rows: list[list[float]]) -> list[float]:
    return [x for row in rows for x in row]


# --- weighted ascent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.5, 1.0, 5.0])
def test_wga_by_hand(alpha: float) -> None:
    step = step_of({"forget": LeafView(FORGET)})
    want = sum(math.exp(x) ** alpha * x for x in flat(FORGET)) / 4
    assert mean(WGA(alpha=alpha).terms(step), "forget", step) == pytest.approx(want)
    # The weight is a constant: the gradient of w log p is w, and not that of p^alpha log p.
    assert gradient(WGA(alpha=alpha), FORGET) == pytest.approx([math.exp(x) ** alpha / 4 for x in flat(FORGET)])


def test_wga_without_weight_is_ascent() -> None:
    assert gradient(WGA(alpha=0.0), FORGET) == gradient(GA(), FORGET)


@pytest.mark.parametrize("objective", [WGA(), SatImp()])
def test_weighted_ascent_stops_when_every_token_is_unlearned(objective: Objective) -> None:
    """A mean over weights in place of tokens would push with full strength for ever."""
    assert max(gradient(objective, [[-30.0, -35.0]])) < 1e-12


def test_satimp_by_hand() -> None:
    want = [math.exp(x) ** 5 * (1 - math.exp(x)) / 4 for x in flat(FORGET)]
    assert gradient(SatImp(), FORGET) == pytest.approx(want)
    want = [math.exp(x) ** 2 * (1 - math.exp(x)) ** 0.5 / 4 for x in flat(FORGET)]
    assert gradient(SatImp(beta1=2.0, beta2=0.5), FORGET) == pytest.approx(want)


@given(p=st.floats(1e-6, 1 - 1e-6), beta1=st.floats(0.1, 8), beta2=st.floats(0.1, 8))
def test_satimps_weight_is_largest_between_its_exponents(p: float, beta1: float, beta2: float) -> None:
    peak = beta1 / (beta1 + beta2)
    logs = torch.tensor([math.log(p), math.log(peak)], dtype=torch.float64)
    weight, largest = satimp_weight(logs, beta1, beta2).tolist()
    assert weight <= largest * (1 + 1e-12)


def test_satimps_weight_near_certainty_is_exact_and_finite() -> None:
    certain = torch.tensor([-1e-12, 0.0, 1e-7, -1e4], dtype=torch.float64)
    assert satimp_weight(certain, 5.0, 1.0).tolist() == pytest.approx([1e-12, 0.0, 0.0, 0.0], rel=1e-9, abs=0.0)
    assert satimp_weight(certain, 5.0, 0.5).tolist() == pytest.approx([1e-6, 0.0, 0.0, 0.0], rel=1e-9, abs=0.0)


# --- token-wise NPO ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
def test_tnpo_by_hand(beta: float) -> None:
    pairs = zip(flat(FORGET), flat(REFERENCE), strict=True)
    want = [2 * math.exp(a) ** beta / (math.exp(a) ** beta + math.exp(b) ** beta) / 4 for a, b in pairs]
    assert gradient(TNPO(beta=beta), FORGET, REFERENCE) == pytest.approx(want)


def test_tnpo_at_the_reference_model_is_ascent() -> None:
    assert gradient(TNPO(beta=4.0), FORGET, FORGET) == gradient(GA(), FORGET)


def test_tnpo_keeps_the_weight_of_improbable_tokens() -> None:
    """With 1e-5 added below the quotient, p = 0.05 at beta 4 would weigh 0.56, and p = 0.01 next to nothing."""
    logps = torch.tensor([math.log(0.05), math.log(0.01), -1e4], dtype=torch.float64)
    assert tnpo_weight(logps, logps, 4.0).tolist() == [1.0, 1.0, 1.0]


def test_wtnpo_by_hand_with_exponents_of_its_own() -> None:
    alpha, beta = 1.5, 4.0
    pairs = zip(flat(FORGET), flat(REFERENCE), strict=True)
    p = [(math.exp(a), math.exp(b)) for a, b in pairs]
    want = [2 * a ** (beta + alpha) / (a**beta + b**beta) / 4 for a, b in p]
    assert gradient(WTNPO(alpha=alpha, beta=beta), FORGET, REFERENCE) == pytest.approx(want)
    same = [2 * a ** (beta + beta) / (a**beta + b**beta) / 4 for a, b in p]
    assert want != pytest.approx(same), "one number for both is another objective"


# --- preference ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("beta", "delta"), [(2.5, 0.0), (4.5, 0.0), (0.7, 0.3)])
def test_simnpo_by_hand(beta: float, delta: float) -> None:
    step = step_of({"forget": LeafView(FORGET)})
    nll = (2.0, 4.0)  # per token: -(-1 - 2 - 3) / 3 and 4 / 1
    sigma = [1 / (1 + math.exp(-beta * (x - delta))) for x in nll]
    terms = SimNPO(beta=beta, delta=delta).terms(step)
    assert mean(terms, "forget", step) == pytest.approx(sum(-2 / beta * math.log(s) for s in sigma) / 2)
    assert terms["forget"].unit == "sequence"
    want = [2 * (1 - sigma[0]) / 3 / 2] * 3 + [2 * (1 - sigma[1]) / 2]
    assert gradient(SimNPO(beta=beta, delta=delta), FORGET) == pytest.approx(want)


def test_simnpo_counts_a_long_answer_as_a_short_one() -> None:
    losses = []
    for rows in ([[-1.0, -3.0]], [[-1.0, -3.0] * 5]):
        step = step_of({"forget": LeafView(rows)})
        losses.append(mean(SimNPO().terms(step), "forget", step))
    assert losses[0] == pytest.approx(losses[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_simnpo_does_not_overflow_and_is_bounded_below(dtype: torch.dtype) -> None:
    values = simnpo(torch.tensor([0.0, -1e30, -2.0], dtype=dtype), 4.5, 0.0)
    assert torch.isfinite(values).all() and (values >= 0).all() and values[1] == 0


def idkdpo_step() -> tuple[Step, dict[str, LeafView]]:
    views = {"forget": LeafView(FORGET), "forget:idk": LeafView(IDK)}
    return step_of(views, {"forget": LeafView(REFERENCE), "forget:idk": LeafView(IDK_REFERENCE)}), views


def test_idkdpo_by_hand() -> None:
    beta = 0.5
    step, views = idkdpo_step()
    # Log-ratios of the answer: -6 + 6 = 0 and -4 + 2 = -2; of "I don't know": -3 + 2 = -1 and -3 + 5 = 2.
    margins = (-1.0 - 0.0, 2.0 + 2.0)
    sigma = [1 / (1 + math.exp(-beta * x)) for x in margins]
    terms = IdkDPO(beta=beta).terms(step)
    assert mean(terms, "forget", step) == pytest.approx(sum(-2 / beta * math.log(s) for s in sigma) / 2)
    loss(terms, step).backward()
    push = [2 * (1 - s) / 2 for s in sigma]
    assert views["forget"].leaf.grad.tolist() == pytest.approx([push[0]] * 3 + [push[1]])
    assert views["forget:idk"].leaf.grad.tolist() == pytest.approx([-push[0]] * 2 + [-push[1]])


@given(log_ratio=st.floats(-200, 200), beta=st.floats(0.01, 10))
def test_idkdpo_is_npo_where_the_chosen_answer_stays_as_it_was(log_ratio: float, beta: float) -> None:
    x, zero = torch.tensor([log_ratio], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    assert dpo(zero, x, beta).item() == pytest.approx(npo(x, zero, beta).item())
