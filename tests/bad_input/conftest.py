"""The working folder in which all is right, made once and copied for each case."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.bad_input.place import Place
from tests.pocket_tofu import pocket_model, write_pocket_tofu
from unlearnkit.data.sources import read_source
from unlearnkit.scope_file import write_scope
from unlearnkit.scope_suggestion import suggest_scope


@pytest.fixture(scope="session")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, rows to forget and to keep, a scope; the recipe is written for each case."""
    root = tmp_path_factory.mktemp("right")
    tofu = write_pocket_tofu(root / "tofu")
    pocket_model(tofu, root / "model", learns=("forget01_perturbed",), seed=3, steps=3)
    for name, source in {"forget": "forget01_perturbed", "retain": "retain99", "holdout": "holdout01"}.items():
        rows = [json.loads(line) for line in (tofu / f"{source}.json").read_text("utf-8").splitlines()][:12]
        lines = [json.dumps({key: row[key] for key in ("question", "answer")}) for row in rows]
        (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    write_scope(root / "scope.yaml", suggest_scope(read_source(root / "forget.jsonl")))
    return root


@pytest.fixture
def place(right: Path, tmp_path: Path) -> Iterator[Place]:
    root = Path(shutil.copytree(right, tmp_path / "work"))
    with pytest.MonkeyPatch.context() as own, pytest.MonkeyPatch.context() as patch:
        own.chdir(root)
        own.setenv("UNLEARNKIT_CACHE", str(tmp_path / "cache"))
        own.setattr(constants, "HF_HUB_OFFLINE", True)
        own.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        made = Place(root, patch)
        made.recipe()
        yield made
    assert not (tmp_path / "cache").exists(), "nothing is built for what cannot be used"
