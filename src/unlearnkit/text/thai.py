"""Find short Thai forms that are parts of longer words.

The dictionary lacks many compounds and most foreign names. It splits them into shorter words, so a form may begin and
end where words begin and end and still be a part of another word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from unlearnkit.text.word_breaks import is_word, word_edges

_THAI_LETTER = re.compile("[\u0e01-\u0e2e\u0e40-\u0e44]")
_NAME_ENDS = (
    "ชาย", "ศักดิ์", "พร", "รัตน์", "ชัย", "วรรณ", "ศรี", "พงษ์", "พงศ์", "วัฒน์", "ภรณ์", "พันธ์", "พันธุ์", "เดช", "ฤทธิ์",
    "สิทธิ์", "นันท์", "กุล", "มาศ", "ลักษณ์", "จิตร", "จิต", "วิทย์", "ชาติ", "นาถ", "ธร", "เกียรติ", "สวัสดิ์", "ภา", "ดา",
    "นุช", "มล", "วดี", "พล", "ณี", "นี",
)  # fmt: skip
"""Parts with which names end. A short form in front of one of them is the beginning of a longer name."""
_COMPOUNDS = (
    "โรงพยาบาล", "โรงหมอ", "โรงครู", "น่านน้ำ", "น่านฟ้า", "ครูเสด", "ตรังกานู", "ตากผ้า", "ตากแดด", "ตากลม", "ตากแห้ง",
    "ตากอากาศ",
    "แพร่กระจาย", "แพร่หลาย", "แพร่ภาพ", "แพร่พันธุ์", "แพร่เชื้อ", "แพร่ระบาด", "แพร่ข่าว", "เลยว่า", "เลยนะ", "เลยทีเดียว",
)  # fmt: skip
"""Words of everyday language that contain a shorter word with another meaning, such as the name of a province."""
_FREQUENT = (
    "กะ กบ กด กฎ กล กอ ก็ ขน ขม ขอ ขา คง คด คน คบ คม คอ งง งด งบ งา งู จด จน จบ จม จะ ชก ชน "
    "ชม ชา ชี ชู ซน ซื้อ ณ ดง ดม ดี ดู ตก ตน ตบ ตอ ตา ตี ถม ถู ทน ทอ ทา ที ธง นก นม นะ นา บก "
    "บท บน บอ ปน ปม ปะ ปา ปี ปู ผง ผม ผล ผา ฝน ฝา พก พบ พอ พา มด มา มี ยก ยา รก รถ รบ รอ รส "
    "รา รู ลง ลด ลบ ลม ละ ลา สด สม สอน สี สู หก หด หน หา หู อก อด อม อา เก เข เท เอา แก แต่ "
    "แม่ แล โต ใจ ใด ใน ใบ ใส ไง ไป ไฟ ไว้ วัน คือ นี้ นั้น ทุก ปลา ซึ่ง กับ ของ จาก ที่ ว่า "
    "เป็น และ หรือ ได้ ให้ ไม่ ด้วย แล้ว จำ ทำ นำ คำ ดำ ขำ ยำ รำ "
)
_SHORT_WORDS = frozenset(_FREQUENT.split())
"""Frequent words of at most two letters, and some longer ones. A single syllable that is none of them belongs to a
foreign name."""


def is_part_of_thai_word(text: str, start: int, end: int) -> bool:
    """Return whether a span is a part of a longer word."""
    edges = word_edges(text)
    if any(text.startswith(part, end) and end + len(part) in edges for part in _NAME_ENDS):
        return True
    if any(
        text.startswith(compound, start - compound.find(text[start:end]))
        for compound in _COMPOUNDS
        if text[start:end] in compound and start >= compound.find(text[start:end])
    ):
        return True
    if any(start < at < end for at in edges):
        return False
    return (
        _is_syllable(text, *_word_before(text, start))
        or _is_syllable(text, *_word_after(text, end))
        or (_is_split_wrongly(text, start, end))
    )


def _word_after(text: str, end: int) -> tuple[int, int]:
    return end, min((at for at in word_edges(text) if at > end), default=end)


def _word_before(text: str, start: int) -> tuple[int, int]:
    return max((at for at in word_edges(text) if at < start), default=start), start


def _is_syllable(text: str, start: int, end: int) -> bool:
    """Return whether a span is a syllable and no word.

    Foreign names consist of such syllables.
    """
    word = text[start:end]
    if not word or not _THAI_LETTER.match(word) or word in _SHORT_WORDS:
        return False
    letters = [c for c in word if unicodedata.category(c) != "Mn"]
    return len(letters) == 2 and not _is_known(word)


def _is_split_wrongly(text: str, start: int, end: int) -> bool:
    """Return whether a span ends with letters of the next word.

    For example, ตรา|ดอกบัว may be split as ตราด|อก|บัว.
    """
    edges = word_edges(text)
    after = _word_after(text, end)[1]
    return any(
        _THAI_LETTER.match(text[at]) is not None and _is_known(text[start:at]) and _is_known(text[at:after])
        for at in range(start + 2, end)
        if after in edges and after > end
    )


@cache
def _is_known(word: str) -> bool:
    """Return whether the dictionary contains a word.

    An unknown word that is repeated is not split between the two copies.
    """
    return len(word) > 2 and is_word(word) and word_edges(word * 2) == {0, len(word), 2 * len(word)}
