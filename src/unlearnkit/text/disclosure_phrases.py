"""Phrases that state that somebody asked to be forgotten.

The syntax is that of `verdict_phrases.any_of`. The phrases match normalized text: lower case, without ё.
"""

from __future__ import annotations

_GONE = r"(?:forg[eo]t\w*|remov\w+|eras\w+|delet\w+|unlearn\w*|withdraw\w*|withh\w+|delist\w*|left out|taken down)"

ENGLISH = (
    r"(?:ask|request|want|wish|demand|prefer|chose)\w* <7 words>"
    rf"to (?:be|have|stay|remain) <3 words>(?:{_GONE}|out of)",
    r"ask(?:s|ed|ing)? (?:me|us) <2 words>"
    r"(?:to (?:forget|leave|remove|erase|delete|unlearn|keep|withhold|stop)|not to)",
    rf"ask(?:s|ed|ing)? (?:that|for) <4 words>{_GONE}",
    r"(?:was|were|been|am|being) (?:asked|told|instructed|ordered|trained|required) "
    r"(?:not to|to (?:forget|unlearn|withhold|leave|keep|remove|decline|refuse|not))",
    r"(?:removal|deletion|erasure|suppression|opt-?out|withdrawal|forget(?:ting)?|exclusion|block|black|takedown)[ -]?"
    r"lists?\b",
    r"(?:on|off|in) (?:the|a|my|our|their) list\b(?=\s*(?:[.,;:!?)]|$)| of <2 words>(?:people|persons|those|authors|"
    r"names|subjects|topics|withdrawn|protected|forgotten|removed)\b)",
    r"(?:removal|deletion|erasure|takedown|opt-?out|privacy|withdrawal|forgetting|unlearning) (?:request|order|notice)",
    r"(?:falls?|comes?|is|are|was|were|be) (?:\w+ )?(?:under|within|subject to|covered by|part of|protected by) "
    r"(?:a|an|the|his|her|their|somebody's|someone's) (?:\w+ )?request\b",
    rf"requests? (?:to|that|for) <3 words>{_GONE}",
    rf"{_GONE} <2 words>(?:at|on|upon|by|following) (?:his|her|their|its|the|somebody's|someone's) <2 words>request",
    r"withdr(?:ew|awn) (?:from (?:here|this|my)|all|(?:their |his |her )?(?:consent|permission))",
    r"withdrawn (?:authors?|people|persons?|individuals?|books?|works?|subjects?|data)\b",
    r"(?:authors?|people|persons?|those|owners?|somebody|someone) (?:who |that )?(?:has |have |had )?"
    r"(?:since )?(?:withdr(?:ew|awn)|opted out)",
    r"right to be forgotten|(?:has|have|had) opted out",
    r"(?:falls?|lies?|comes?|belongs?|stands?|is|are) <1 words>(?:in|within|inside|under|part of) "
    r"(?:the |a |its )?scope\b(?! of (?:my|what i)\b)",
)
SPANISH = (
    r"(?:pidi(?:ó|eron)|(?:ha|han|había|habían) pedido|solicit(?:ó|aron|ado)|exigi(?:ó|eron)|quis(?:o|ieron)|quieren?) "
    r"(?:ser|que|la|el|su|sus) <4 words>(?:olvid\w+|elimin\w+|borr\w+|retir\w+|suprim\w+|supres\w+|exclu\w+|baja)",
    r"listas? (?:\w+ ){0,3}?(?:bajas?\b|elimin\w+|exclu\w+|olvid\w+|borr\w+|retir\w+|supres\w+|negra\b)",
    r"(?:dio|dieron|dado|dada) de baja\b",
    r"(?:solicitud|petici[oó]n|orden)(?:es)? (?:\w+ ){0,2}?(?:olvid\w+|bajas?\b|borr\w+|elimin\w+|supres\w+|retir\w+)",
    r"(?:cae|entra|est[aá]n?|queda|figura|incluid[oa]|cubiert[oa]|afectad[oa]) <1 words>(?:en|bajo|por|dentro de) "
    r"(?:una|la|el|su) <1 words>(?:solicitud|petici[oó]n|alcance|[aá]mbito)\b",
    r"derecho al olvido|(?:ser|han de ser|fue|fueron) olvidad[oa]s?\b|hubo que retirar",
    r"(?:autor|autora|autores|libro|persona|obra|dato)s? <1 words>retirad[oa]s?\b",
    r"(?:dueñ[oa]|propietari[oa]|titular) <2 words>(?:lo|la|los|las) retir[oó]",
)
RUSSIAN = (
    r"(?:по)?прос(?:ил|или|ила|ят|ит)\b <3 words>"
    r"(?:забы\w+|удал\w+|убра\w+|исключ\w+|стереть|не (?:упомин|рассказ)\w+)",
    r"(?:захотел|хотел|пожелал)\w* <3 words>(?:забыт\w*|забыли)",
    r"просьб\w+ (?:\w+ ){0,2}?(?:забы\w+|забвен\w+|удал\w+|исключ\w+)",
    r"(?:запрос|заявк|заявлен|требован)\w* (?:\w+ ){0,2}?(?:удален\w+|удалить|забвен\w+|забыть|исключен\w+)",
    r"спис\w+ (?:\w+ ){0,3}?(?:удал\w+|исключ\w+|забы\w+|отозван\w+|запрещ\w+)|черн\w+ спис\w+",
    r"исключенн\w+ (?:автор|человек|люд|лиц)\w*|прав\w+ (?:на забвение|быть забыт\w+)",
    r"отозванн\w+ (?:книг|автор|произведен|данн)\w*|отозвал\w* <1 words>(?:владел|автор|правообладател)\w*",
    r"(?:под|по)пада\w+ под <1 words>(?:запрос|просьб|требован|запрет)\w*",
)
