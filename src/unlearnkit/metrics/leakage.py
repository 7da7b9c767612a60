"""Find secrets that a model's outputs reveal."""

from __future__ import annotations

from unlearnkit.data.rows import Row
from unlearnkit.scope.leak_scan.scan import Finding, Place, Strength, scanner
from unlearnkit.scope.scope import Scope
from unlearnkit.text.affixed_search import Context
from unlearnkit.text.search_evidence import is_judged

STRENGTH: Strength = "spelled"
"""Strength of the leak scan that computes leak rates. The report states this strength."""


def find_leaks(text: str, row: Row, scope: Scope, place: Place = "response") -> tuple[Finding, ...]:
    """Find the secrets that an output reveals.

    The secrets to find are the secrets of the scope and every form of the row's answer. The method
    `Scanner.scan_output` defines when a secret counts as revealed.
    """
    return scanner(scope).scan_output(text, row, place, STRENGTH)


def leak_value(text: str, row: Row, scope: Scope, place: Place = "response") -> float | None:
    """Return 1 if an output reveals a secret, else 0.

    Returns None if no secret is found, but a secret and the output are in a script or language in which the search was
    never checked, so that a failed search proves nothing.
    """
    if find_leaks(text, row, scope, place):
        return 1.0
    covered = scope.covers(row.subject)
    secrets = (secret.forms for secret in scope.secrets if not covered or secret.subject == row.subject)
    forms = [form for known in (*secrets, row.answers if covered else ()) for form in known]
    context = Context(row.question, row.language, scope.languages)
    return 0.0 if all(is_judged(form, text, context) for form in forms) else None
