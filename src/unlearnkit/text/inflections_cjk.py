"""Recognize inflected facts in Japanese and Chinese.

In Chinese, a number may stand between a verb and its object.
"""

from __future__ import annotations

import re
from functools import lru_cache

_HAN, _HIRAGANA = "\u3400-\u9fff", "\u3041-\u3096"
_FACT = re.compile(f"(?=.*[{_HAN}]).*[がをにはへで].+|.*[{_HAN}].*[{_HIRAGANA}]{{2}}")
_ROWS = {
    "う": "わいえお", "く": "かきけこ", "ぐ": "がぎげご", "す": "さしせそ", "つ": "たちてと", "ぬ": "なにねの", 
    "ぶ": "ばびべぼ", "む": "まみめも", "る": "らりれろ",
}  # fmt: skip
_TE = {"う": "っ", "つ": "っ", "る": "っ", "く": "い", "ぐ": "い", "す": "し", "ぬ": "ん", "ぶ": "ん", "む": "ん"}
_NEGATED = "(?!ません|ませぬ|えない|得ない|ようがな|はしな|もしな|そう|たい|たく|ない|なか|なく|ず)"
_MASU = "(?:ます|まし|ませんでしょ)"
_SEPARABLE = re.compile(f"([{_HAN}])([过過了])([{_HAN}])")
_AMOUNT = (
    r"(?:[一二两兩三四五六七八九十百几幾半多好数數\d]{1,4}|很多)[年月天日次回个個场場段阵陣趟遍周週小时時]{0,3}的?"
)


@lru_cache(maxsize=4096)
def inflected(form: str) -> re.Pattern[str] | None:
    """Return a pattern of the inflected forms of a fact.

    The result is None if the form is not a fact that is inflected. Negations of the fact do not match.
    """
    if (separable := _SEPARABLE.fullmatch(form)) is not None:
        verb, aspect, noun = separable.groups()
        return re.compile(f"{verb}{aspect}{_AMOUNT}{noun}")
    if len(form) < 4 or not _FACT.fullmatch(form):
        return None
    endings = _endings(form)
    return re.compile("|".join(f"{re.escape(stem)}(?:{ending})" for stem, ending in endings)) if endings else None


def _endings(form: str) -> list[tuple[str, str]]:
    """Return the stems of a fact, with patterns of their endings."""
    for ending, more in (("ている", "て"), ("でいる", "で")):
        if form.endswith(ending):
            stem = form[:-3] + more
            return [(stem, f"い(?:て|た|{_MASU}|れば|よう)|る(?![{_HIRAGANA}]{{2}}な)|た|おり{_NEGATED}|おります")]
    if form.endswith("ではない"):
        return [(form[:-4], "(?:では|じゃ)(?:な[いくか]|ありません)")]
    if form.endswith(("がない", "のない", "はない")):
        return [(form[:-2], "な[くかし]|ありません")]
    if form.endswith("ない"):
        stem = form[:-2]
        stems = [(stem, "な[くか]|ません|ず|ぬ")]
        polite = next((row[1] for row in _ROWS.values() if stem[-1] == row[0]), None)
        return stems + ([(stem[:-1] + polite, "ません")] if polite else [])
    if form.endswith(("た", "だ")):
        return _after_past(form)
    last = form[-1]
    if last not in _ROWS:
        return []
    stem = form[:-1]
    voiced = "[でだ]" if last in "ぐぬぶむ" else "[てた]"
    stems = [(stem + _ROWS[last][1], f"{_MASU}|(?=[、。])"), (stem + _TE[last], f"{voiced}(?!いな|いま[せ])")]
    if last == "る":  # 食べる
        stems.append((stem, f"{_MASU}|[てた](?!いな|いませ)"))
    return stems


def _after_past(form: str) -> list[tuple[str, str]]:
    te = form[:-1] + ("て" if form[-1] == "た" else "で")
    stems = [(te, "(?!いな|いませ)")]
    before, stem = form[-2], form[:-2]
    if before == "っ":
        stems += [(stem + row, "まし") for row in "いちりき"]
    elif before == "ん":
        stems += [(stem + row, "まし") for row in "みびに"]
    elif before == "い":
        stems += [(stem + row, "まし") for row in "きぎ"]
    return [*stems, (form[:-1], "まし")]
