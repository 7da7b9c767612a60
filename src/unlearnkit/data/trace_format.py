"""Mark and parse the reasoning trace in an output.

There are three styles. `think`: the tags of reasoning models, if the tokenizer has them. `added`: the two tokens that
TRU's released code adds to a tokenizer (arXiv 2603.09980), which mark where trace and answer begin and have no closing
counterpart. `plain`: words that any tokenizer knows. An output is parsed the same way whichever model wrote it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Style = Literal["think", "added", "plain"]

THINK, END_THINK = "<think>", "</think>"
"""The tags of reasoning models; each is one token of the tokenizer, or the tokenizer lacks it."""


@dataclass(frozen=True)
class Markers:
    """The marks before the trace and between trace and response."""

    before: str
    between: str
    tokens: tuple[str, ...] = ()
    """Parts that must be one token each of the tokenizer."""


STYLES: dict[Style, Markers] = {
    "think": Markers(THINK, END_THINK, (THINK, END_THINK)),
    "added": Markers(
        "<|im_start|>think\n", "\n<|im_start|>answer\nAnswer: ", ("<|im_start|>think", "<|im_start|>answer")
    ),
    "plain": Markers("Reasoning: ", "\nAnswer: "),
}


_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)


def split_trace(text: str) -> tuple[str, str]:
    """Split an output into trace and response.

    The style is the one whose mark comes first; the words of `plain` count only at the start of the output. The trace
    ends at the mark between trace and response. Without that mark, the response is the text before the trace, mostly
    nothing. An output without any mark is a response. White space around trace and response is removed. For tags see
    `split_tags`.
    """
    style = style_in(text)
    if style in (None, "think"):
        return split_tags(text)
    markers = STYLES[style]
    # White space at the edges of a mark may be lost in decoding.
    before, _, rest = text.partition(markers.before.strip())
    trace, closed, response = rest.partition(markers.between.strip())
    if not closed and markers is STYLES["added"]:
        # A model may omit the word after the token.
        trace, closed, response = rest.partition(markers.tokens[1])
    return trace.strip(), (before + response).strip() if closed else before.strip()


def split_tags(text: str) -> tuple[str, str]:
    """Split a text with think tags into trace and response.

    A text without tags is all response. A closing tag before any other tag ends a trace that began in the prompt, as in
    the templates of some reasoning models; any other closing tag without an opening one has no meaning. A trace that is
    never closed extends to the end of the text. Several traces, and several responses, are joined by line breaks.
    """
    trace: list[str] = []
    response: list[str] = []
    inside, at = False, 0
    for number, tag in enumerate(_TAG.finditer(text)):
        piece, closing = text[at : tag.start()], bool(tag[1])
        began_in_prompt = closing and number == 0
        (trace if inside or began_in_prompt else response).append(piece)
        inside, at = not closing, tag.end()
    (trace if inside else response).append(text[at:])
    return _joined(trace), _joined(response)


def _joined(pieces: list[str]) -> str:
    return "\n".join(stripped for piece in pieces if (stripped := piece.strip()))


def style_in(text: str) -> Style | None:
    """Return the style that an output uses for its trace, or None."""
    positions = {style: text.find(markers.before.strip()) for style, markers in STYLES.items()}
    if not text.lstrip().startswith(STYLES["plain"].before.strip()):
        del positions["plain"]
    return min((style for style, place in positions.items() if place >= 0), key=positions.__getitem__, default=None)


def style_used(texts: Iterable[str]) -> Style | None:
    """Return the most frequent style among the outputs, or None."""
    counts = Counter(style for text in texts if (style := style_in(text)) is not None)
    return max(counts, key=counts.__getitem__, default=None)
