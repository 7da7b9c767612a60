"""Settings of the whole test suite."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

# Several processes of tests share the cores, and threads that spin against each other are ten times slower. Set before
# torch is imported, here and in the processes that pytest-xdist starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Tests run demos and boards. The log of the worlds that were looked at lists none of theirs.
os.environ["UNLEARNKIT_LOOKED_AT"] = ""

# A busy machine is no failure: examples have no deadline of their own.
settings.register_profile("unlearnkit", deadline=None, max_examples=40)
settings.load_profile("unlearnkit")

# A shell starts what runs in its background with Ctrl-C ignored, and here it is tested what Ctrl-C does.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pocket world in a cache of its own, with models that learned next to nothing, and few rows to measure.

    Gives the folder of its target model.
    """
    from unlearnkit.core.progress import Progress
    from unlearnkit.suites.made_up.learning import Learning, ModelSize
    from unlearnkit.suites.pocket import suite as pocket
    from unlearnkit.suites.pocket.learning import LEARNING

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARNKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        size = ModelSize(vocabulary=600, width=48, layers=1, heads=4, inner=96, context=192)
        for edition, learning in LEARNING.items():
            few = learning.settings.model_copy(update={"epochs": None, "steps": 10})
            patch.setitem(LEARNING, edition, Learning(size, few))
        patch.setattr(pocket, "MEASURED", ("forget", "forget.multihop", "near"))
        yield pocket.Pocket().target_model(Progress(quiet=True))


@pytest.fixture(scope="session")
def package_tool() -> ModuleType:
    """`tools/package_models.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent.parent / "tools"))
        return importlib.import_module("package_models")


@pytest.fixture
def packaged_small_world(
    small_world: str, package_tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A package with the models of the small world, and an empty cache; gives the folder in the package."""
    from unlearnkit.core.progress import Progress
    from unlearnkit.suites.pocket.suite import Pocket

    trained = {"target": Path(small_world), "retrained": Path(Pocket().train_model("retrained", Progress(quiet=True)))}
    package_tool.package(trained, tmp_path / "package")
    monkeypatch.setattr(Pocket, "packaged", tmp_path / "package")
    monkeypatch.setenv("UNLEARNKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "package"


@pytest.fixture
def recipe_data(small_world: str, tmp_path: Path) -> dict[str, Any]:
    """A recipe that is over in a second."""
    return {
        "name": "quick",
        "suite": {"name": "pocket"},
        "model": {"path": small_world},
        "method": {"name": "graddiff"},
        "train": {"epochs": None, "steps": 6, "batch_size": 4, "lr": 1e-3, "max_length": 192, "checkpoint_every": 2},
        "eval": {"max_new_tokens": 2},
        "gates": [],
        "out": str(tmp_path / "quick"),
    }
