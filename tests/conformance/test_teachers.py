"""What every registered teacher must do."""

from __future__ import annotations

from typing import Any

import pytest

from unlearnkit.targets.base import TEACHERS
from unlearnkit.testing import checks_for

CHECKS = checks_for("teacher")
SETTINGS: dict[str, dict[str, Any]] = {
    "api": {"server": {"url": "https://example.org/v1", "model": "some-model"}},
    "local": {"path": "some/folder"},
}
"""Settings without a default."""


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", TEACHERS.names())
def test_a_teacher_conforms(name: str, check: str) -> None:
    CHECKS[check](TEACHERS.get(name).plugin(**SETTINGS.get(name, {})))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("settings", [{"reasoning": False}, {"criteria": False}], ids=str)
def test_the_ablations_of_the_template_teacher_conform(settings: dict[str, bool], check: str) -> None:
    CHECKS[check](TEACHERS.get("template").plugin(**settings))
