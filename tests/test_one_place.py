"""What must happen in one place of the package happens in one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import unlearnkit

ROOT = Path(unlearnkit.__file__).parent

PLACES = {
    "makes a suite": (r"\bSUITE\.make\(|SUITES\.get\([^)]*\)\.plugin\(", {"recipe.py"}),
    "moves a model to a device": (r"\.cuda\(\)|PartialState\(\)\.device|\.to\(.cuda", {"models/load.py"}),
    "loads a model": (r"= auto_class\(.*\)\.from_pretrained\(\n|AutoModelFor\w+\.from_pretrained", {"models/load.py"}),
    "opens the model under test of a run": (r"folder\.subject_path\(\), where=", {"pipeline/subject.py"}),
    "parses a trace": (r"\.partition\(markers\.|def split_trace|think\(\?", {"data/trace_format.py"}),
    "decides which sets must be forgotten": (
        r"startswith\(.forget\b|split\(...\)\[0\] == .forget",
        {"data/vocabulary.py"},
    ),
    "looks for leaks": (r"class Scanner\b|def leak\w*_in\b|def leaks\b", {"scope/leak_scan/scan.py"}),
}
"""What is done, a pattern of the code that does it, and the files that may hold it."""


def holders(root: Path, pattern: str) -> set[str]:
    files = sorted(root.rglob("*.py"))
    return {str(f.relative_to(root)) for f in files if re.search(pattern, f.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("what", PLACES)
def test_there_is_one_place_that(what: str) -> None:
    pattern, places = PLACES[what]
    assert holders(ROOT, pattern) == places
