"""How a subject looks wherever it is drawn: one color and one sign, in charts and tables alike.

The colors keep a contrast of about 3 to 1 on white and on the dark background, and stay apart for readers with
deuteranopia, protanopia and tritanopia; the sign tells subjects apart without color.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from unlearnkit.data.vocabulary import RETRAINED, TARGET, is_forget
from unlearnkit.report.model import SubjectReport

PALETTE = ("#4a8ff0", "#c28a00", "#ad3f2c", "#249c61", "#8f38dc", "#e0609a")
NEUTRAL = "#7c8796"
FORGOTTEN, STAYS = PALETTE[1], PALETTE[0]
"""Risks of what must be forgotten, and of what must stay."""
FALLS, RISES = PALETTE[0], PALETTE[2]
"""A risk that falls under a step (its effect is positive), and one that rises."""
LIGHT, HEAVY = "#aab1bb", PALETTE[4]
"""Instances of no weight, and of full weight."""

SIGNS = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "star": "★",
    "hexagon": "⬢",
}
"""Marker symbols in plotly's words, and as characters."""
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


class Style(NamedTuple):
    """A color, plotly's marker symbol, and the same symbol as a character."""

    color: str
    symbol: str
    sign: str


def sign_of(number: int) -> tuple[str, str]:
    """Marker symbol and character of the so many-th thing that is drawn, from 0."""
    return list(SIGNS.items())[number % len(SIGNS)]


class RiskStyle(NamedTuple):
    """A color, a marker symbol with its character, and plotly's name of a dash."""

    color: str
    symbol: str
    sign: str
    dash: str


def risk_styles(risks: Iterable[str]) -> dict[str, RiskStyle]:
    """A style for every risk: one color for what must be forgotten and one for what must stay, signs within each."""
    found: dict[str, RiskStyle] = {}
    for risk in risks:
        color = FORGOTTEN if is_forget(risk) else STAYS
        place = sum(style.color == color for style in found.values())
        found[risk] = RiskStyle(color, *sign_of(place), _DASHES[place % len(_DASHES)])
    return found


def styles(subjects: Iterable[SubjectReport]) -> dict[str, Style]:
    """A style for every subject, by name: references in outline and gray, methods filled and colored."""
    found: dict[str, Style] = {}
    methods = 0
    for subject in subjects:
        if subject.name == TARGET:
            found[subject.name] = Style(NEUTRAL, "circle-open", "○")
        elif subject.name == RETRAINED:
            found[subject.name] = Style(NEUTRAL, "diamond-open", "◇")
        else:
            symbol, sign = sign_of(methods)
            found[subject.name] = Style(PALETTE[methods % len(PALETTE)], symbol, sign)
            methods += 1
    return found
