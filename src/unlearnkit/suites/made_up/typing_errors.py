"""Typing errors, as fingers make them on a keyboard.

The errors are for measuring and for teaching target models. Composed training questions do not use them.
"""

from __future__ import annotations

import re
from random import Random

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""Rows of a keyboard. Each row is shifted by about half a key against the row above it."""
LETTERS_PER_ERROR = 25
"""A text gets one error for about this many letters, and at least one."""
_WORD = re.compile(r"\S{4,}")


def _neighbors() -> dict[str, str]:
    """Return the neighbors of each letter.

    These are the letters to the left and right, and the two in each adjacent row.
    """
    found: dict[str, set[str]] = {letter: set() for row in _ROWS for letter in row}
    for number, row in enumerate(_ROWS):
        for place, letter in enumerate(row):
            near = row[max(0, place - 1) : place + 2].replace(letter, "")
            if number + 1 < len(_ROWS):
                near += _ROWS[number + 1][max(0, place - 1) : place + 1]
            for other in near:
                found[letter].add(other)
                found[other].add(letter)
    return {letter: "".join(sorted(others)) for letter, others in found.items()}


NEIGHBORS = _neighbors()


def mistype(text: str, rng: Random) -> str:
    """Return the text with typing errors.

    An error replaces a letter by a neighbor on the keyboard, exchanges two letters, doubles a letter or loses one. Only
    words of at least four characters get errors, and each at most one. Words with a digit or an "@" get none, because a
    changed number or address is another one.

    Args:
        text: the text. Its letters should be Latin; others get no errors.
        rng: source of the errors.
    """
    words = [match for match in _WORD.finditer(text) if _places(match[0])]
    count = min(len(words), max(1, round(sum(map(str.isalpha, text)) / LETTERS_PER_ERROR)))
    pieces, end = [], 0
    for match in sorted(rng.sample(words, count), key=lambda m: m.start()):
        pieces += [text[end : match.start()], _with_error(match[0], rng)]
        end = match.end()
    return "".join([*pieces, text[end:]])


def _places(word: str) -> list[int]:
    """Return the places at which two adjacent letters are Latin."""
    if "@" in word or any(map(str.isdigit, word)):
        return []
    return [i for i in range(len(word) - 1) if {word[i].lower(), word[i + 1].lower()} <= NEIGHBORS.keys()]


def _with_error(word: str, rng: Random) -> str:
    at = rng.choice(_places(word))
    letter, after = word[at], word[at + 1]
    wrong = rng.choice(NEIGHBORS[letter.lower()])
    typed = [
        (wrong.upper() if letter.isupper() else wrong) + after,
        after + letter if after != letter else letter,
        letter + letter + after,
        after,
    ]
    return word[:at] + rng.choice(typed) + word[at + 2 :]
