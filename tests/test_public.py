"""The public names: all there, imported when used, and none of them a module."""

from __future__ import annotations

import subprocess
import sys

import pytest

import unlearnkit


def test_every_public_name_is_there_and_no_module() -> None:
    assert set(unlearnkit.__all__) == set(unlearnkit._HOMES)
    for name in unlearnkit.__all__:
        assert callable(getattr(unlearnkit, name)), name
        assert name in dir(unlearnkit)
    with pytest.raises(AttributeError, match="nothing"):
        unlearnkit.nothing  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, unlearnkit; sys.exit(bool({'torch', 'pydantic', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["unlearnkit.report.build", "unlearnkit.pipeline.score", "unlearnkit.recipe"])
def test_what_needs_no_model_imports_nothing_heavy(name: str) -> None:
    suites = ", ".join(f"unlearnkit.suites.{suite}.suite" for suite in ("pocket", "clinic", "company", "tofu", "files"))
    heavy = {"torch", "transformers", "scipy"}
    code = f"import sys, {name}, {suites}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
