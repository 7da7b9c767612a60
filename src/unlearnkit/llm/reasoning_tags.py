"""Where in a chat model's text its thought ends and its answer begins."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)


def split_thought(text: str) -> tuple[str, str]:
    """Thought and answer of a text with think tags, both stripped; a text without tags is all answer.

    A closing tag that nothing opened ends a thought that began in the prompt, as the templates of some reasoning models
    have it. A thought that is never closed goes to the end of the text.
    """
    thought: list[str] = []
    said: list[str] = []
    inside, at = False, 0
    for tag in _TAG.finditer(text):
        piece, closing = text[at : tag.start()], bool(tag[1])
        if closing and not inside:
            thought, said = [*thought, *said, piece], []
        else:
            (thought if inside else said).append(piece)
        inside, at = not closing, tag.end()
    (thought if inside else said).append(text[at:])
    return _joined(thought), _joined(said)


def _joined(pieces: list[str]) -> str:
    return "\n".join(stripped for piece in pieces if (stripped := piece.strip()))
