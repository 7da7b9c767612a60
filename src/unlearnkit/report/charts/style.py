"""Colors and signs of subjects and risks.

They are the same in charts and tables. The colors have a contrast of about 3 to 1 on white and on the dark background,
and are distinct for readers with deuteranopia, protanopia and tritanopia. The sign distinguishes subjects without
color.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from unlearnkit.data.vocabulary import RETRAINED, TARGET, is_forget
from unlearnkit.report.model import SubjectReport

PALETTE = ("#4a8ff0", "#c28a00", "#ad3f2c", "#249c61", "#8f38dc", "#e0609a")
NEUTRAL = "#7c8796"
FORGOTTEN, STAYS = PALETTE[1], PALETTE[0]
"""Of risks on what must be forgotten, and on what must stay."""
FALLS, RISES = PALETTE[0], PALETTE[2]
"""Of a risk that falls in a step (its effect is positive), and of one that rises."""
LIGHT, HEAVY = "#aab1bb", PALETTE[4]
"""Of instances with no weight, and with full weight."""

SIGNS = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "star": "★",
    "hexagon": "⬢",
}
"""Characters of markers, by plotly's names of their symbols."""
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


class Style(NamedTuple):
    """A color, plotly's marker symbol, and the same symbol as a character."""

    color: str
    symbol: str
    sign: str


class RiskStyle(NamedTuple):
    """A style with plotly's name of a dash."""

    color: str
    symbol: str
    sign: str
    dash: str


def sign_of(number: int) -> tuple[str, str]:
    """Return marker symbol and character of the n-th item, from 0."""
    return list(SIGNS.items())[number % len(SIGNS)]


def risk_styles(risks: Iterable[str]) -> dict[str, RiskStyle]:
    """Return a style per risk.

    There is one color for forget sets and one for all others. Within each, the signs differ.
    """
    look: dict[str, RiskStyle] = {}
    for risk in risks:
        color = FORGOTTEN if is_forget(risk) else STAYS
        place = sum(style.color == color for style in look.values())
        look[risk] = RiskStyle(color, *sign_of(place), _DASHES[place % len(_DASHES)])
    return look


def styles(subjects: Iterable[SubjectReport]) -> dict[str, Style]:
    """Return a style per subject, by name.

    References are gray and hollow, methods colored and filled.
    """
    look = {TARGET: Style(NEUTRAL, "circle-open", "○"), RETRAINED: Style(NEUTRAL, "diamond-open", "◇")}
    methods = [subject.name for subject in subjects if not subject.is_reference]
    return look | {name: Style(PALETTE[i % len(PALETTE)], *sign_of(i)) for i, name in enumerate(methods)}
