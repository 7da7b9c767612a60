"""A run to attack: the small world's target model, measured, with next to nothing learned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from unlearnkit.core.progress import Progress
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.recipe import EvalSettings
from unlearnkit.runs.folder import RunFolder


@pytest.fixture(scope="session")
def measured(small_world: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "plain"
    settings = EvalSettings(max_new_tokens=2)
    evaluate(small_world, {"name": "pocket"}, out=folder, settings=settings, progress=Progress(quiet=True))
    return folder


@pytest.fixture
def folder(measured: Path, tmp_path: Path) -> RunFolder:
    """A copy that a test may write into."""
    return RunFolder(shutil.copytree(measured, tmp_path / "run"))
