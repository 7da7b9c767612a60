"""What every metric must do."""

from __future__ import annotations

import pytest

from unlearnkit.metrics.base import METRICS
from unlearnkit.testing import checks_for

CHECKS = checks_for("metric")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", METRICS.names())
def test_a_metric_conforms(name: str, check: str) -> None:
    CHECKS[check](METRICS.get(name).plugin)
