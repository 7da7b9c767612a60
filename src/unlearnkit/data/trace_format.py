"""How a reasoning trace is told from the response that follows it: marks in the output, and reading them back.

Three styles are known. `think`: the tags of reasoning models, where the tokenizer has them. `added`: the two tokens
that TRU's released code adds to a tokenizer (arXiv 2603.09980), which mark where trace and answer begin and have no
closing counterpart. `plain`: words that any tokenizer knows. An output is read back the same way whoever wrote it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Style = Literal["think", "added", "plain"]

THINK, END_THINK = "<think>", "</think>"
"""The tags of reasoning models; a tokenizer knows each as one token, or has none."""


@dataclass(frozen=True)
class Markers:
    """What stands before the trace, between trace and response, and which parts of that are tokens of their own."""

    before: str
    between: str
    tokens: tuple[str, ...] = ()
    """Parts that the tokenizer has to know as one token each."""


STYLES: dict[Style, Markers] = {
    "think": Markers(THINK, END_THINK, (THINK, END_THINK)),
    "added": Markers(
        "<|im_start|>think\n", "\n<|im_start|>answer\nAnswer: ", ("<|im_start|>think", "<|im_start|>answer")
    ),
    "plain": Markers("Reasoning: ", "\nAnswer: "),
}


def split_trace(text: str) -> tuple[str, str]:
    """Trace and response of an output.

    The style is that whose mark comes first; the words of `plain` count only where the output begins with them. The
    trace goes up to the mark between. Where that does not come, the response is what stood before the trace: mostly
    nothing. An output without a mark is a response. Space around trace and response is taken off.
    """
    style = style_in(text)
    if style is None:
        return "", text.strip()
    markers = STYLES[style]
    # Spaces and line ends at the edges of a mark may be lost in decoding.
    before, _, rest = text.partition(markers.before.strip())
    trace, closed, response = rest.partition(markers.between.strip())
    if not closed and markers is STYLES["added"]:
        # A model may leave out the word after the token.
        trace, closed, response = rest.partition(markers.tokens[1])
    return trace.strip(), (before + response).strip() if closed else before.strip()


def style_in(text: str) -> Style | None:
    """The style in which an output marks its trace; None where it marks none."""
    found = {style: _place(text, style, markers) for style, markers in STYLES.items()}
    return min((style for style, place in found.items() if place >= 0), key=found.__getitem__, default=None)


def style_used(texts: Iterable[str]) -> Style | None:
    """The style that most of the outputs have that mark a trace; None where none does."""
    counts = Counter(style for text in texts if (style := style_in(text)) is not None)
    return max(counts, key=counts.__getitem__, default=None)


def _place(text: str, style: Style, markers: Markers) -> int:
    """Where the style's mark stands; -1 for nowhere."""
    mark = markers.before.strip()
    if style == "plain":
        return text.find(mark) if text.lstrip().startswith(mark) else -1
    return text.find(mark)
