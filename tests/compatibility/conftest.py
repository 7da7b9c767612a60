from __future__ import annotations

import tarfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from unlearnkit.core.settings import RenamedWarning
from unlearnkit.runs.folder import RunFolder

DATA = Path(__file__).parent.parent / "data" / "run_f51d70e"


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what f51d70e wrote, as the working directory: its recipe names files by relative paths."""
    with tarfile.open(DATA / "run.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(old: Path) -> RunFolder:
    return RunFolder(old / "run")


@pytest.fixture
def no_nagging() -> Iterator[None]:
    """Nobody is told of an earlier name in a run folder, which nobody writes by hand."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RenamedWarning)
        yield
