"""What every registered suite must do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pocket_tofu import write_pocket_tofu
from unlearnkit.suites.base import SUITES
from unlearnkit.testing import checks_for

CHECKS = checks_for("suite")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pocket_tofu(tmp_path_factory.mktemp("suites") / "tofu")


def settings_of(name: str, data: Path) -> dict[str, Any]:
    """Settings without a default."""
    if name == "tofu":
        return {"split": "forget01", "data": {"path": str(data)}}
    if name == "files":
        return {"data": {split: str(rows_of(data, file)) for split, file in FILES.items()}}
    return {}


FILES = {"forget": "forget01_perturbed", "retain": "retain99"}


def rows_of(data: Path, file: str) -> Path:
    """A file with questions and answers alone."""
    lines = (data / f"{file}.json").read_text("utf-8").splitlines()
    path = data.parent / f"{file}.jsonl"
    kept = [{key: json.loads(line)[key] for key in ("question", "answer")} for line in lines]
    path.write_text("\n".join(map(json.dumps, kept)), "utf-8")
    return path


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", SUITES.names())
def test_a_suite_conforms(name: str, check: str, data: Path) -> None:
    CHECKS[check](SUITES.get(name).plugin(**settings_of(name, data)))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("request_name", ["book", "pii", "hazard"])
def test_other_requests_of_the_pocket_world_conform(request_name: str, check: str) -> None:
    suite: Any = SUITES.get("pocket").plugin
    CHECKS[check](suite(request=request_name))
