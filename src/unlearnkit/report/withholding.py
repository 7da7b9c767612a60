"""Withhold secrets and names that a report must not show."""

from __future__ import annotations

from collections.abc import Iterator

from unlearnkit.report.model import Report
from unlearnkit.report.sanitize import WITHHELD, Withhold, withholder
from unlearnkit.scope.leak_scan.lexicon import identifies
from unlearnkit.scope.leak_scan.scan import scanner
from unlearnkit.scope.scope import Scope
from unlearnkit.text.spellings import words


def withholder_of(report: Report) -> Withhold:
    """Return a function that hides what a report must not show.

    The function replaces secrets unless the report shows forget text, and the names of subjects unless the report shows
    names. If a text still names a subject in another spelling, the whole text is replaced.
    """
    secrets = () if report.show_forget_text else tuple(form for s in report.scope.secrets for form in s.forms)
    if report.show_names:
        return withholder(secrets)
    withhold, names_in = withholder((*secrets, *_names(report.scope))), scanner(report.scope).names

    def hide(text: str) -> str:
        shown = withhold(text)
        return WITHHELD if names_in(shown) else shown

    return hide


def _names(scope: Scope) -> Iterator[str]:
    """Yield names and aliases, and single words that identify a person."""
    for subject in scope.subjects:
        yield from subject.names
        if scope.of_persons:
            yield from (word for word in subject.name.split() if any(map(identifies, words(word))))
