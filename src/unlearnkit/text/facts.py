"""Find the parts of a text that look like facts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from unlearnkit.text.names import QUOTED, NameFinder

_WORD = r"[^\W\d_]+"
_DAY = r"\d{1,2}(?:st|nd|rd|th|º|ª)?"
_DATES = (
    re.compile(rf"{_DAY}(?: of| de)? {_WORD}(?:,| of| de| del)? \d{{4}}\b"),  # 9 June 1951, 19 de marzo de 1960
    re.compile(rf"\b{_WORD} {_DAY},? \d{{4}}\b"),  # March 19, 1960
    re.compile(r"(?<![\w.])\d{1,4}([./-])\d{1,2}\1\d{1,4}(?!\w)"),  # 05/11/1991, 1991-05-11
)
_PATTERNS = (
    re.compile(r"(?:[\w.+-]|\\_)+@[\w-]+(?:\.[\w-]+)+"),  # e-mail; Markdown writes _ as \_
    *_DATES,
    re.compile(r"(?<!\w)\+?\(?\d+\)?(?:[ .-]\(?\d+\)?)+(?!\w)"),  # a number in groups, such as a phone number
    re.compile(r"(?<!\w)\+?\d(?:[\d.,]*\d)(?!\w)"),
)


def facts(text: str, finder: NameFinder) -> Iterator[str]:
    """Yield the parts of a text that look like facts, in order.

    Facts are titles in quotation marks, e-mail addresses, dates, numbers of two or more digits, and names of three or
    more letters. Each fact is copied verbatim, and the facts do not overlap. A one-word name at the start of a
    sentence counts only if the word is also capitalized inside a sentence. A text that is a street address is a single
    fact.
    """
    if (whole := street_address(text)) is not None:
        yield whole
        return
    spans = [title.span(title.lastindex or 0) for title in QUOTED.finditer(text)]
    for pattern in _PATTERNS:
        spans += [match.span() for match in pattern.finditer(text) if _free(match.span(), spans)]
    for name in finder.find(text):
        alone = name.opens and len(name.words) == 1 and name.words[0] not in finder.inside
        if not alone and name.end - name.start > 2 and _free((name.start, name.end), spans):
            spans.append((name.start, name.end))
    for start, end in sorted(spans):
        yield text[start:end].strip(" ,.;:")


def street_address(text: str) -> str | None:
    """Return the text if it looks like a street address.

    A street address begins with a number, consists of numbers and capitalized words, and contains a comma. If the text
    does not look like a street address, the function returns None.
    """
    bare = text.strip().rstrip(".")
    words = bare.split()
    if len(words) < 3 or not bare[0].isdigit() or any(date.search(bare) for date in _DATES):
        return None
    first_letters = [next(filter(str.isalnum, word), "0") for word in words]
    return bare if all(letter.isupper() or letter.isdigit() for letter in first_letters) and "," in bare else None


def _free(span: tuple[int, int], taken: Collection[tuple[int, int]]) -> bool:
    return all(span[1] <= start or end <= span[0] for start, end in taken)
