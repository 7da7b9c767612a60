"""Korean particles, titles and forms of the copula."""

from __future__ import annotations

import re

_CLOSED = "은|이|을|과|아|으로|이나|이랑|으로는|으론|으로서|으로써|으로의|으로도|으로부터|이야말로|이라도|이여"
"""Particles after a final consonant."""
_OPEN = "는|가|를|와|야|로|나|랑|여|야말로|라도"
"""Particles after a vowel."""
_BOTH = (
    "의|에|에서|에게|께|께서|한테|도|만|부터|까지|보다|처럼|하고|마다|조차|마저|밖에|대로|에는|에도|에서는|에서도|에서의|에서부터|"
    "에게서|에게는|에게도|한테서|로부터|로는|론|로서|로써|로의|로도|에서만|에만|까지는|까지도|부터는|만이|만은|만을|도는|과는|와는|과의|와의|"
    "과도|와도|엔|에선|에겐|한텐|까진|부턴|에서나|에나|에야|에서야|에라도|에서처럼|만큼|만큼은|커녕|치고|더러|뿐|쯤|씩|같은|같이|"
    "출신|출신의|출신이다|출신입니다|출신이라|태생|들|들이|들은|들을|들의|들과|들에게|들도"
)
_QUOTED = "고|고도|고만|는|며|면서|면|던데|던가|던|더라|더군|더군요|더니|던데요|지|지만|서|네|는데|데|던지|길래|니까"
"""Endings of reported speech, after 라 or 다."""
_PAST = (
    rf"다(?:{_QUOTED})?|단다|답니다|대|대요|댔다|습니다|습니까|고|고요|으며|으나|으니|으면|으므로|지만|지|지요|죠|어요|어|던|던가|"
    "는데|는데요|는지|음|음을|을|을까|네|네요|더라|더라고요|거든|거든요|기|기에|구나|군|군요|단|다니|더군요|나|나요"
)
_PRESENT = (
    rf"라(?:{_QUOTED})?|란|란다|랍니다|래|래요|랬다|랬어요|다(?:{_QUOTED})?|며|면|면서|고|고요|고서|자|지|지만|지요|죠|니|니까|든|든지|"
    "던|던가|야|네|네요|군|군요|구나|거든|거든요|더라|더라고|더라고요|더군|더군요|더니|므로|나|기|기도|기에|긴|여서|어서|에요|예요|어야|여야|"
    rf"었(?:{_PAST})|였(?:{_PAST})|(?:시|십|신|실|심|셨|세|셔)(?:{_PAST}|다|다고|며|니다|니까|지|지요|죠|고|라고|데|요|서|지만|면|던)?"
)
"""Forms of the copula after its stem."""
_FUSED = (
    "입니다|입니다만|입니까|인|인데|인데요|인가|인가요|인지|인지도|인지는|인걸|인들|인즉|인줄|일|일까|일까요|일지|일지도|일걸|일뿐|임|임을|"
    "임은|임이|임에도|이다|이었다|여요|예요|에요"
)
_TITLES = "씨|님|군|양|시|구|도|읍|면|동|선생|선생님|교수|교수님|박사|사장|사장님|의사|작가"
_PARTICLE = re.compile(
    rf"(?:{_TITLES})?(?:(?:{_BOTH})(?:{_CLOSED}|{_OPEN}|의|도|만)?|{_FUSED}|이(?:{_PRESENT})|(?:%s))?$"
)
_AFTER_VOWEL = re.compile(_PARTICLE.pattern % f"{_OPEN}|{_PRESENT}|였(?:{_PAST})")
# A name that ends in a consonant may be followed by 이, which makes it familiar (지은이는).
_AFTER_CONSONANT = re.compile(_PARTICLE.pattern % f"{_CLOSED}|이(?:{_OPEN}|도|의|네|한테|만)")
_AFTER_TITLE = re.compile(_PARTICLE.pattern % f"{_OPEN}|{_CLOSED}|{_PRESENT}")
_FIRST_SYLLABLE, _FINALS, _RIEUL = 0xAC00, 28, 8

_NUMERAL = re.compile("[일이삼사오육칠팔구십백천만억영공]+")
_COUNTED = re.compile(
    r"\s?(?:여|몇)?\s?(?:명|원|년|개|마리|대|번|미터|킬로|킬로미터|그램|가구|톤|살|세|층|평|권|장|점|회|달러|유로|엔|위안|시간|분|초|배|척|그루|"
    r"잔|병|석|표|건|리터|도|호|쪽|페이지)(?:\s|$|[^\w\s]|이|을|은|의|가|를|도|만|쯤|씩|에|으로|로|넘|정도)"
)


def is_counted(text: str, form: str, end: int) -> bool:
    """Return whether a form is a numeral before a counter.

    For example, the city 이천 is spelled like "two thousand".
    """
    return _NUMERAL.fullmatch(form) is not None and _COUNTED.match(text, end) is not None


def is_korean_form(word: str, base: str, _name: bool) -> bool:
    """Return whether a word is another word with Korean particles.

    Most particles have one form after a vowel and another form after a consonant.
    """
    if not word.startswith(base) or len(base) < 2 or word == base:
        return False
    rest, final = word[len(base) :], (ord(base[-1]) - _FIRST_SYLLABLE) % _FINALS
    if re.match(_TITLES, rest) and _AFTER_TITLE.match(rest) is not None:
        return True
    if final == 0:
        return _AFTER_VOWEL.match(rest) is not None
    return _AFTER_CONSONANT.match(rest) is not None or (final == _RIEUL and rest in ("로", "로는", "론", "로도"))
