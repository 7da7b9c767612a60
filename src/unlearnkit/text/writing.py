"""Find forms in scripts that put no spaces between words.

Chinese, Japanese and Thai put no spaces between words, so a search cannot ask for a space or a punctuation mark around
a form. The search asks instead that the form begins and ends where words begin and end. The dictionaries of ICU
(International Components for Unicode) decide where that is. A name that no dictionary contains is split into single
characters, so short forms are also compared with their neighbors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from unlearnkit.text.han_variants import unified
from unlearnkit.text.inflections_cjk import inflected
from unlearnkit.text.thai import is_part_of_thai_word
from unlearnkit.text.word_breaks import KANA, is_word, word_edges

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
THAI = "\u0e00-\u0e7f"
SOUTHEAST_ASIAN = "\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Lao, Burmese and Khmer."""
SPACELESS = HAN + KANA + THAI + SOUTHEAST_ASIAN
"""The characters of scripts without spaces, as the inside of a character class."""
ATTACHING = SPACELESS + "\u0590-\u05ff\u0600-\u06ff\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
"""The characters of scripts that attach words to a name or number of another script (1984년), as above."""
MAGNITUDES = "百千万亿億兆萬십백천만억조"
"""Characters that change the value of the digits before them."""

LONG_HAN, LONG_THAI, LONGER_THAI = 4, 7, 10
"""A form of at least this many characters need not begin and end at the edges of words, because the dictionary may
split a name wrongly. One edge suffices. In Thai, this is the start if the form is shorter than `LONGER_THAI`."""

_SPACELESS = re.compile(f"[{SPACELESS}]")
_KANA, _HAN, _THAI = re.compile(f"[{KANA}]"), re.compile(f"[{HAN}]"), re.compile(f"[{THAI}]")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff]")
_GAP = re.compile(f"(?<=[{HAN}{KANA}])[ ・](?=[{HAN}{KANA}])")
_GAP_OR_DOT = re.compile(f"(?<=[{HAN}{KANA}])[ ・·•‧](?=[{HAN}{KANA}])")
_EDGES = " .,;:!?¡¿…'\"-。、，．！？；：「」『』《》〈〉（）()・"
_HIRAGANA = re.compile("[\u3041-\u3096]+")
_AFTER_NAME = re.compile(
    "[はがをのにともでへやか]|さん|ちゃん|さま|くん|です|だ|から|まで|より|って|という|といい|じゃ|ら|たち"
)
"""What follows a name that is written in hiragana."""
_NUMERALS = frozenset("0123456789.〇零一二三四五六七八九十百千万亿億兆两兩")
_LEADING_VOWELS = "เแโใไ"
_LATIN = re.compile("[a-z0-9\u00c0-\u024f]")
_PLACES = "市省县縣区區镇鎮村州国國岛島府道町人"
"""Characters that may follow the name of a place without changing what it names."""
# Characters that commonly follow or precede a name of one or two characters. Another character is a part of the name.
_AFTER = frozenset(
    "的了是在于於和与與及或也都就又还還不没沒未有被把对對从從因为為当當说說去来來住生出死任曾已将將会會能可要想让讓使给給"
    "跟同等以而则則之其此这這那我你他她它们們吗嗎呢吧啊呀么嘛很最更太好常总總只才刚剛正便却卻虽雖但若如向往由按经經过過至做"
    "作用着著得地里裡上中下内內外前后後时時先女省市县縣区區镇鎮村路街港人氏某叫名姓即乃爱愛喜写寫看听聽走坐站开開年月日号號"
    "、，。也曰所各自並并共受获獲考毕畢入加成搬定嫁娶长長"
)
_BEFORE = frozenset(
    "的了是在于於和与與及或也都就又还還不把被对對从從为為叫名字即乃给給跟同等向往由到至去来來住生到离離过過以而找见見问問爱"
    "愛认認识識娶嫁像如比让讓请請是称稱有因说說写寫用自作当當做看听聽选選获獲得拿取带帶回经經"
)


def is_spaceless(text: str) -> bool:
    """Return whether a text contains characters of a script without spaces."""
    return not text.isascii() and _SPACELESS.search(text) is not None


def bare_form(form: str) -> str:
    """Return a normalized form as it is searched for.

    The result has no punctuation at its ends and no spaces between Chinese or Japanese characters.
    """
    return _GAP.sub("", form.strip(_EDGES))


def find_unspaced(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Yield the spans at which a form occurs as words.

    Args:
        text: the text, normalized.
        form: the form, as `bare_form` returns it; a part of it is in a script without spaces.
    """
    if not form:
        return
    read, wanted = unified(text), unified(form)
    start = read.find(wanted)
    while start >= 0:
        end = start + len(form)
        if _begins(text, start, form) and _ends(text, end, form) and not _is_inside(text, start, end):
            yield start, end
        start = read.find(wanted, start + 1)
    if (pattern := inflected(wanted)) is not None:
        yield from (match.span() for match in pattern.finditer(read) if _begins(text, match.start(), form))


def without_gaps(text: str) -> str:
    """Remove spaces and middle dots between Chinese or Japanese characters.

    The text must be normalized.
    """
    return _GAP_OR_DOT.sub("", text)


def _begins(text: str, start: int, form: str) -> bool:
    before, first = text[start - 1 : start], form[0]
    if not before or not (before.isalnum() or unicodedata.category(before)[0] == "M"):
        return True
    if first in _NUMERALS and before in _NUMERALS:
        return False
    if _LATIN.match(first):
        return _LATIN.match(before) is None
    if _THAI.match(first) and before in _LEADING_VOWELS:
        return False
    return _is_edge(text, start, form, before, first)


def _ends(text: str, end: int, form: str) -> bool:
    after, last = text[end : end + 1], form[-1]
    if not after:
        return True
    if _THAI.match(last) and (unicodedata.category(after) == "Mn" or after in "ะาำๅ"):
        return False
    if not after.isalnum() and after != "ー":
        return True
    if last in _NUMERALS and after in _NUMERALS:
        return False
    if _LATIN.match(last):
        return _LATIN.match(after) is None and not (last.isdecimal() and after in MAGNITUDES)
    return _is_edge(text, end, form, last, after)


def _is_edge(text: str, at: int, form: str, before: str, after: str) -> bool:
    """Return whether a word may end at a position.

    There is a letter on each side of the position.
    """
    if _KATAKANA.match(before) and _KATAKANA.match(after):
        return False
    if not (_SPACELESS.match(before) and _SPACELESS.match(after)):
        return True
    long = LONG_THAI if _THAI.search(form) else LONG_HAN
    if len(form) >= long or at in word_edges(text):
        return True
    return before == form[-1] and after in _PLACES and at + 1 in word_edges(text)


def _is_inside(text: str, start: int, end: int) -> bool:
    """Return whether an occurrence of a form is inside another word."""
    length = end - start
    if _THAI.match(text[start]):
        if length < LONG_THAI:
            return is_part_of_thai_word(text, start, end)
        joined = _is_joined(text, start) and (length < LONGER_THAI or _is_joined(text, end))
        return joined or is_part_of_thai_word(text, start, end)
    if length >= LONG_HAN:
        return _is_joined(text, start) and _is_joined(text, end)
    if _HIRAGANA.fullmatch(text[start:end]):
        return _HIRAGANA.match(text, end) is not None and _AFTER_NAME.match(text, end) is None
    return _is_in_title(text, start, end) or _is_part_of_other_word(text, start, end)


def _is_joined(text: str, at: int) -> bool:
    """Return whether a word continues across a position."""
    return 0 < at < len(text) and at not in word_edges(text)


def _is_in_title(text: str, start: int, end: int) -> bool:
    """Return whether a short form is a part of a title.

    For example, 雨夜 is a part of 《雨夜来信》. Longer forms count even within titles.
    """
    opened, closed = text.rfind("《", 0, start), text.find("》", end)
    return end - start <= 2 and opened >= 0 and closed > 0 and "》" not in text[opened:start] and closed - opened > 3


def _is_part_of_other_word(text: str, start: int, end: int) -> bool:
    """Return whether a short Chinese form is part of another word.

    The dictionary does not contain the other word, which may be a name.

    The dictionary splits such a word into single characters, or at the wrong place.
    """
    if not all(map(_HAN.match, text[start:end])):
        return False
    edges = word_edges(text)
    if _KANA.search(text):  # 登山口, 速記者
        alone = start > 0 and start - 1 in edges and _HAN.match(text[start - 1]) is not None
        return alone and end - start > 1 and text[start - 1] not in _BEFORE and is_word(text[start - 1 : start + 1])
    after, before = text[end : end + 1], text[start - 1 : start] if start else ""
    single_after = bool(_HAN.match(after)) and end + 1 in edges and after not in _AFTER
    single_before = bool(before and _HAN.match(before)) and start - 1 in edges and before not in _BEFORE
    if (single_after and is_word(text[end - 1 : end + 1])) or (single_before and is_word(text[start - 1 : start + 1])):
        return True  # 长沙发, 东京都
    if end - start == 1 or all(at in edges for at in range(start, end + 1)):  # a name, which no dictionary contains
        return single_after or (single_before and end - start < LONG_HAN - 1)
    return single_after and text[end + 1 : end + 2] in tuple(_PLACES)  # 马里兰州
