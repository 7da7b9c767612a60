"""A real pre-trained chat model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unlearnkit.models.cache import cache_folder

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="session")
def smollm2() -> str:
    """The folder of a real model: the one that a variable names, or the one in the cache."""
    folder = os.environ.get("UNLEARNKIT_SMOLLM2") or str(cache_folder() / "smollm2-135m-instruct")
    ended = subprocess.run(
        [sys.executable, str(TOOLS / "real_model.py"), folder], check=False, capture_output=True, text=True
    )
    if ended.returncode:
        pytest.skip(f"SmolLM2 cannot be had: {ended.stderr.strip()[-200:]}")
    return folder
