"""Split a chat model's text into its thought and its answer."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)


def split_thought(text: str) -> tuple[str, str]:
    """Split a text with think tags into thought and answer, both stripped.

    A text without tags is all answer. A closing tag without an opening one ends a thought that began in the prompt, as
    in the templates of some reasoning models. A thought that is never closed extends to the end of the text.
    """
    thought: list[str] = []
    answer: list[str] = []
    inside, at = False, 0
    for tag in _TAG.finditer(text):
        piece, closing = text[at : tag.start()], bool(tag[1])
        if closing and not inside:
            thought, answer = [*thought, *answer, piece], []
        else:
            (thought if inside else answer).append(piece)
        inside, at = not closing, tag.end()
    (thought if inside else answer).append(text[at:])
    return _joined(thought), _joined(answer)


def _joined(pieces: list[str]) -> str:
    return "\n".join(stripped for piece in pieces if (stripped := piece.strip()))
