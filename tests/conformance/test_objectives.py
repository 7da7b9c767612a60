"""What every registered objective must do. A new one is found and tested by being registered."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch

from tests.conformance.harness import CASES, make
from tests.conformance.outside import OUTSIDE
from tests.conformance.slow import SLOW, Slow
from unlearnkit.testing import checks_for
from unlearnkit.testing.world import World

CHECKS = checks_for("objective")
made = cache(make)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("case", CASES)
def test_an_objective_conforms(case: str, check: str) -> None:
    if check == "source_and_docstring" and CASES[case][0] in OUTSIDE:
        pytest.skip("not registered")
    CHECKS[check](made(case))


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradient_equal_a_slow_independent_computation(case: str) -> None:
    name = CASES[case][0]
    assert name in SLOW, f"write {name!r} again in tests/conformance/slow.py"
    world = World(make(case))
    slow = SLOW[name](Slow(world.model, world.target, world.views), world.objective)
    parameters = [p for p in world.model.parameters() if p.requires_grad]
    want = torch.autograd.grad(slow, parameters, materialize_grads=True, allow_unused=True)
    log, gradient = world.step()
    assert log is not None
    assert log.loss == pytest.approx(slow.item(), rel=1e-6, abs=1e-6)
    norm = math.sqrt(sum(float(g.square().sum()) for g in want))
    assert norm > 1e-3
    assert log.gradient_norm == pytest.approx(norm, rel=1e-5)
    torch.testing.assert_close(gradient, list(want), rtol=1e-4, atol=1e-5 * max(1.0, norm))
