"""The package without its benchmark: what a user does with files of their own needs nothing of `suites/pocket`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import unlearnkit

HERE, PACKAGE = Path(__file__).parents[2], Path(unlearnkit.__file__).parent
FILES_ROAD = (
    "tests/suites/test_files.py",
    "tests/suites/test_tofu.py",
    "tests/bad_input/test_splits.py",
    "tests/bad_input/test_scope.py",
    "tests/scope/test_suggest.py",
    "tests/targets/test_targets.py",
)
"""Tests of `init`, `check`, `run` and the rest on files of one's own."""
NAMES_POCKET = "not data_belongs_beside_the_suite"
"""Leaves out the test that names the suite itself."""
MAIN = "import sys; from unlearnkit.cli.app import main; sys.exit(main())"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its tests without the suite."""
    root = tmp_path_factory.mktemp("without")
    shutil.copytree(PACKAGE, root / "src" / "unlearnkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.rmtree(root / "src" / "unlearnkit" / "suites" / "pocket")
    shutil.copytree(HERE / "tests", root / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "pyproject.toml", root)
    return root


def python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, check=False, capture_output=True, text=True
    )


@pytest.mark.extended
def test_own_files_are_unlearned_without_the_benchmark(elsewhere: Path) -> None:
    where = python(elsewhere, "-c", "import unlearnkit; print(unlearnkit.__file__)")
    assert Path(where.stdout.strip()).is_relative_to(elsewhere), "the copy is tested"
    ended = python(
        elsewhere, "-m", "pytest", "-v", "-n", "0", "-p", "no:cacheprovider", "-k", NAMES_POCKET, *FILES_ROAD
    )
    assert ended.returncode == 0, ended.stdout[-6000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None and int(passed[1]) > 100


@pytest.mark.extended
def test_the_demo_says_that_its_suite_is_missing(elsewhere: Path) -> None:
    ended = python(elsewhere, "-c", MAIN, "demo", "--out", "d")
    assert ended.returncode == 4 and "needs a suite that is missing from this installation" in ended.stderr
    assert "pocket" in ended.stderr and not (elsewhere / "d").exists()
    listed = python(elsewhere, "-c", MAIN, "ls")
    assert listed.returncode == 0 and "files" in listed.stdout and "pocket" not in listed.stdout
