"""How a subject looks wherever it is drawn: one colour and one sign, in charts and tables alike.

The colours keep a contrast of about 3 to 1 on white and on the dark background, and stay apart for readers with
deuteranopia, protanopia and tritanopia; the sign tells subjects apart without colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from unlearnkit.report.model import SubjectReport
from unlearnkit.report.names import RETRAINED, TARGET

PALETTE = ("#4a8ff0", "#c28a00", "#ad3f2c", "#249c61", "#8f38dc", "#e0609a")
NEUTRAL = "#7c8796"

_SIGNS = (
    ("circle", "●"),
    ("square", "■"),
    ("diamond", "◆"),
    ("triangle-up", "▲"),
    ("triangle-down", "▼"),
    ("star", "★"),
    ("hexagon", "⬢"),
)


class Style(NamedTuple):
    """A colour, plotly's marker symbol, and the same symbol as a character."""

    colour: str
    symbol: str
    sign: str


def styles(subjects: Iterable[SubjectReport]) -> dict[str, Style]:
    """A style for every subject, by name: references in outline and grey, methods filled and coloured."""
    found: dict[str, Style] = {}
    methods = 0
    for subject in subjects:
        if subject.name == TARGET:
            found[subject.name] = Style(NEUTRAL, "circle-open", "○")
        elif subject.name == RETRAINED:
            found[subject.name] = Style(NEUTRAL, "diamond-open", "◇")
        else:
            symbol, sign = _SIGNS[methods % len(_SIGNS)]
            found[subject.name] = Style(PALETTE[methods % len(PALETTE)], symbol, sign)
            methods += 1
    return found
