"""The reduced demo holds the floors that planted faults break (`experiments/planted_faults.py`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reduced_demo import broken, demo, reduced


@pytest.mark.extended
def test_the_reduced_demo_holds_its_floors(tmp_path: Path) -> None:
    with reduced(tmp_path / "cache"):
        values = demo(tmp_path / "runs", seed=0)
    assert values["target"]["forget.accuracy"] >= 0.9, "there is something to forget"
    assert broken(values) == []
