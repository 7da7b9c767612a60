"""Find secrets that a model's outputs reveal."""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.scope.leak_scan.scan import Finding, Place, Strength, scanner
from unlearnkit.scope.scope import Scope

STRENGTH: Strength = "spelled"
"""Strength of the scan behind the reported leak rates. The report names it."""


def find_leaks(text: str, row: Row, scope: Scope, place: Place = "response") -> tuple[Finding, ...]:
    """Find what an output reveals.

    That is, secrets of the scope and forms of the answer. See `Scanner.scan_output` for what counts.
    """
    return scanner(scope).scan_output(text, row, place, STRENGTH)
