"""Mark and parse the reasoning trace in a model's output.

There are three styles of markers:

- `think` uses the tags of reasoning models. Each tag must be a single token of the tokenizer.
- `added` uses the two tokens that TRU's released code adds to a tokenizer (arXiv 2603.09980). The tokens mark where the
  trace and the answer begin. There are no closing tokens.
- `plain` uses words that any tokenizer can encode.

Outputs of all models are parsed in the same way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Style = Literal["think", "added", "plain"]

THINK, END_THINK = "<think>", "</think>"
"""The tags that reasoning models put around the trace. The style `think` can be used only if each tag is a single token
of the tokenizer."""


@dataclass(frozen=True)
class Markers:
    """The markers before the trace and between the trace and the response."""

    before: str
    between: str
    tokens: tuple[str, ...] = ()
    """Parts of the markers; each part must be a single token of the tokenizer."""


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

    The marker that comes first determines the style; the words of the style `plain` count as a marker only at the
    start of the output. The trace ends at the marker between trace and response. If there is no such marker, the trace
    extends to the end of the output; the response is then the text before the trace, which is usually empty. An output
    without any marker is entirely a response. White space around trace and response is removed. For think tags, see
    `split_tags`.
    """
    style = style_in(text)
    if style in (None, "think"):
        return split_tags(text)
    markers = STYLES[style]
    # White space at the edges of a marker may be lost in decoding.
    before, _, rest = text.partition(markers.before.strip())
    trace, closed, response = rest.partition(markers.between.strip())
    if not closed and markers is STYLES["added"]:
        # A model may omit the word that follows the token in the marker.
        trace, closed, response = rest.partition(markers.tokens[1])
    return trace.strip(), (before + response).strip() if closed else before.strip()


def split_tags(text: str) -> tuple[str, str]:
    """Split a text with think tags into trace and response.

    A text without tags is entirely a response. Some chat templates put the opening tag into the prompt; if the first
    tag of the text is a closing tag, the text before it is therefore a trace. Any other closing tag without an opening
    tag is ignored. A trace without a closing tag extends to the end of the text. Several traces are joined by line
    breaks, and so are several responses.
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
    """Return the trace style that an output uses.

    Returns None if the output has no trace marker.
    """
    positions = {style: text.find(markers.before.strip()) for style, markers in STYLES.items()}
    if not text.lstrip().startswith(STYLES["plain"].before.strip()):
        del positions["plain"]
    return min((style for style, place in positions.items() if place >= 0), key=positions.__getitem__, default=None)


def style_used(texts: Iterable[str]) -> Style | None:
    """Return the most frequent trace style of the outputs.

    Returns None if no output has a trace marker.
    """
    counts = Counter(style for text in texts if (style := style_in(text)) is not None)
    return max(counts, key=counts.__getitem__, default=None)
