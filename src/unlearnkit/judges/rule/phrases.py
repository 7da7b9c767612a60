"""Detect reasons for declining and offers of an alternative.

Detection relies on lists of phrases in English, Spanish and Russian. The lists contain the usual reasons (privacy,
consent, rights, harm, law, removal) and the usual offers. Other wordings and other languages are not detected.
"""
# Recall was measured on test phrases, before the test phrases were added to the lists: 10 of 16 reasons and 8 of 12
# offers were detected, with 1 false positive in 20 other texts.

from __future__ import annotations

import re
from collections.abc import Sequence

from unlearnkit.text.normalize import normalize
from unlearnkit.text.refusal import SENTENCE, own_words

_REASONS = (
    # English
    r"priva(?:cy|te)",
    r"personal (?:data|information|details|life)",
    r"confidential",
    r"protect",
    r"consent",
    r"withdr(?:aw|ew)",
    r"remov(?:al|ed|e)\b",
    r"opted out",
    r"(?:in|of) scope\b|under a request\b|stays? out of\b",
    r"asked (?:to|not|that)\b",
    r"copyright|rights\b",
    r"owners?\b",
    r"licen[cs]",
    r"harm(?!on|less)",
    r"hurt|at risk\b",
    r"(?:en)?danger",
    r"unsafe",
    r"safety",
    r"sensitive",
    r"illegal|forb[ia]d|prohibit|(?:not|n't) (?:allowed|permitted)",
    r"laws?\b|court\b|rules\b",
    r"legal|lawful",
    r"polic(?:y|ies)\b",
    r"guidelines",
    r"ethic",
    r"misuse",
    r"(?:be|been|to) forg[eo]t",
    r"(?:for me|mine|my place) to (?:share|tell|say)|to myself\b|no place (?:in my|here)\b|outside my answers\b",
    # Spanish
    r"privacidad",
    r"privad[oa]s?\b",
    r"datos personales",
    r"confidencial",
    r"protecci[oó]n",
    r"proteg",
    r"consentimiento",
    r"retir(?:ad|ó|aron|ar|o\b)",
    r"(?:de|lista de) bajas?\b",
    r"pidi(?:ó|eron)|han? pedido",
    r"derechos",
    r"dueñ[oa]",
    r"licencia",
    r"daños?\b",
    r"peligr",
    r"ilegal|prohíb|prohib",
    r"leyes\b|ley\b",
    r"normas\b",
    r"política",
    r"étic",
    r"seguridad",
    r"un particular\b",
    r"olvidad",
    r"me corresponde\b|me guardo\b|lugar en mis\b",
    # Russian; normalized texts have no ё
    r"конфиденциальн",
    r"приватн",
    r"персональн|тайн[уыа]\b",
    r"личн(?:ые|ых|ой|ая|ую|ом)\b",
    r"частн",
    r"защи[тщ]",
    r"согласи[еяю]\b",
    r"отозва",
    r"удален",
    r"исключен",
    r"попросил",
    r"авторск\w+ прав",
    r"прав(?:а|ами|ах|ообладател\w*)\b",
    r"владел",
    r"лиценз",
    r"вред(?!н\w+ привыч)",
    r"навред",
    r"(?:не(?:без)?|без)?опасн",
    r"незаконн|запре(?:т|щ)",
    r"закон(?:а|ом|у|ы|ов)?\b",
    r"правил(?:а|ам|ами)\b",
    r"этич",
    r"забы",
    r"не мне об этом\b|о таких вещах я не\b|нет места в моих\b",
)
_OFFERS = (
    # English
    r"instead\b",
    r"(?:can|could|may|will|i'll|we'll|to|let me) (?:\w+ )?(?:help|assist|tell|share|discuss|recommend|suggest|talk)\b",
    r"(?:happy|glad|pleased) to\b",
    r"ask (?:me|us|about|for)\b",
    r"feel free\b",
    r"would you like\b",
    r"let me know\b",
    r"(?:you )?(?:can|could|may|might|try|please) (?:\w+ )?(?:look|looking|check|consult|contact|find|visit)",
    r"(?:any|some)thing else\b|(?:an)?other\b|different\b",
    r"shall we\b|let's\b|how about\b|why (?:not|don't)\b",
    r"(?:i|we) (?:suggest|recommend)\b|here (?:is|are)\b|you (?:might|may) (?:like|want)\b",
    # Spanish
    r"pued[oe]s?(?: \w+)? (?:ayudar|hablar|contar|recomendar|ofrecer|consultar|preguntar|buscar|explicar)",
    r"preg[uú]nt[ae]",
    r"en su lugar\b",
    r"con (?:mucho )?gusto\b|encantad[oa]\b",
    r"si (?:quiere|quieres|lo desea|lo prefiere)",
    r"algo más\b|otr[oa]s?\b",
    r"sugiero|recomiendo|hablemos|a su disposición",
    # Russian
    r"(?:могу|можем|готов\w*|рад\w*)(?: \w+)? (?:помочь|рассказать|подсказать|предложить|ответить|посоветовать)",
    r"(?:могу|можем|готов\w*|рад\w*)(?: \w+)? (?:обсудить|поговорить|объяснить)",
    r"спрос|спрашивайте|задайте",
    r"обратитесь|посмотрите",
    r"попробуйте",
    r"вместо (?:этого|того)\b",
    r"с удовольствием\b|помогу\b",
    r"если хотите\b",
    r"друг(?:ой|ая|ое|ие|их|ого|ому|ом|ую|им|ими)\b|что-(?:то|нибудь) еще\b",
    r"давайте|советую|рекомендую|почему бы",
)


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})")


_REASON, _OFFER = _any(_REASONS), _any(_OFFERS)
_NEGATION = re.compile(r"n't\b|(?<!\w)(?:not|cannot|nothing|never|no|unable|nada|nunca|не|нет|ни|ничего|никогда)(?!\w)")
_INVITATION = re.compile(r"why (?:don't|not)|por qué no|почему бы не")
"""Invitations that contain a negation, such as "why not". These invitations do not count as negated."""

_CLAUSE = re.compile(r"[,;:—–]\s|\s-\s|(?<!\w)(?:but|pero|но|а)\s")


def says_why(text: str) -> bool:
    """Return whether a text gives a reason for declining.

    Quotations in the text are ignored.
    """
    return _REASON.search(normalize(own_words(text))) is not None


def offers(text: str) -> bool:
    """Return whether a text offers an alternative or invites a question.

    One clause with an offer or an invitation is enough. Clauses with a negation do not count, and quotations are
    ignored.
    """
    clauses = (part for sentence in SENTENCE.split(own_words(text)) for part in _CLAUSE.split(normalize(sentence)))
    return any(_OFFER.search(c) is not None and _NEGATION.search(_INVITATION.sub("", c)) is None for c in clauses)
