"""Find secrets that a model's outputs reveal."""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.scope.leak_scan.scan import Finding, Place, Strength, scanner
from unlearnkit.scope.scope import Scope

STRENGTH: Strength = "spelled"
"""Strength of the leak scan that computes leak rates. The report states this strength."""


def find_leaks(text: str, row: Row, scope: Scope, place: Place = "response") -> tuple[Finding, ...]:
    """Find the secrets that an output reveals.

    The secrets to find are the secrets of the scope and every form of the row's answer. The method
    `Scanner.scan_output` defines when a secret counts as revealed.
    """
    return scanner(scope).scan_output(text, row, place, STRENGTH)
