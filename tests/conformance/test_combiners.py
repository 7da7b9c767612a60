"""What every registered combiner must do."""

from __future__ import annotations

import pytest

from unlearnkit.testing import checks_for
from unlearnkit.training.combiner import COMBINERS

CHECKS = checks_for("combiner")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", COMBINERS.names())
def test_a_combiner_conforms(name: str, check: str) -> None:
    CHECKS[check](COMBINERS.get(name).plugin)
