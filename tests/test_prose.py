"""The check of the package's English finds what it should and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "prose.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("prose", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROSE = load()


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('"""Say what it was told."""', "told"),
        ('"""Good."""\n\nx = 1  # the file stands in the folder', "stands in"),
        ('"""Good."""\n\nx = f"mend line {1} of the file"', "mend"),
        ('"""Normalise the neighbours."""', "American"),
        ('"""Analyse the data."""', "American"),
        ('"""No period"""', "period"),
        ('"""' + "word " * 12 + 'end."""', "13 words"),
        ('"""Good."""\n\ndef f(said):\n    pass', "old name"),
        ('"""Good."""\n\nclass A:\n    """Two lines\n\n    here."""', "period"),
    ],
)
def test_a_fault_is_found(source: str, fault: str) -> None:
    found = list(PROSE.faults("core/files.py", source))
    assert len([line for line in found if fault in line]) >= 1, found


@pytest.mark.parametrize(
    "source",
    [
        '"""Return `told`, and everything that `a b c` has in a short line."""',
        '"""Good."""\n\nx = "told"  # one word is not a message',
        '"""Raise the noise, precisely; otherwise promise to revise."""',
        '"""' + "word " * 11 + 'end."""',
    ],
)
def test_plain_prose_has_no_faults(source: str) -> None:
    assert list(PROSE.faults("core/files.py", source)) == []


def test_strings_of_data_files_are_free() -> None:
    source = '"""Good."""\n\nx = "beside the frozen quay"'
    assert list(PROSE.faults("suites/pocket/story.py", source)) == []
    assert len(list(PROSE.faults("core/files.py", source))) == 1


def test_every_pending_file_exists() -> None:
    pending = PROSE.PENDING.read_text(encoding="utf-8").split()
    assert list(PROSE.pending_faults(pending, None)) == []
    assert len(list(PROSE.pending_faults([*pending, "core/none.py"], None))) == 1
