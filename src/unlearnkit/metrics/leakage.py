"""Whether the subject gives away what it was to forget."""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.scope.leak_scan.scan import Finding, Place, Strength, scanner
from unlearnkit.scope.scope import Scope

STRENGTH: Strength = "spelled"
"""How hard the reported leak rates look; the report says so in words."""


def find_leaks(text: str, row: Row, scope: Scope, place: Place = "response") -> tuple[Finding, ...]:
    """Find the secrets of the scope, or forms of the answer, that an output on a row gives away.

    See `Scanner.scan_output` for what counts.
    """
    return scanner(scope).scan_output(text, row, place, STRENGTH)
