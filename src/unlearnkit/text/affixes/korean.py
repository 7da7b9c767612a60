"""Korean particles, titles and forms of the copula."""

from __future__ import annotations

import re

_CLOSED = (
    "은|이|을|과|아|으로|이나|이랑|이란|이라|이라고|이라는|이라서|이며|이고|이자|이지만|이었다|이었습니다|이었고|이었으며|"
    "이셨다|이셨습니다|이십니다|이세요|이신|이셨고|이었어요|이에요|이란다|이죠|이었던|이니|이든|이야|이여|이었는데|이면"
)
"""Particles after a final consonant."""
_OPEN = (
    "는|가|를|와|야|로|나|랑|란|라|라고|라는|라서|며|고|자|지만|였다|였습니다|였고|였으며|였어요|예요|에요|란다|죠|이죠|였던|니|"
    "셨다|셨습니다|십니다|세요|신|셨고|이셨다|이십니다|든|여|였는데|면|이며|이고|이자|이지만|이라고|이라는|이었다|이었습니다|이에요"
)
"""Particles after a vowel."""
_BOTH = (
    "의|에|에서|에게|께|께서|한테|도|만|부터|까지|보다|처럼|하고|마다|조차|마저|밖에|대로|에는|에도|에서는|에서도|에서의|에서부터|"
    "에게서|에게는|에게도|한테서|로부터|으로부터|로는|으로는|로서|으로서|로써|으로써|로의|으로의|에서만|에만|까지는|까지도|부터는|"
    "만이|만은|만을|도는|과는|와는|과의|와의|과도|와도|입니다|인|일|임|인데|인가요|입니까|이다|뿐|쯤|씩|같은|같이|출신|출신의|출신이다|"
    "출신입니다|태생"
)
_TITLES = "씨|님|군|양|시|구|도|읍|면|동|선생|선생님|교수|교수님|박사|사장|사장님|의사|작가"
_PARTICLE = re.compile(rf"(?:{_TITLES})?(?:(?:{_BOTH})(?:{_CLOSED}|{_OPEN}|의|도|만)?|(?:%s))?$")
_AFTER_VOWEL = re.compile(_PARTICLE.pattern % _OPEN)
_AFTER_CONSONANT = re.compile(_PARTICLE.pattern % _CLOSED)
_AFTER_TITLE = re.compile(_PARTICLE.pattern % f"{_OPEN}|{_CLOSED}")
_FIRST_SYLLABLE, _FINALS, _RIEUL = 0xAC00, 28, 8


def is_korean_form(word: str, base: str, _name: bool) -> bool:
    """Return whether a word is another word with Korean particles.

    Most particles have one form after a vowel and another form after a consonant.
    """
    if not word.startswith(base) or len(base) < 2 or word == base:
        return False
    rest, final = word[len(base) :], (ord(base[-1]) - _FIRST_SYLLABLE) % _FINALS
    if re.match(_TITLES, rest):
        return _AFTER_TITLE.match(rest) is not None
    if final == 0:
        return _AFTER_VOWEL.match(rest) is not None
    return _AFTER_CONSONANT.match(rest) is not None or (final == _RIEUL and rest == "로")
