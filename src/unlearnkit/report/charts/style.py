"""Colors and signs of models under test and of risks.

A risk is a model's mean loss on a row set. A sign is a character that looks like a chart's marker. Charts and tables
use the same colors and signs. The colors have a contrast of about 3 to 1 on the white and on the dark background.
Readers with deuteranopia, protanopia or tritanopia can distinguish the colors. Where colors are not visible, the signs
still distinguish the models.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from unlearnkit.data.vocabulary import RETRAINED, TARGET, is_forget
from unlearnkit.report.model import SubjectReport

PALETTE = ("#4a8ff0", "#c28a00", "#ad3f2c", "#249c61", "#8f38dc", "#e0609a")
NEUTRAL = "#7c8796"
FORGOTTEN, STAYS = PALETTE[1], PALETTE[0]
"""The color of risks on forget sets, and the color of risks on sets of knowledge that must be kept."""
FALLS, RISES = PALETTE[0], PALETTE[2]
"""The color of positive effects (a step lowers the risk), and the color of negative effects (a step raises the
risk)."""
LIGHT, HEAVY = "#aab1bb", PALETTE[4]
"""The color of instances with a weight of 0, and the color of instances with the highest weight."""

SIGNS = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "star": "★",
    "hexagon": "⬢",
}
"""Characters that look like plotly's marker symbols, by the symbol's name."""
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


class Style(NamedTuple):
    """A color and a marker.

    `sign` is a character that looks like the marker.
    """

    color: str
    symbol: str
    sign: str


class RiskStyle(NamedTuple):
    """Color, marker and dash pattern of a line.

    `dash` is plotly's name of the pattern. `sign` is a character that looks like the marker.
    """

    color: str
    symbol: str
    sign: str
    dash: str


def sign_of(number: int) -> tuple[str, str]:
    """Return the marker symbol with this index, and its character."""
    return list(SIGNS.items())[number % len(SIGNS)]


def risk_styles(risks: Iterable[str]) -> dict[str, RiskStyle]:
    """Return a style for each risk.

    Risks on forget sets have one color, and all other risks have a second color. Risks with the same color
    differ in their signs.
    """
    look: dict[str, RiskStyle] = {}
    for risk in risks:
        color = FORGOTTEN if is_forget(risk) else STAYS
        place = sum(style.color == color for style in look.values())
        look[risk] = RiskStyle(color, *sign_of(place), _DASHES[place % len(_DASHES)])
    return look


def styles(subjects: Iterable[SubjectReport]) -> dict[str, Style]:
    """Return a style for each subject, by the subject's name.

    Reference models have gray, hollow markers. Methods have colored, filled markers.
    """
    look = {TARGET: Style(NEUTRAL, "circle-open", "○"), RETRAINED: Style(NEUTRAL, "diamond-open", "◇")}
    methods = [subject.name for subject in subjects if not subject.is_reference]
    return look | {name: Style(PALETTE[i % len(PALETTE)], *sign_of(i)) for i, name in enumerate(methods)}
