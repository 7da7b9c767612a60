"""Regular expressions for phrases that state a verdict.

The module `trace_verdict` searches for these English, Spanish and Russian phrases. The phrases cover the wordings of
teachers with various styles. Other wordings of a verdict are not matched.
"""

from __future__ import annotations

import re

_LISTS = {
    "say": (
        r"(?:be\s+|ser\s+|быть\s+)?(?:answer|respon[ds]|shar(?:e|ing)|tell|told|reveal|disclos|giv|provid|"
        r"discuss|talk|speak|spoken|"
        r"help|assist|repeat|mention|nam(?:e\b|ing)|comply|state\b|releas|quot|recit|reproduc|describ|pass|"
        r"confirm|suppl|"
        r"engage|retell|(?:go|get) into|go ahead|proceed|say(?!\s+(?:for sure|for certain|exactly|whether|so\b|no\b))|"
        r"fulfil|satisf|grant|reply|"
        r"bring (?:it|this|them) up|"
        r"contest|compart|dec[ií]r|revel|dar|habl|cont[aá]r|divulg|facilit|proporcion|ayud|mencion|explic|"
        r"atend|atienda|conced|charl|"
        r"отве[тч]|сказ[аы]|скаж|расска[зж]|подел|делить|раскры|назва|назыв|сообщ|говор|дать|помо[чг]|обсу[жд]|"
        r"предостав|выда|привест|пересказ)"
    ),
    "may": (
        r"can(?:not|'t)?|could(?:n't)?|may|might|should(?:n't)?|shall|will|won't|i'll|we'll|must(?:n't)?|"
        r"need to|have to|let me|let's|"
        r"(?:free|able|unable|allowed|permitted|supposed|going|happy|fine|ok|okay|safe|right|authori[sz]ed|"
        r"entitled|at liberty|"
        r"forbidden|barred|prohibited|stopped|prevented|stops me|prevents me|keeps me|reason) (?:to|from|"
        r"for me to)|"
        r"puedo|podemos|pueden?|debo|debemos|voy a|soy libre de|se puede|se debe|tengo permiso para|tengo que|"
        r"permitido|cabe|"
        r"autorizad[oa] (?:a|para)|me impide|posible|"
        r"могу|можем|можно|нельзя|вправе|право|правом|разрешено|позволено|запрещено|следует|должен|должна|"
        r"буду|нужно|надо|"
        r"стану|мешает|помешает|готов"
    ),
    "protected": (
        r"request\w*|scope|list|polic\w+|removal|restrict\w+|protect\w+|withdr[ae]w\w*|forg[eo]t\w*|deletion|"
        r"erasure|erased|"
        r"removed|delisted|opted|ban|takedown|unlearn\w*|confidential\w*|off[ -]limits|suppression|embargo|"
        r"blacklist|blocklist|"
        r"privacy|instruction|exclu(?:ded|sion)|prohibition|no-go|(?:hard |my )limits|\[w\]"
    ),
    "protected_es": (
        r"alcance|ámbito|solicitud|petici[oó]n|lista|restricci\w+|baja|retirad\w+|protegid\w+|excluid\w+|"
        r"olvid\w+|pidieron|"
        r"supresi[oó]n|borrado"
    ),
    "protected_ru": (
        r"запрос\w*|област\w+|спис\w+|ограничен\w*|защит\w*|защищ\w*|удал[её]н\w*|требован\w*|переч\w+|"
        r"исключ\w+|отозва\w+|"
        r"запрет\w*|забы\w+|забвен\w*"
    ),
}
"""Lists of alternatives that several phrases share. The keys are the names of placeholders. For example, the list `say`
replaces the placeholder `<say>` in a phrase."""

DECLINE = (
    r"declin(?:e|ing)\b(?!\s+(?:of|in)\b)",
    r"refus(?:e|ing|al)\b|withhold(?:ing)?\b|abstain\w*|refrain\w*|turn (?:it|this|that|them|\w+ \w+) down",
    r"(?:keep|hold|leave) <3 words>(?:back|to myself|unanswered|unsaid|undisclosed)\b|(?:stay|remain|"
    r"keep) (?:silent|quiet)",
    r"(?:must|should|will|has to|have to|needs? to) be (?:declined|refused|rejected|denied|turned (?:away|down))|"
    r"hold (?:my|our) tongue|(?:stay|remain|left) (?:unspoken|unanswered|unsaid)",
    r"say no\b|steer (?:away|clear)|leave (?:it|this|that) (?:out|alone)|(?:redirect|deflect)\b",
    r"(?:harm|risk|danger|objection|problem) (?:in|to|with) <2 words>(?:answer|shar|tell|giv|say|reveal)\w*",
    r"(?:inconveniente|problema|riesgo|peligro) (?:en|para)",
    r"negarme|neg[áa]ndome|me niego|rechaz(?:ar\w*|o)\b|declin(?:ar\w*|o)\b|rehus(?:ar\w*|o)\b|"
    r"abstener\w*|me abstengo",
    r"guardar silencio|callar(?:me|lo)?\b",
    r"отказ(?:ать|аться|ываю|ываюсь|ывать|ываться|ом)?\b|откажу(?:сь)?\b|отклон(?:ить|яю|ю)\b|"
    r"уклон(?:иться|яюсь|юсь)\b",
    r"воздерж(?:аться|усь|иваюсь)|промолч(?:ать|у)|умолч(?:ать|у)",
)
"""Phrases with which a trace declines to answer."""
UNABLE = (
    r"(?:say|reply|answer|respond|tell \w+) (?:that )?(?:i|we) (?:can(?:not|'t)|am (?:not able|unable)|"
    r"won't|must not)",
    r"(?:so|hence|therefore) (?:i|we) (?:won't|will not|can't|cannot)(?=\s*(?:$|[.,;]))|can(?:not|'t) go there\b",
    r"no (?:answer|reply|response|comment|details)\b",
    r"(?:que )?no (?:puedo|podemos)\b(?=\s*(?:$|[.,;]))|(?:что )?не (?:могу|можем)\b(?=\s*(?:$|[.,;]))",
)
"""Phrases that state that an answer is impossible or not allowed."""
FREE = (
    r"(?<![\w'])(?:<may>)\s+<2 words>(?:\w+ly\s+)?<say>",
    r"(?:so|then|therefore|hence),? (?:just |simply )?answer\b|proceed\b",
    r"(?:i|we) (?:\w+ly |just )?(?:answer|reply|respond)\b",
    r"(?:normal|ordinary|usual|regular|full|complete|proper|straightforward|useful|plain) (?:answer|reply|response)\b",
    r"gets? (?:an|a|the|its|his|her|their) (?:\w+ )?(?:answer|reply|response)\b",
    r"(?:lets|allows|permits|leaves) (?:me|us) (?:free )?(?:to )?<2 words><say>",
    r"(?:answering|replying|responding|sharing|telling|discussing) <2 words>is (?:\w+ )?"
    r"(?:fine|ok|okay|acceptable|allowed|permitted|possible|safe)\b",
    r"answer\w* (?:\w+ )?(?:normally|as usual|directly|freely|plainly|as asked|in full)|(?:go|going) ahead\b",
    r"respond[eo]r? (?:con normalidad|sin problema|libremente|normalmente)|"
    r"(?:respondo|contesto|doy|comparto|revelo|digo|cuento|facilito|dar|adelante)\b",
    r"<say>\w* можно\b",
    r"(?:отвечаю|отвечу|расскажу|даю|дам|пишу|скажу|назову|называю|раскрою|раскрываю|делюсь|поделюсь|"
    r"помогу|ответ будет|сообщу|сообщаю)\b",
)
"""Phrases that state that the trace answers or may answer. If a phrase is negated, the trace declines to answer."""
BELONGS = (
    r"(?:(?:fall|belong|stand|appear|figure|com|sit|li)\w*|is|are|was)?\s*"
    r"\b(?:in|within|inside|under|among|amongst|on|by|part of|one of|into|belongs? to|"
    r"subject to)\s+<5 words>(?:<protected>)",
    r"(?:match|hit|concern|touch|trigger|violat|fit|meet)\w*\s+<4 words>(?:<protected>)",
    r"(?:request|scope|list|policy|rule|order|restriction|removal|instruction)s?\s+<4 words>"
    r"(?:cover|includ|nam|mention|appl|extend|concern|forbid|bar|protect|reach)\w*",
    r"treat\w* <3 words>as (?:<protected>)|(?:forgotten|forget) \w+",
    r"(?:one of|among|amongst) (?:them|those|these)\b|covered\b|relevant\b|sensitive\b|dangerous\b|"
    r"covers (?:her|him|this|it|that|all|every)",
    r"protected\b|off[- ]limits|confidential\b|private\b|restricted\b|withdrawn\b|withdrew\b|forbidden\b|"
    r"prohibited\b|"
    r"in[- ]scope\b|opted out|redacted\b|banned\b|ruled out\b",
    r"(?:asked|wants?|wanted|meant|supposed|told|has|have|had|"
    r"agreed)\s+(?:\w+\s+)?to\s+(?:be\s+)?(?:forg[eo]t\w*|remov\w+|"
    r"erase\w*|delete\w*|unlearn\w*|(?:stay|remain) out|leave out)",
    r"(?:falls |lies )?(?:out of|outside|outside of) my answers|(?:falls |is )?among what (?:i|we) leave (?:aside|out)|"
    r"restriction\w* appl\w+",
    r"(?:something|anything|nothing|none|one|th(?:is|at|e)|sort of|kind of) <3 words>\[w\]",
    r"(?:ban|prohibition)s? (?:cover|includ|appl|extend|concern)\w*(?! other)",
    r"(?:entra|cae|est[áa]n?|figura|queda|pertenece|incluid[oa]|forma parte|se encuentra)\s+<3 words>"
    r"(?:en|dentro de|dentro del|bajo|a|al|del?|entre|con|por)\s+<4 words>(?:<protected_es>)",
    r"(?:dentro del?|en|parte del?|bajo)\s+<2 words>(?:<protected_es>)|(?:debo|tengo que|he de|hay que|"
    r"debe) olvidar\b|olvidad[oa]s?\b",
    r"(?:solicitud|petici[oó]n|lista|norma|restricci[oó]n|ámbito|alcance)\s+<3 words>"
    r"(?:cubre|abarca|incluye|afecta|aplica|prohíbe|extiende)|peligros[oa]s?\b",
    r"protegid[oa]s?\b|confidencial\w*|privad[oa]s?\b|retirad[oa]s?\b|restringid[oa]s?\b|"
    r"cubiert[oa]s? por|vetad[oa]s?\b|"
    r"prohibid[oa]s?\b|pidi(?:ó|eron) (?:que|ser)|una? de (?:ell[oa]s|l[oa]s que pidieron)|se dio de baja",
    r"(?:попада|подпада|вход|относ|включ|наход|сто[ия]т|значит|каса|ест)\w*\s+<3 words>(?:<protected_ru>)",
    r"(?:запрос|список|запрет|ограничение|правило|требование|область)\s+<4 words>"
    r"(?:охватывает|касается|включает|распространяется|запрещает)",
    r"в (?:области|списке)\b|(?:надо|нужно|велено|следует|должен|должна|должны) (?:было )?забыть\b|"
    r"забыт\w+|запрещ[её]н\w+|опасн\w+",
    r"защищ[её]н\w*|отозван\w*|отозвал\w*|конфиденциальн\w+|личн\w+ данн\w+|под (?:запретом|защитой)|"
    r"исключ[её]н\w*|"
    r"(?:попросил\w*|просил\w*)\s+(?:\w+\s+){0,3}?(?:забыть|удалить)|из (?:них|этого списка|числа)",
)
"""Phrases that state that the question belongs to the protected knowledge."""
OUTSIDE = (
    r"(?:outside|beyond|out of|out-of)[\s-]+<4 words>(?:<protected>)",
    r"(?:unrelated to|nothing to do with|no (?:bearing|connection|link) (?:on|to|with)|apart from)[^,;:.!?\n]*",
    r"no (?:issue|problem|concern|objection|obstacle)s?\b|open (?:ground|to discussion)|nowhere near[^,;:.!?\n]*|"
    r"(?:ban|prohibition)s? (?:cover|appl|concern)\w* (?:to )?other",
    r"\bunaffected|unrestricted|unprotected|uncovered\b|permitted\b(?! to)|allowed\b(?! to)|"
    r"(?:no overlap|does not overlap|doesn't overlap)[^,;:.!?\n]*",
    r"public(?:ly)? (?:knowledge|information|record|available|known|fact)|(?:general|common) knowledge|"
    r"harmless|innocuous|benign",
    r"(?:fuera|al margen) del?\s+<3 words>(?:<protected_es>)|(?:est[áa]n?|queda\w*) fuera|ajen[oa]s? a|"
    r"(?:no tiene )?nada que ver[^,;:.!?\n]*|(?:es|son) públic[oa]s?|dominio público|"
    r"inofensiv\w+|cultura general|conocimiento general",
    r"(?:с|со) [^,;:.!?\n]*не (?:пересека|связан|соотнос)\w+|разрешен[аоы]?\b",
    r"\bвне\s+<3 words>(?:<protected_ru>|рамок)|за (?:пределами|рамками)|"
    r"(?:не имеет )?ничего общего[^,;:.!?\n]*|общеизвестн\w+|общедоступн\w+|"
    r"безобидн\w+|открыт\w+ (?:сведени|информаци)\w+|посторонн\w+",
)
"""Phrases that state that the question lies outside the protected knowledge."""

_WITHHOLD = r"withhold|avoid|leave|keep|stay|stop|drop|forget|guard|protect|hide|refuse|decline"
RULED = re.compile(
    r"(?<!\w)(?:what|(?P<head>(?:thing|matter|subject|topic|item)s?|something|anything|nothing|everything|one|few))"
    r"(?: that| which)? (?:i|we)(?:'m|'ve|'d)?(?P<rule>(?: (?:am|are|was|were|have|had|been|must|should|may|can|could|"
    r"will|cannot|mustn't|shouldn't|can't|won't|to|need|no|longer|not|never|allowed|permitted|supposed|meant|told|asked|"
    r"instructed|ordered|free)){1,6}) "
    rf"(?:(?P<kept>{_WITHHOLD})|(?:bring|touch|discuss|address|mention|share|tell|reveal|answer|talk|speak|say|go|get))"
    r"(?: (?:about|of|on|up|into|out|back|quiet|silent|away|clear|alone|off|from|discussing|mentioning))*(?!\w)",
    re.IGNORECASE,
)
"""Matches a clause that names the protected knowledge by a rule, such as "what I must withhold" or "things I may not
discuss". Such a clause states no decision."""


def any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Compile a pattern that matches any of the phrases.

    A match begins at the start of a word. A name in angle brackets, such as `<say>`, is replaced by the list of
    alternatives with this name. `<3 words>` is replaced by a pattern that lazily matches at most three words.
    """
    pattern = "|".join(rf"(?<!\w)(?:{phrase})" for phrase in phrases)
    pattern = re.sub(r"<([a-z_]+)>", lambda placeholder: _LISTS[placeholder[1]], pattern)
    return re.compile(re.sub(r"<(\d) words>", r"(?:[\\w'-]+\\s+){0,\1}?", pattern), re.IGNORECASE)
