"""What every registered attack must do. What becomes of a run that is attacked: `tests/attacks/test_runs.py`."""

from __future__ import annotations

import pytest

from unlearnkit.attacks.base import ATTACKS
from unlearnkit.testing import checks_for

CHECKS = checks_for("attack")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", ATTACKS.names())
def test_an_attack_conforms(name: str, check: str) -> None:
    CHECKS[check](ATTACKS.get(name).plugin)
