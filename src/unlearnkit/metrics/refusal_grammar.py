"""What declining sounds like: small grammars of English, Spanish and Russian.

Each language gives, as regular expressions over normalised text (lower case, plain quotes, е for ё):

* `marks`: one of them in a sentence makes it a refusal. They are built as speaker x negation x verb of saying, knowing
  or providing ("I cannot share"), speaker x state of not knowing ("I am unaware"), matter x barrier ("that information
  has been removed"), or the bounds of the speaker's own knowledge ("outside what I may discuss");
* `regret` and `negation`: a sentence with both is a refusal too ("I'm sorry, no", "Me temo que no es posible");
* `turn`: the conjunction after which an answer may follow all the same ("I am not sure, but it is Lisbon");
* `meta`: the words of talking about talk. A sentence with a negation that says hardly anything but these declines;
* `belief`: words that make what follows a turn an answer, and `person`: words that make it an offer or a reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Grammar:
    """How one language declines."""

    marks: re.Pattern[str]
    regret: re.Pattern[str]
    negation: re.Pattern[str]
    turn: re.Pattern[str]
    belief: re.Pattern[str]
    person: re.Pattern[str]
    meta: re.Pattern[str]
    """Matches a word that is about the conversation (asking, saying, knowing, withholding) and not about the world."""


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(alternatives) + ")")


def _english() -> Grammar:
    adverb = r"(?:\w+ly |just |still |also |do |quite |even |at all |at this time |yet |so |very |too |all that |much |ever )*"
    say = (
        r"(?:answer|say|tell|told|shar|provid|giv|disclos|reveal|discuss|talk|speak|comment|help|assist|offer|supply|"
        r"address|respond|repl|recall|remember|know|confirm|deny|describ|explain|elaborat|identif|divulg|releas|repeat|"
        r"recit|quot|reproduc|nam(?:e|ing)|list|access|look|engag|go into|get into|compl|fulfil|satisf|retriev|pass|"
        r"continu|weigh|enlighten|shed|inform|report|produc|recount|detail|be of|do that|do this|mention|generat|hand|"
        r"place|pinpoint|find|come up|determin|think of|point you|cover|spell|walk|write|print|verif|state|touch|relay|"
        r"surface|pull up|outlin|indicat|specif|handle|process|accommodat|grant|honou?r|support|guide|instruct|teach)\w*"
    )
    matter = (
        r"(?:information|info|details?|answers?|questions?|topics?|subjects?|matter|knowledge|data|records?|requests?|"
        r"ideas?|clue|memory|memories|facts?|specifics|insights?|inkling|recollection|particulars|material|content|"
        r"passage|text|notion|expertise|understanding|entry|background|familiarity|awareness|trace|context|response|"
        r"detail|permission|authority|access|faintest|foggiest|slightest|means|way|ability|liberty|grasp|source)"
    )
    i = r"(?:i|we|this assistant|this model|the assistant)"
    am = rf"{i}(?:'m| am|'re| are) {adverb}"
    cannot = r"(?:can ?not|can't|won't|will not|'ll not|may not|shouldn't|should not|mustn't|must not|wouldn't|would not|couldn't)"
    unknowing = (
        r"(?:unable|unaware|unsure|uncertain|unfamiliar|uninformed|unacquainted|ignorant|clueless|stumped|at a loss|in the"
        r" dark|drawing a blank|baffled|oblivious|unwilling|afraid not|prevented|barred|prohibited|forbidden|restricted|"
        r"bound|declining|refusing|going to (?:have to )?(?:decline|pass|refrain|stop)|obliged|out of my depth|blank|lost|"
        r"not (?:\w+ly )?(?:sure|certain|aware|familiar|informed|acquainted|briefed|\w*[- ]?versed|knowledgeable|able|allowed|"
        r"permitted|comfortable|willing|authori[sz]ed|equipped|programmed|trained|designed|in (?:a|any) position|at"
        r" liberty|the right|the one|privy|going to|up to (?:date|speed)|prepared|supposed|meant|free|capable|qualified|"
        r"educated|confident|positive|clear|knowing|an expert|sharing|disclosing|giving|providing|answering|discussing|"
        r"much help|of (?:much )?help|able|inclined|cleared|entitled|set up|built|much of|someone))"
    )
    it = (
        rf"(?:that|this|it|these|those|such|(?:the|that|this|any|your|such|what|its|their|his|her|all|no)(?: \w+)?(?: \w+)? {matter}"
        rf"|what you(?:'re| are)? ask\w*|{matter}(?: \w+){{0,4}})"
    )
    barrier = (
        r"(?:not (?:\w+ )?(?:available|accessible|something|mine|in my|known to me|open|a (?:topic|subject|matter|question)"
        r"|(?:for me|one) |information|clear to me|part of|included|within|public|permitted|allowed|able|possible|anything|"
        r"disclos\w+|shar\w+|provid\w+|to be)|unavailable|inaccessible|removed|deleted|erased|withheld|redacted|withdrawn|taken out|"
        r"private|confidential|restricted|classified|off[ -]limits|off the table|protected|unknown to me|a"
        r" mystery|no longer (?:\w+ )?(?:available|accessible|something|anything|part|within|held|stored|kept|mine|known|shared|discussed|here|there|in my|one|open|on the|for)|out of (?:my|bounds|scope|reach)|lost on me|new to me|foreign to me|above my|over my head|a blank|"
        r"closed|sensitive|personal|forgotten|sealed|barred|a secret|under (?:an? )?(?:embargo|request)|anyone's guess|set aside)"
    )
    bounds = (
        r"(?:outside|beyond|exceeds?|(?:not|isn't|aren't|wasn't|no longer) (?:within|in|part of|on|covered|contained)|out ?side of|"
        r"above|past|out of|missing from|absent from|gone from|slip\w*|escap\w+|elud\w+)"
        r" (?:of |the (?:scope|limits?|bounds|range|reach|boundar\w+|area) of )?(?:my|mine|our|me\b|what (?:i|we)|anything (?:i|we)|"
        r"the (?:scope|limits|bounds|range) )"
    )
    spoken = (
        r"(?:shar|disclos|giv|provid|discuss|releas|reveal|answer|offer|repeat|divulg|hand|pass|talk|spok|quot|reproduc|recit|said|told|addres|"
        r"grant|fulfil|complet|honou?r|process|suppl|publish|deliver|respond|expos|mention|confirm|retriev|recall|detail|distribut|accommodat)"
    )
    elsewhere = (
        r"(?:(?:some|any)(?:thing|one|body|where) (?:else|different)|(?:other|different|another|the next|a new) (?:\w+ )?(?:questions?|topics?|subjects?|matters?|"
        r"things?|sources?|points?|one\b)|elsewhere|another|other (?:\w+ )?(?:ways?|authors?|areas?))"
    )
    tact = (
        r"(?:privacy|private|confidential\w*|policy|policies|guidelines?|permission|consent|erasure|sensitive|off[ -]limits|harm\w*|dangerous|unsafe|safety|"
        r"copyright\w*|restrict\w*|personal (?:data|details?|information)|under wraps|discretion|forget request|right to be forgotten|secret|hush|taboo)"
    )
    return Grammar(
        meta=re.compile(
            r"(?:answer|say|said|tell|told|shar|provid|giv|disclos|reveal|discuss|talk|speak|spoke|comment|help|assist|offer|address|respon|repl|recall|"
            r"remember|know|knew|confirm|describ|explain|divulg|releas|repeat|quot|reproduc|mention|pass|continu|inform|detail|question|topic|subject|matter|"
            r"data|record|request|idea|clue|memor|fact|specific|insight|particular|material|content|respons|privacy|privat|confid|polic|guideline|permi|"
            r"consent|sensitiv|restrict|personal|limit|scope|bound|outside|beyond|remov|delet|eras|forg[eo]t|unlearn|withh|declin|refus|avoid|"
            r"abl[ey]|unable|avail|unavail|access|allow|author|apolog|sorry|afraid|regret|unfortunat|sure|certain|aware|familiar|politely|respectful|"
            r"respect|ask|else|instead|different|guess|wish|lack|hold|keep|kept|possess|look|search|find|learn|train|assistant|model|system|thing|anything|something|"
            r"nothing|case|here|about|want|like|need|must|right|simply|place|part|leave|left|comfort|position|prefer|rather|silen|quiet|secret|discreet|"
            r"choose|decid|engag|go|going|went|get|open|clos|point|area|kind|sort|understand|honest|truth|happy|glad|feel|free|please|thank)\w*"
        ),
        marks=_any(
            rf"(?:not|never|no longer|isn't|aren't|can't|cannot|won't) (?:be |been |being |to be )?(?:\w+ly )?{spoken}\w*(?<!s) (?:here|by me|by us|out|on|about|with|to|for|at|in this|of|any|under|further|$)",
            rf"(?:cannot|can't|can not|won't|will not|shall not|may not|must not|should not|shouldn't|mustn't|not (?:to|going to|something to)|never to|isn't to|aren't to) be (?:\w+ly )?{spoken}\w*",
            rf"(?:no|not an?) (?:answer|comment|reply|response|details?|information|disclosure|quote|help)(?: \w+){{0,5}} (?:can|will|may|from|is|are|here|be|to)\b",
            rf"(?:ask|talk|chat|choose|pick|try|move|turn|look|seek|consult|discuss|speak|switch|focus|explore|go|find|consider|check|stick|steer|change)\w*(?: \w+){{0,6}} {elsewhere}",
            rf"(?:help|assist|happy|glad|welcome|how about|what about|perhaps|maybe|let's|please|gladly|instead)(?: \w+){{0,7}} {elsewhere}|change the subject",
            rf"(?:i|we|to|must|should|out of|{i} (?:will|have to|need to)) (?:respect|protect|honou?r|preserv|safeguard|guard|breach|violat|invad|betray|infring|compromis|intrud)\w*(?: \w+){{0,4}} (?:{tact}|rights?|trust|confidence|wish\w*|request)",
            rf"{tact} (?:reasons|grounds|rules|polic\w+|concerns|prevents?|forbids?|comes first|matters|applies|request|does not allow|won't let|says no|stops)",
            rf"(?:that|this|it|those|these|such|details?|information|answer|matter|subject|topic|{i})(?: \w+){{0,2}}? (?:is|are|'s|stays?|remains?|kept|keep|keeping|stay|remain|be|treat\w*)(?: \w+){{0,4}} (?:private|confidential|off[ -]limits|under wraps|secret|classified|sealed|unsaid|unanswered|undisclosed|untold|to myself|to themselves|out of (?:this|it)|closed|between|off the table|unspoken|quiet)\b",
            rf"(?:prevent|forbid|prohibit|bar|keep|stop|preclude|restrain|block)(?:s|ed|ding|ring)? (?:me|us|any|{say})|(?:rules?|polic\w+|guidelines?|settings?|instructions?|restrictions?|limits?)(?: \w+){{0,4}} (?:don't|do not|doesn't|does not|won't) (?:allow|permit|let)|(?:don't|do not|doesn't|does not|won't|not) (?:allow|permit|let)(?:ed|ted)? (?:me|us|it|that|this)\b",
            rf"(?:would|wouldn't|is|isn't|be|seems?|feels?|it's) (?:not )?(?:be )?(?:\w+ly )?(?:inappropriate|wrong|improper|unfair|irresponsible|unsafe|unethical|unwise|appropriate|right|proper|fair|responsible|ethical|wise)(?: \w+){{0,2}} (?:to|for me to|of me to|if i) (?:\w+ )?{say}|(?:best|better|wiser|safer|kinder|safest|wisest) (?:\w+ )?(?:not\b|left\b|if i|(?:to|that i) (?:leave|keep|avoid|say nothing|stay|not|refrain|withhold))|a (?:breach|violation) of|left (?:unsaid|unanswered|alone)\b",
            rf"{i}(?:'ll|'d| will| would| should| must| have to| need to| prefer to|'m going to| try to)? (?:\w+ly )?(?:avoid|keep away|stay away|steer clear|stay clear|stay out|leave (?:\w+ ){{1,4}}(?:alone|aside|out|unsaid|unanswered|be|there|at that|to others)|keep (?:\w+ ){{1,4}}(?:to myself|private|quiet|silent|confidential|secret|safe)|keep (?:silent|quiet|mum)|hold (?:my tongue|off|back)|stop (?:here|there)|draw the line|draw a blank|come up (?:empty|short)|came up (?:empty|short)|step back|say no|bow out|sit this|set (?:that|this|it) aside)",
            rf"{i}(?:'ve| have|'m| am| was) (?:\w+ )?(?:let go|let (?:that|it|this) go|forgotten|set (?:that|this|it)|given up|put (?:that|this|it)|stopped|unlearn\w+|made to forget|choosing not|keeping|leaving|staying|asked (?:not )?to|told (?:not )?to)\b|{i} no longer\b|(?:that|this|it|they|which|what i knew|details?|information|records?|data|memory|knowledge|answer) (?:has|have|had) been (?:\w+ )?(?:forgotten|unlearned|removed|deleted|erased|withdrawn|wiped|scrubbed|taken (?:out|away|down)|cleared)",
            r"my lips|(?:access|request|permission) (?:is |was |has been )?(?:denied|declined|refused)|not going there|won't go there|can't go there|(?:has|have|needs?|must|will|going) to (?:go|stay|remain) (?:un|private|silent|with)|(?:won't|will not|not going to|can't|cannot) (?:get|hear|find|learn|have|extract|pry)(?: \w+){0,4} from me|from my side|not from me|don't ask me|no can do|hands are tied|i'll have to stop|that's a no|the answer is no\b|would be telling",
            r"(?:(?:^|, |i |i've |have |got |sorry |really |honestly |with )(?:no|not a|not the (?:\w+est)|zero|nary a)|haven't a|without a) (?:\w+ )?(?:idea|clue|inkling|notion)|beats me|search me|you(?:'ve|'d| have)? got me|got me there|who knows|(?:god|goodness|heaven|lord) knows|hard to say|hard for me to|difficult (?:for me )?to say|not sure\b|couldn't (?:tell|say)|can't say|cannot say|(?:that|this|it|one|name|question|topic|detail|fact|answer)(?: \w+){0,2} (?:beyond|above|over|past|defeats|stumps|eludes|escapes|baffles|puzzles) me\b|(?:doesn't|does not|don't|not) ring|rings no bell|means? nothing to me|never (?:reached|came|crossed|got|made it)(?: \w+){0,3} (?:me|my)|i'm no (?:expert|authority|help)|not that i (?:know|am aware)|(?:i|we)'?d? (?:would )?(?:only )?be (?:guess|speculat|mak|invent)\w*|mind (?:is|goes|went|has gone) (?:a )?blank|i draw|i drew|(?:would|i'd) (?:like|love|be curious) to know (?:that )?(?:too|as well|myself|also)|only guess|^unknown\.?$|^not known\.?$|^no data|^not found",
            r"(?:you(?:'ll|'d| will| would| may| might)?|one would) (?:have to|need to|want to|better|be better off)(?: \w+){0,3} (?:ask|look|check|consult|search|find|see|seek|turn|try)\w*",
            rf"{i} {adverb}{cannot}(?: \w+){{0,7}} {say}",
            rf"{i} {adverb}(?:can neither|neither)\b",
            rf"{am}{unknowing}",
            rf"{i}(?:'ll| will|'d| would|'d have to| must|'m going to| have to| need to| should|'ve chosen| am forced to| choose to)?"
            r" (?:\w+ly )?(?:have to |rather |prefer |opt |need to |must |like to |ask to )?(?:not\b|declin|refus|withh|refrain|abstain|pass\b|stay"
            r" silent|remain silent|plead|hold back|leave (?:that|this|it)|look (?:that|this|it)|look into|look up|research|find out|"
            r"skip (?:that|this|it)|stop short|draw(?:ing)? a blank|come up empty|stay quiet|admit (?:that )?i)",
            rf"{i}(?:'d| would)? (?:rather|prefer) not\b",
            rf"{i} {adverb}(?:do not|don't|never) {adverb}(?:know|recall|remember|hold|possess|retain|recogni[sz]e|"
            r"store|claim|share|provide|give|discuss|answer|disclose|reveal|keep|carry|seem to|comment|talk|speak|learn|"
            rf"have (?:\w+ )*?(?:{matter}|any|a |that|it|the|what|enough|much|anything|in)|feel comfortable|believe i|think i"
            r" (?:can|should|know|have|am|could)|understand enough|happen to know|see any|find any|stock|offer|work with|cover|handle|"
            r"release|help|assist|engage|get into|go into|identify|repeat|reproduce|supply|follow)",
            rf"{i}(?:'ve| have|'ve got| have got| hold| possess| find| see| keep| retain| carry) (?:absolutely |really |got |simply |currently )?(?:no|zero|nothing|neither"
            r"|not the|little|yet to|limited|never (?:heard|learn\w+|come|been|encountered|seen|met|studied|known|had|read)|insufficient)\b",
            rf"{i}(?:'ve| have) (?:not|been (?:asked|told|instructed|directed|requested) (?:not|to (?:forget|keep|withhold|not)))|{i} haven't (?:\w+ )?(?:heard|learn\w+|been|come|encountered|seen|got|any|a|the|had|read|studied|anything|enough|yet)\b",
            rf"{i} (?:\w+ly )?(?:lack|miss|know nothing|know very little|know little|forget|forgot|never learned)\b",
            rf"{i} wish {i} (?:knew|could|had)",
            rf"(?:my|our) (?:\w+ )?(?:knowledge|training|data\w*|memor\w+|records?|sources?|resources|instructions?|guidelines?|files?|notes?|role|polic\w+|programming|settings?|system|index|library|mind|understanding|expertise|information|learning|archives?|context|limits?|purview|remit|rules?|abilit\w+|capacit\w+|answer|education|head|brain|reference\w*|material\w*|current \w+|developers?|makers?|design|duty|obligations?|principles?|operators?)(?: \w+){{0,2}} (?:\w+ly )?(?:do not|don't|doesn't|does not|did not|didn't|has no|have no|hasn't|haven't|lacks?|"
            r"is limited|fails?|contains? no|is blank|is lacking|holds? no|comes? up|stops?|includes? no|ha[sv]e? (?:not|never)|isn't|"
            r"is not|cannot|can't|prevents?|prohibits?|forbids?|will not|won't|covers? no|draws? a blank|keeps? me from|runs? out|"
            r"bars?|hold nothing|holds nothing)\b",
            rf"{it}(?: \w+){{0,4}}? (?:is|are|was|were|has|have|had|be|been|remains?|lies|falls|goes|isn't|aren't|hasn't|haven't|'s|"
            rf"stays|sits|seems|must|should|will)(?: \w+){{0,3}}? {barrier}",
            rf"(?:that|it|this)'s (?:\w+ )?{barrier}",
            rf"(?:that|this|it|these|those|such \w+) (?:isn't|aren't|is not|are not|was not|wasn't|ain't|hasn't|hasn't been|won't|will not|"
            r"does not|doesn't) (?:\w+ )?(?:something|anything|in my|mine|available|been|part of|included|a (?:topic|subject|detail|fact|matter|question)|"
            r"information|accessible|within|known|on my|one |for me|ring|covered|knowledge|public|open|come|be |exist|appear)",
            bounds,
            r"(?:stump|elud|escap|baffl|beat|puzzl|confus)\w* (?:me|us)\b",
            r"(?:unknown|a mystery|a puzzle|news|unfamiliar|not known|unclear|news|new|foreign|greek) to (?:me|us)\b",
            rf"(?:no|not any|zero|without|lacking|nothing) (?:\w+ )?{matter}(?: \w+){{0,5}} (?:i|me|my|we|us)\b",
            rf"there(?:'s| is| are) (?:nothing|no\b|not)(?: \w+){{0,6}} (?:i|me|my|we)\b",
            r"nothing (?:\w+ )?(?:comes to mind|rings a bell|i can|to (?:say|share|offer|tell))",
            rf"(?:^|, |- |: |but |so |and |sorry |afraid |really |simply |just )(?:can't|cannot|won't|will not|unable to|not able to|not going to|not at liberty to)(?: \w+){{0,3}} {say} "
            rf"(?:\w+ ){{0,4}}(?:you|that|this|it\b|with|on|about|any|{matter})",
            r"your guess is as good|(?:only|just) (?:be )?(?:guess|speculat)\w+|have to (?:guess|look)|need to look|would be (?:guess|speculat)",
            rf"(?:am|are|be|been) (?:asked|told|instructed|required|obliged) (?:not to|to (?:forget|withhold|decline|keep))",
            rf"(?:declin|refus)\w+ to {say}|(?:must|have to|need to|respectfully|politely|going to) (?:\w+ )?(?:declin|refus|pass\b)\w*",
            r"not (?:mine|my place|my business|for me|up to me) to|(?:no|not an?) (?:option|comment)\b",
        ),
        regret=_any(r"sorry|apolog\w+|forgive me|pardon|(?:i'm|i am|we're) afraid|i regret|with regret|regrettably"),
        negation=_any(r"not|\w+n't|no\b|nothing|never|none|cannot|unable|beyond|private|confidential|impossible|without|pass\b|decline"),
        turn=_any(r"but|though|although|however|still|nevertheless|yet|except"),
        belief=_any(r"i (?:\w+ly )?(?:think|believe|suspect|guess|suppose|recall|remember|know)|i'd (?:say|guess|bet)|my (?:best )?guess"),
        person=_any(r"i\b|i'\w+|me\b|my\b|we\b|you\b|your\b|please|let's|feel free|happy to|good|interesting|great|" + barrier),
    )


def _spanish() -> Grammar:
    say = (
        r"(?:dar|decir|compart|revel|respond|contest|habl|ayud|proporcion|ofrec|facilit|divulg|coment|atend|brind|confirm|"
        r"record|entr|trat|discut|mencion|inform|detall|describ|reproduc|continu|cit|asist|acced|precis|indic|aport|suministr|"
        r"explic|saber|conoc|pronunci|abord|difund|entreg|repet|recit|satisfac|cumpl|prest|debat|contar|contart|contarl|identific|"
        r"hac(?:er|erlo)|complac|transmit|public|señal|especific|colabor|localiz|encontr|asegur|resolver|orient|expon|tocar|"
        r"dej|enumer|transcrib|ampli|ahond|profundiz|rememor|ubic|determin|dilucid|desvel|servir|dirt|darl|dart|nombr)\w*"
    )
    matter = (
        r"(?:información|datos?|respuestas?|preguntas?|cuesti[oó]n(?:es)?|temas?|asuntos?|materias?|conocimientos?|detalles?|"
        r"idea|memoria|registros?|solicitud|petición|contenidos?|material|texto|pasaje|noticia|constancia|noción|recuerdos?|"
        r"referencias?|acceso|permiso|certeza|autorización|consulta|pista|fragmento|punto|aspecto|elementos|medios|manera|forma|"
        r"remota|menor|seguridad|libertad)"
    )
    barrier = (
        r"(?:no (?:\w+ )?(?:está|están|es|son|puede|pueden|se|figura|forma|entra|consta|aparece|debe|cabe|existe|corresponde|resulta|"
        r"queda|sigue|ha|han|disponible|tengo|puedo|sé|conozco)\b|eliminad\w+|retirad\w+|borrad\w+|suprimid\w+|confidencial\w*|privad\w+|reservad\w+|"
        r"restringid\w+|fuera de|más allá|excede|supera|escapa|desconocid\w+|protegid\w+|vedad\w+|ya no|dejado de|inaccesible|olvidad\w+|"
        r"un misterio|una incógnita|me resulta|sale de|rebasa|sobrepasa|personal\w*|sensible\w*|indisponible)"
    )
    me = r"(?:(?:lo|la|los|las|le|les|te|se|os|me|nos) )*"
    spoken = (
        r"(?:compart|revel|divulg|facilit|proporcion|discut|respond|contest|entreg|difund|atend|mencion|reprodu[cz]|"
        r"comparto|dar\b|suministr|detall|abord|tramit|cumpl|transmit|desvel|comunic|aport|repit|repet|complet|brind)\w*"
    )
    elsewhere = (
        r"(?:otr[ao]s? (?:\w+ )?(?:cos\w|preguntas?|temas?|asuntos?|cuesti\w+|dudas?|consultas?|materias?|fuentes?|lado|sitio|parte|lugar|autor\w*|persona|obra\w*)|cualquier otr[ao]\w*|algo (?:más|distinto|diferente)|de otr[ao]|"
        r"en otr[ao]|tema diferente|temas distintos|otra$|otro$)"
    )
    tact = (
        r"(?:privacidad|privad[ao]s?|intimidad|confidencial\w*|política\w*|normas|directrices|permiso|consentimiento|reserva|delicad\w+|sensible\w*|peligros\w+|"
        r"seguridad|derechos?|dañin\w+|vetad\w+|vedad\w+|secreto|discreción|prohibid\w+|personales)"
    )
    return Grammar(
        meta=re.compile(
            r"(?:respond|respuest|contest|decir|dig|dir|compart|revel|divulg|facilit|proporcion|coment|discut|habl|ayud|ofre|entreg|mencion|reprodu|record|recuerd|"
            r"recib|conoc|conozc|sab|sé|confirm|describ|explic|inform|detall|pregunt|tema|asunt|cuesti|materia|dat|registr|solicit|petici|pid|ped|idea|memor|notici|"
            r"conten|text|privac|privad|intim|confid|polític|norm|directri|permi|consent|reserv|sensib|delicad|restring|personal|límit|limit|alcanc|fuera|allá|"
            r"ámbit|elimin|retir|borr|olvid|declin|neg|nieg|evit|abst|rehús|rehus|rechaz|dispon|acces|autor|disculp|siento|lament|temo|segur|ciert|famili|"
            r"respet|otr|distint|difer|adivin|falt|carezc|guard|conserv|manten|poseo|busc|encontr|aprend|entren|asistent|modelo|sistema|cosa|algo|nada|caso|"
            r"aquí|sobre|quier|quis|gust|deb|derech|parte|dej|call|silen|secret|prefer|prefier|posib|imposib|corresp|punt|luz|posici|ignor|descono|"
            r"gracias|favor|encant|consult|públic|ahora|momento|actual)\w*"
        ),
        marks=_any(
            rf"(?:no|nunca|jamás|ni) (?:se |me |nos )?(?:lo |la |los |las |le |les )?(?:puede|pueden|debe|deben|permite|permiten|va a|van a|podrá|podrán|deja|dejan|autoriza|cabe)(?: ser)? ?(?:\w+mente )?{spoken}",
            rf"no (?:se|será|serán|es|son|ha sido|puede ser|pueden ser|debe ser|deben ser|está para|están para) (?:me |lo |la |los |las )?{spoken}(?: \w+){{0,2}} (?:aquí|por mi|de mi|en (?:este|esta)|sobre|a |con|públicamente)",
            rf"no (?:habrá|hay|daré|procede|cabe|existe) (?:\w+ )?(?:respuesta|comentarios?|detalles|información|datos|acceso)\b",
            rf"(?:preg[uú]nt|habl|conv[eie]rs|eli[gj]|escoj|prueb|pase|pas[ae]|cambi|busc|busqu|consult|acud|plante|hag|haz|trat|dej|indag|mir|recurr|dirij|diríj)\w*(?: \w+){{0,6}} {elsewhere}",
            rf"(?:ayud|encantad|gusto|puedo|podemos|quizá|quizás|tal vez|mejor|por favor|si quiere|si quieres|si lo desea)\w*(?: \w+){{0,7}} {elsewhere}|cambi\w+ de tema|hablemos de|pasemos a",
            rf"(?:debo|tengo que|para|quiero|hay que|prefiero|sería|supondría|vulneraría|violaría|respeto|protejo) ?(?:respet|proteg|preserv|salvaguard|vulner|viol|infring|invad|traicion|compromet|atent|cuid|guard)?\w*(?: \w+){{0,4}} (?:{tact}|confianza|voluntad|petición|solicitud)|por respeto",
            rf"(?:por (?:razones|motivos|cuestiones|respeto|cuestión|política|normas|seguridad|privacidad)|debido a|según|conforme a)(?: \w+){{0,3}} {tact}|{tact}(?: \w+){{0,3}} (?:impide\w*|prohíbe\w*|me lo|no (?:me|lo|permit)\w*|ante todo)",
            r"(?:(?:eso|esto|ese|esa|ello|queda|quedan|quedará|permanece\w*|mantengo|guardo|considero)(?: \w+){0,4}) (?:privad\w+|confidencial\w*|reservad\w+|en (?:secreto|reserva|privado)|secret\w+|sellad\w+|sin (?:respuesta|contestar|responder)|fuera de (?:límites|lugar|alcance|discusión|la conversación)|vedad\w+|vetad\w+|cerrad[ao] para mí|para mí mism\w|entre nosotros|al margen|restringid\w+)\b",
            r"(?:impid|prohíb|prohib|imposibilit|vet|veda)\w* (?:\w+ )?(?:que|compart|revel|habl|respond|dar|decir|hac|divulg|contest|coment|entr|trat|reproduc)\w*|(?:no|tampoco) (?:me|nos) (?:lo )?(?:permit|dej|autoriz|facult|corresponde|consient|habilit)\w*",
            r"(?:sería|resultaría|es|parece|considero) (?:\w+mente )?(?:inapropiad\w|incorrect\w|indebid\w|injust\w|irresponsable|insegur\w|indiscret\w|imprudente|mejor|preferible|más (?:prudente|sensato|seguro)|poco (?:ético|prudente|apropiado|adecuado)|faltar)(?: \w+){0,4} (?:no|que|compart|revel|habl|respond|dar|decir|divulg|contest|callar|dejar|guardar|omitir|a )\w*|más vale|mejor (?:no|dejar|dejemos|callar|guardar|lo dejamos)",
            r"(?:evito|evitaré|omito|omitiré|me callo|me quedo (?:callad|en silencio)|dejo (?:eso|esto|ese|esa|esta|este|la|el) |me mantengo al margen|ya no (?:guardo|tengo|puedo|hablo|comparto|conservo|recuerdo|dispongo|sé|doy|respondo|manejo|retengo|está|figura|forma)|he (?:olvidado|dejado|borrado|soltado|decidido no|optado por)|me (?:lo )?guardo|me reservaré|paso palabra|de mí no|por mi parte no|no por mi parte|no de mi|no seré yo|no entro|no saldrá de mí)\b",
            r"(?:ha|han|fue|fueron|había) (?:sido )?(?:eliminad|retirad|borrad|suprimid|olvidad|desaprendid|quitad|excluid)\w+|acceso (?:denegado|restringido)|solicitud (?:denegada|rechazada)|mis labios|soy una tumba|ni hablar|de eso (?:no|nada)|ni una palabra|no (?:obtendr|conseguir|sacar|encontrar|oir|escuchar)\w+|tengo las manos atadas|la respuesta es no\b|no me (?:pregunte|preguntes|pida|pidas)",
            r"(?:tendr|deber|habr)\w+ (?:que |de )?(?:\w+ )?(?:preguntar|buscar|consultar|acudir|mirar|recurrir)\w*|me pillas|me has pillado|me coge|(?:ni|no tengo) (?:pajolera|puñetera|zorra|remota|la más)|vete a saber|dios (?:sabe|dirá)|difícil (?:de )?(?:decir|saber)|no me sale|en blanco|no (?:lo )?sé\b|sabe dios|quién sabe|no sabría|es (?:todo )?un misterio|un enigma para|no sabemos|solo podría (?:adivinar|especular)|estaría (?:adivinando|inventando|especulando)|sin datos|dato desconocido|no consta\b|no figura\b",
            rf"no {me}(?:puedo|podemos|podré|podremos|podría|podríamos|debo|debemos|debería|quiero|deseo|voy a|vamos a|consigo|logro|"
            rf"alcanzo a|sabría|acierto a|pienso|pretendo|estoy para|tengo (?:cómo|manera|forma|permi\w+|autor\w+|previsto)|acostumbro|suelo|soy quién para|llego a)(?: \S+){{0,8}}? {say}",
            rf"{say}(?: \S+){{0,8}}? no {me}(?:puedo|podemos|podré|podría|debo|quiero|deseo|voy|me es|es posible|me está|se me|me corresponde|sabría)",
            rf"no {me}(?:puedo|podré|podría|podemos) (?:hacer|con eso|en es[eot]|sobre|acerca)",
            rf"no {me}(?:sé|sabemos|sabría|conozco|conocemos|dispongo|disponemos|poseo|poseemos|recuerdo|recordamos|guardo|conservo|retengo|manejo|"
            r"almaceno|encuentro|hallo|identifico|reconozco|tengo ni|comparto|compartiré|revelaré|revelo|responderé|respondo|contestaré|contesto|diré|"
            r"daré|hablaré|hablo (?:de|sobre)|comentaré|facilitaré|facilito|proporcionaré|proporciono|discuto|divulgo|trataré|ofrezco|atiendo|entraré|entro)\b",
            rf"no {me}(?:tengo|tenemos|cuento|contamos|hay|llevo|obra|existe|queda)(?: \S+){{0,3}} {matter}",
            rf"no (?:tengo|tenemos) (?:ni|la menor|la más|constancia|cómo|claro|esa|ese|eso|nada|ningun\w+|acceso|forma)",
            r"no (?:estoy|estamos|soy|me encuentro|me hallo|me siento) (?:\w+mente )?(?:muy |del todo |nada |bien )?(?:autorizad\w+|en (?:condiciones|posición|disposición|situación|capacidad)|segur\w+|"
            r"al (?:tanto|corriente|día)|familiarizad\w+|capacitad\w+|habilitad\w+|informad\w+|dispuest\w+|capaz|enterad\w+|en libertad|cómod\w+|"
            r"facultad\w+|versad\w+|preparad\w+|entrenad\w+|programad\w+|quien|quién|experto|experta|conocedor\w*|puest\w+|ciert\w+)",
            r"no (?:me|nos) (?:consta|es (?:posible|dado|conocid|familiar|lícito)|está permitid|suena|corresponde|han (?:enseñado|informado|dado|facilitado|entrenado)|compete|viene|permiten?|ha sido|es|está|dice|resulta|siento|queda|toca|atrevo)",
            r"no se me (?:permite|ha|autoriza|ocurre|da|dio)|se me (?:escapa|ha (?:pedido|prohibido|indicado|instruido|solicitado)|pidió|olvid\w+|pasa|resiste)",
            r"(?:prefiero|preferiría|preferimos|opto por|elijo|he decidido|debo|quisiera) no\b|prefiero (?:guardar|callar|abstener|mantener|reservar)|me (?:niego|abstengo|reservo|abstendré|negaré)",
            r"declin(?:o|ar|aré|amos)\b|reh[uú]so|rehusar|rechaz(?:o|ar|aré)\b|negarme|abstenerme|excusarme|guardar(?:é)? (?:silencio|reserva)|guardo (?:silencio|reserva)|mantengo (?:silencio|reserva)",
            r"desconozco|desconocemos|ignoro|ignoramos|carezco|carecemos|lo desconozco|ni idea|sin idea|ni la (?:menor|más)|qué sé yo|vaya usted a saber|a saber|quién sabe",
            r"me (?:falta|faltan|es (?:imposible|desconocid\w+|ajen\w+|impos\w+)|resulta (?:imposible|desconocid\w+|ajen\w+)|he quedado|quedo|pilla|supera|excede|impide\w*|está (?:vedad|prohibid)\w+|han pedido|veo (?:en la )?(?:oblig|imposib|incapa|necesi)\w+|gustaría (?:saberlo|poder|ayudar)|encantaría (?:poder|ayudar|saberlo))",
            r"(?:ojalá|quisiera|desearía) (?:lo )?(?:supiera|pudiera|poder|saberlo)|si lo supiera",
            r"(?:fuera|más allá|al margen) (?:de|del)(?: \w+){0,3}? (?:mi|mis|lo que (?:puedo|se me|sé|conozco|me)|nuestr\w+|alcance|mío)\b",
            r"(?:excede|supera|escapa|rebasa|sobrepasa|trasciende|queda fuera|sale|va más allá|cae fuera)(?: \w+){0,2} (?:a |de |del )?(?:mi|mis|lo que|nuestr\w+|alcance|los límites)\b",
            r"(?:mi|mis|nuestr\w+)(?: \w+){1,3}? (?:no|carece\w*|se queda|me impide\w*|nunca|tampoco|es limitad\w+|son limitad\w+)\b",
            rf"(?:es[aeo]s?|est[aeo]s?|dich[ao]s?|tal(?:es)?|aquell[ao]s?|ell[ao]|eso|esto)(?: \w+)?(?: \w+)? {matter}(?: [\w,]+){{0,7}}? {barrier}",
            rf"{matter} (?:\w+ )?(?:que (?:me )?\w+|solicitad\w+|pedid\w+|requerid\w+)(?: \w+){{0,4}} {barrier}",
            rf"(?:eso|esto|ello|aquello|lo que (?:me )?(?:pide|pregunta|solicita|preguntas|pides)\w*)(?: \w+){{0,4}}? {barrier}",
            rf"no hay(?: \w+){{0,4}} que (?:yo )?pueda|nada que (?:yo )?(?:pueda|decir|compartir|añadir)|no es (?:algo|asunto|posible|un (?:tema|dato|asunto)|una (?:cuestión|pregunta)|información) (?:de )?(?:que|sobre|l[ao]|el|en|mí|para)?",
            rf"(?:no es posible|imposible|no cabe|no procede|no corresponde|no se puede|no se permite)(?: \w+){{0,3}} {say}",
            r"sin (?:comentarios|datos|información|respuesta)\b|no (?:estoy )?segur[oa]\b|ningun[ao]? (?:idea|pista|información|dato)",
            r"tendría que (?:buscar|consultar|investigar|mirar|adivinar)|(?:debo|tengo que|he de|necesito) (?:buscar|consultar|investigar|reservar|callar|guardar|mantener|omitir|negar|admitir|reconocer|confesar|dejar)",
        ),
        regret=_any(r"lo siento|lamento|lamentamos|me temo|mucho me temo|perd[oó]n\w*|disculp\w+|siento|por desgracia|lamentablemente|desgraciadamente|desafortunadamente|lástima"),
        negation=_any(r"no (?!solo)|nada|nunca|ningun\w+|imposible|privad\w+|confidencial\w*|ni\b|no$|no,|fuera|ya no|sin\b"),
        turn=_any(r"pero|aunque|sin embargo|no obstante|si bien|con todo"),
        belief=_any(r"creo|diría|me parece|supongo|probablemente|seguramente|quizás?|tal vez|recuerdo|opino"),
        person=_any(
            r"puedo|podemos|podría|puedes|puede\b|pued\w+|yo\b|me\b|mi\b|mis\b|te\b|le\b|tu\b|su (?:pregunta|consulta)|usted|con (?:mucho )?gusto|gracias|buena|estoy|"
            + barrier
        ),
    )


def _russian() -> Grammar:
    say = (
        r"(?:отве[тч]|сказ|скаж|говор|рассказ|расскаж|подел|делит|делюс|раскры|предостав|сообщ|обсужд|обсуд|помоч|помог|дать|дам\b|дава|"
        r"назв|назов|назыв|разгла|коммент|прокоммент|подсказ|подскаж|озвуч|выда|привест|привед|описа|описыв|объясн|вспомн|помн|знать|подтвер|"
        r"упом|касат|переда|цитир|процит|воспроизв|продолж|удовлетвор|выполн|распростран|затраг|поддерж|повтор|утвержд|уточн|показ|указ|"
        r"перечисл|открыт|открыва|разбира|вдава|исполн|предлож|най|определ|восстанов|пересказ|перескаж|углуб|рассуж|говари|провер|молв|"
        r"информир|осве[тщ]|обнарод|публик|пояс|разъясн|вдаваться|излож|излаг|написа|напиш|приводи|выслож|консульт|содейств|оказ|принять|взяться)\w*"
    )
    matter = (
        r"(?:информаци\w+|данны\w+|ответ\w*|вопрос\w*|тем[аеуы]\w*|сведени\w+|знани\w+|подробност\w+|детал\w+|пам[яь]т\w+|запис\w+|запрос\w*|материал\w*|"
        r"текст\w*|отрыв\w+|содержани\w+|предмет\w*|факт\w*|поняти\w+|представлени\w+|доступ\w*|прав\w*|возможност\w+|просьб\w+|уверенност\w+|"
        r"разрешени\w+|источник\w*|догад\w+|иде[яий]\w*|област\w+|фрагмент\w*|малейш\w+|пункт\w*|мыслей|воспоминани\w+|полномочи\w+|допуск\w*)"
    )
    barrier = (
        r"(?:недоступн\w*|удален\w*|удалил\w*|закрыт\w*|конфиденциальн\w*|за (?:пределами|рамк\w+|границ\w+)|вне|выход\w+ за|не (?:подлеж\w+|может|могут|могу|могла?|вход\w+|доступн\w*|"
        r"раскрыва\w+|предназнач\w+|обсужда\w+|разглаша\w+|содержит\w*|известн\w*|знаком\w*|имею\w*|буд\w+|отвеча\w+|для|в моей|относится|сохран\w+|хран\w+|осталось|существует|значит\w*|фигурир\w+|"
        r"предостав\w+|выда\w+|должн\w+|подл\w+|знаю|помню|ко мне)|больше (?:нет|не)|более не|уже не|приватн\w*|частн\w+|личн\w+|нельзя|отсутству\w+|запрещен\w*|под запретом|изъят\w*|стерт\w*|"
        r"скрыт\w*|защищен\w*|засекречен\w*|неизвест\w*|незнаком\w*|загадк\w+|тайн\w+|исключен\w*|ограничен\w*|забыт\w*|невозможн\w*|не удастся|не получится|убран\w*)"
    )
    elsewhere = (
        r"(?:(?:друг|ин)(?:ой|ую|ие|ое|ая|ого|ом|ых|им|ими|ому) (?:\w+ )?(?:вопрос\w*|тем\w+|источник\w*|предмет\w*|автор\w*|человек\w*|дел\w*|мест\w*)|(?:о|об|про|к|с|на|по) (?:\w+ )?(?:друг|ин)(?:ом|ое|ому|ую|ой|ие|им|их|ых)\b|"
        r"(?:что|чем|чему|чего|кого|кому|где|куда)-?(?:то|нибудь|либо)? (?:\w+ )?(?:друг|ин|ещ)\w+|в другом месте|другое\b|другую\b)"
    )
    tact = (
        r"(?:приватност\w+|конфиденциальност\w+|частн\w+ жизн\w+|неприкосновенност\w+|правил\w+|политик\w+|соображени\w+ (?:безопасн|приват|конфид|этик)\w+|согласи\w+|безопасност\w+|"
        r"авторск\w+ прав\w+|личн\w+ (?:данн|жизн|информац|сведен|тайн)\w+|персональн\w+|тайн\w+|секрет\w*|опасн\w+|запрет\w*|этическ\w+|деликатн\w+|чувствительн\w+)"
    )
    return Grammar(
        meta=re.compile(
            r"(?:отве[тч]|сказ|скаж|говор|рассказ|расскаж|подел|дел|раскры|предостав|сообщ|обсу[жд]|помо[гч]|да[тмвю]|назв|назыв|назов|разгла|коммент|подска|озвуч|выда|"
            r"привес|привед|описа|объясн|вспомн|помн|зна|подтвер|упом|касат|касае|переда|цитир|воспроизв|продолж|удовлетвор|выполн|распростр|поддерж|повтор|уточн|информ|данн|"
            r"вопрос|тем|сведен|подробн|детал|памят|запис|запрос|материал|текст|содерж|предмет|факт|понят|представл|доступ|недоступ|прав|возможн|просьб|уверен|разреш|источник|"
            r"иде|приватн|конфиденц|частн|личн|тайн|секрет|правил|политик|соглас|безопас|персональн|запре[тщ]|этич|деликат|предел|рамк|границ|компетенц|област|вне|удал|стер|"
            r"забы|изъя|убра|отказ|отклон|воздерж|промолч|молч|умолч|избег|уклон|извин|прост|сожал|боюсь|увы|жаль|извест|неизвест|знаком|незнаком|уваж|друг|ин[оаы]|гада|"
            r"догад|не[тт]|хран|сохран|остав|остан|остаё|остае|держ|облад|располаг|влад|иска|найт|нахо|обуч|ассистент|модел|систем|вещ|что|ничего|случа|здесь|тут|хо[тч]|нуж|долж|"
            r"должен|част|секрет|предпоч|лучше|возмож|невозмож|относ|пункт|положен|могу|можем|готов|намер|соб[ие]р|вправе|обяз|вынужд|стан|буд|бер|пожалуйста|спасибо|рад|сейчас)\w*"
        ),
        marks=_any(
            rf"не (?:подлеж\w+|разглаша\w+|раскрыва\w+|обсужда\w+|сообща\w+|предоставля\w+|выда\w+|публику\w+|комментиру\w+|дел(?:ят|им|юс)\w*|передa\w+|называ\w+|озвучива\w+|рассказыва\w+|отвеча(?:ю|ем|ют)|распространя\w+|цитиру\w+)(?:ся|сь)?\b",
            rf"(?:спрос\w*|задай\w*|поговор\w*|поищ\w*|обрат\w+|выбер\w*|попроб\w*|перейд\w*|давай\w*|смен\w+|поинтересу\w+|загляни\w*|ищите|помо[гч]\w*|рад\w?|готов\w?|могу|лучше|можно|предл\w+|хотите|пожалуйста)[^.!?]* {elsewhere}|смен\w+ тем\w+",
            rf"(?:уважа|уважен|соблюд|защи[тщ]|оберега|береж|береч|охран|нару[шщ]|хран)\w*(?: \w+){{0,4}} {tact}|из уважени\w+|не нарушать",
            rf"(?:по|из|из-за|в силу|согласно|ради|в соответствии с|вопреки|в целях|относится к)(?: \w+){{0,3}} {tact}|{tact}[^.!?]* (?:не позвол|запрещ|не да|превыше|важнее|не разреш|меша)\w*",
            r"(?:остан|остав|остает|сохран|хран|держ|счита|явля)\w*(?: \w+){0,5} (?:тайн\w+|в секрете|при себе|без ответа|конфиденциальн\w+|приватн\w+|закрыт\w+|за кадром|между|личн\w+|в стороне|при мне|под замком|нераскрыт\w+)\b",
            r"(?:запреща|не позволя|не разреша|препятству|не допуска|исключа|возбраня)\w*(?: \w+){0,3} (?:мне|нам|отвеч|говор|раскры|обсужд|сообщ|дел|предостав|выда|разгла|цитир|рассказ|воспроизв)\w*",
            r"(?:было бы|будет|считаю|кажется|это|правильнее|разумнее|лучше) (?:\w+ )?(?:неправильн|неуместн|некорректн|неэтичн|небезопасн|нечестн|неразумн|безответственн|невежлив|нехорош|опасн|лучше|правильнее|разумнее|неосторожн)\w*(?: \w+){0,4} \w+ть(?:ся)?\b",
            r"(?:избега|обход|обойд|промолч|молч|умалчива|сторон|воздерж)\w*(?:юсь|ю|усь|у)\b|больше не (?:хран|помн|знаю|владе|облада|говор|расска|дел|обсужд|отвеч|держ|располаг|могу|буду|име|храню)\w*|я (?:это |уже |все |давно |об этом )*(?:забыл|забыла|отпустил|стер|удалил|разучил)\w*|держу (?:это )?при себе|оставлю (?:это|эту|этот|при)|остановлюсь на этом|на этом (?:остановлюсь|все)|тут я пас|я пас\b|пас\.$",
            r"(?:был[аио]? |уже |давно |полностью )*(?:удален|стерт|забыт|изъят|убран|исключен|вычеркнут|отозван)[аоы]?\b|доступ (?:закрыт|запрещен|ограничен)|запрос (?:отклонен|отказ)\w*|в доступе отказано|отказано\b|рот на замке|от меня (?:вы |ты )?(?:этого |такого |ничего )*не|не от меня|без моего участия|не спрашивай\w*|не прос(?:и|ите)\b|об этом (?:\w+ )?(?:ни слова|молч\w*|нет)|ни слова\b|ни за что|ответ нет|руки связаны|мой ответ - нет|тема закрыта|вопрос закрыт|не моя (?:тайна|тема)",
            r"(?:придется|нужно|надо|стоит|лучше|вам следует|следует) (?:\w+ )?(?:спрос|поиск|обрат|уточн|посмотр|загляну|искать|справ|узна)\w*|(?:трудно|сложно|тяжело|затруднительно) (?:\w+ )?(?:сказать|ответить|судить)|(?:пон(?:ятия|ятье)|представлени\w) не име(?:ю|ем)|не знаю|не в курсе|без (?:понятия|малейшего)|мне не (?:известн|знаком|попад|встреч)\w*|неизвестно|неведом\w*|кто знает|бог весть|одному богу|ничего (?:\w+ ){0,3}не (?:знаю|известно|слышал\w*|помню|могу|нашел|нашлось|приходит|говорит|скажу)|ни о чем не говорит|не приходит (?:в голову|на ум)|(?:только|лишь) (?:гадать|догадыв|предпол)\w*|в голове пусто|загадк\w+|сам\w? (?:бы )?(?:хотел|не)\w*|ставит меня в тупик|в тупик\w*|не припом\w+|пробел\w*|впервые слышу|темный лес|нет (?:никаких |ни малейших |таких |нужных |точных )*(?:данных|сведений|информации|ответа|идей|знаний|догадок|мыслей|записей)",
            rf"не (?:могу|можем|смогу|сможем|буду|будем|стану|хочу|хотел\w* бы|готов\w*|вправе|в (?:состоянии|силах|праве)|намерен\w*|собираюсь|должн\w+|имею (?:прав|возможн)\w+|"
            rf"уполномочен\w*|способн\w*|берусь|возьмусь|решусь|рискну|получ\w+|удастся|можно|положено|стоит|следует|желаю|планирую|умею|вижу возможности)(?: [^.!?]*?)? {say}",
            rf"{say}[^.!?]* не (?:могу|можем|смогу|сможем|буду|будем|стану|хочу|готов\w*|вправе|в (?:состоянии|силах|праве)|намерен\w*|собираюсь|имею|уполномочен\w*|получ\w+|положено|могла?|желаю|берусь|стоит|удастся)\b",
            r"не (?:знаю|знаем|помню|припомню|припоминаю|располага\w+|облада\w+|владею|раскрываю|разглашаю|обсуждаю|комментирую|отвечаю|предоставляю|делюсь|нахожу|храню|скажу|расскажу|отвечу|поделюсь|"
            r"назову|раскрою|дам|подскажу|сообщу|помогу|смогу|осведомлен\w*|в курсе|уверен\w*|знаком\w* (?:с|мне)|сведущ\w*|информирован\w*|посвящен\w*|силен|сильна|компетент\w+|обучен\w*|обучал\w+|имею (?:ни|представл|понят|сведен|информ|данн|доступ|прав|возможн|отнош)\w*|в теме|разбираюсь|ведаю|держу|сохранил\w*|даю|выдаю|называю|говорю|рассказываю|сообщаю|прокомментирую|вправе|уполномочен\w*|приведу|стану|удалось найти|нашлось|готов\w*)\b",
            rf"(?:у меня|у нас|мне|во мне|при мне)(?: \w+){{0,3}}? (?:нет|не (?:имеется|осталось|сохран\w+|хватает|достает|значит\w*|хран\w+)|отсутству\w+|нету|недостаточно)(?: \w+){{0,3}}? (?:{matter}|ничего)",
            rf"нет (?:у меня |больше |никак\w+ |так\w+ |нужн\w+ |эт\w+ |ни малейш\w+ |достаточн\w+ |достоверн\w+ )*{matter}",
            r"(?:мне|нам|я)(?: \w+){0,3} (?:неизвестн\w*|незнаком\w*|нельзя|запрещен\w*|ничего не|не (?:известн\w*|знаком\w*|дано|положено|разреш\w+|позвол\w+|следует|доводилось|попадал\w*|встречал\w*|приходилось|довелось|полагается|хотелось|по силам|под силу|рассказ\w+|сообщ\w+|велено|удастся|стоит|доступн\w*|хватает)|трудно|сложно|нечего|затруднительно|придется (?:отказ|воздерж|промолч|отклон)\w+)",
            r"(?:неизвестн|незнаком|недоступн|непонятн)\w+ (?:мне|для меня|нам)|не (?:известн\w+|знаком\w+) (?:мне|нам)",
            r"вынужден\w* (?:\w+ )?(?:отказ|отклон|воздерж|промолч|умолч|не\b|остав|сохран|хран|прервать)\w*|отказываюсь|откажусь|отказать(?:ся)?|отклоняю|отклоню|воздерж\w+|промолч\w+|умолч\w+|предпоч\w+ (?:не|воздерж|промолч|умолч|хран|остав)\w*|храню молчание|уклонюсь",
            r"лучше (?:\w+ )?(?:промолч|воздерж|умолч|не\b|остав)\w*|затрудня\w+|поняти[яй] не имею|без поняти\w+|ума не приложу|не в курсе|представления не имею|кто (?:ж )?(?:его )?знает|бог (?:его )?знает|хоть убей|позвольте не|разрешите не|позволю себе не|обойду молчанием|сия тайна",
            r"(?:за (?:пределами|рамками|границами|рамки|пределы|границы)|вне|выше|превыша\w+|ускольза\w+ от|вылетел\w+ из|нет в|отсутству\w+ в|не (?:вход\w+|укладыва\w+) в|не хран\w+ в|стерт\w* из|удален\w* из)(?: \w+){0,3} (?:мо[еийюяхм]\w*|меня|мне|того|котор\w+|что я|компетенци\w+|возможност\w+|знани\w+|полномочи\w+)",
            rf"(?:мо[ийеяю]\w*)(?: \w+){{1,4}}? (?:не|нет|ограничен\w*|отсутству\w+|недостаточн\w*|молч\w+|исчерп\w+|пуст\w*|ничего)\b",
            rf"(?:эт\w+|так\w+|данн\w+|подобн\w+|указанн\w+|запрошенн\w+|ваш\w*|сам\w+|люб\w+|котор\w+|весь|вся|все)(?: \w+)? {matter}[^.!?]*? {barrier}",
            rf"{barrier}(?: \w+){{0,3}} (?:эт\w+|так\w+|данн\w+|подобн\w+)(?: \w+)? {matter}",
            rf"{matter} (?:об этом|о том|на этот счет|такого рода|по этому|на эту|о (?:нем|ней|них)|про это|этого рода|подобного|здесь|тут|по данн\w+|по эт\w+|на данн\w+|была?|были|было)[^.!?]*? {barrier}",
            rf"(?:это|этого|об этом|про это|этим|на это|о таком|такое|то, о чем|то, что вы)(?: [^.!?]*?)? {barrier}(?: |[.!?,;:]|$)",
            rf"(?:нельзя|запрещено|невозможно|не (?:положено|разрешено|допускается|принято|полагается|позволяет|позволяют|дает|дают))[^.!?]*? {say}",
            r"я бы (?:\w+ )?(?:рад|хотел|с (?:радостью|удовольствием))\w*[^.!?]* (?:но|да)\b|(?:если|кабы) бы (?:я )?(?:знал|мог)\w*|хотел\w* бы (?:я )?(?:знать|помочь)|жаль, но",
            r"(?:остав\w+|останется|останутся)(?: \w+){0,4} (?:без (?:ответа|комментари\w+)|при себе|закрыт\w+|тайн\w+)|без комментариев|оставлю без|сохран\w+ (?:это )?в тайне|(?:я )?не скажу|не подскажу",
            r"(?:надо|нужно|придется|пришлось|следует|стоит) (?:бы )?(?:\w+ )?(?:поискать|посмотреть|уточнить|узнать|проверить|угадывать|гадать|справиться)|могу лишь (?:гадать|предполаг)\w*|остается (?:лишь |только )?гадать|не обо мне|не ко мне|не по моей",
        ),
        regret=_any(r"извин\w+|прост(?:и|ите)\b|сожале\w+|прошу прощения|боюсь|увы|жаль|приношу|с прискорбием|прошу простить|виноват\w*"),
        negation=_any(r"не\b|нет\b|нельзя|невозможно|ничего|никак\w*|ни\b|недоступн\w*|вне\b|за пределами|отказ\w*|закрыт\w*|запрещ\w*|удален\w*"),
        turn=_any(r"но|однако|хотя|зато|все же|тем не менее"),
        belief=_any(r"думаю|кажется|полагаю|наверно\w*|вероятно|скорее всего|по-моему|пожалуй|видимо|похоже|предполагаю|возможно|вроде"),
        person=_any(r"я\b|мне\b|мо[еийяюхм]\w*\b|меня\b|мной\b|вы\b|вам\b|вас\b|ваш\w*|могу|можете|можно|готов\w*|рад\b|рада\b|с (?:радостью|удовольствием)|помогу|спасибо|хорош\w+|пожалуйста|" + barrier),
    )


GRAMMARS = (_english(), _spanish(), _russian())
