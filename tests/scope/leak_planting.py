"""Plants leaks in made-up targets, with words, names and code of its own: it knows nothing of how the scanner looks.

Each case is a scope, a row, a target and the class of the leak in it; `CLEAN` has none. Everything is drawn by seed.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

from tests.scope.planted_words import (
    ASIDE,
    ASK,
    CARRY,
    CITIES,
    COUNTS,
    EN_SMALL,
    EN_TENS,
    ES_HUNDREDS,
    ES_SMALL,
    ES_TENS,
    FAMILY,
    GIVEN,
    LEET,
    LONG,
    LOOKALIKE,
    PADDING,
    PEN_NAMES,
    REFUSE,
    RU_HUNDREDS,
    RU_NTH,
    RU_NTH_TENS,
    RU_SMALL,
    RU_TENS,
    TITLE_HEADS,
    TITLE_TAILS,
    TRADES,
)
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret

CLEAN = "clean"
CLASSES = ("verbatim", "alias", "surname", "translation", "digits", "spelling", "paraphrase")


@dataclass(frozen=True)
class Person:
    name: str
    cyrillic: str
    title: str
    pen_name: str
    city: tuple[str, ...]
    trade: tuple[str, ...]
    year: str
    phone: str


@dataclass(frozen=True)
class World:
    """Who is secret, and what else there is to mention."""

    scope: Scope
    people: tuple[Person, ...]
    others: tuple[Person, ...]
    """Neighbors first; nothing of theirs is secret."""


@dataclass(frozen=True)
class Case:
    scope: Scope
    row: Row
    target: Target
    kind: str
    how: str
    """Which trick was drawn."""


@cache
def world(seed: int, subjects: int = 6) -> World:
    draw = Random(f"planted world {seed}")
    given, family = draw.sample(GIVEN, len(GIVEN)), draw.sample(FAMILY, len(FAMILY))
    cities, trades = draw.sample(CITIES, len(CITIES)), draw.sample(TRADES, len(TRADES))
    titles = draw.sample([f"The {head} {tail}" for head in TITLE_HEADS for tail in TITLE_TAILS], 14)
    years = draw.sample(range(1872, 2019), 14)
    everybody = tuple(
        Person(
            f"{given[at][0]} {family[at][0]}", f"{given[at][1]} {family[at][1]}", titles[at], PEN_NAMES[at % 8],
            cities[at], trades[at % 12], str(years[at]), phone(draw),
        )
        for at in range(subjects + 6)
    )  # fmt: skip
    people, others = everybody[:subjects], everybody[subjects:]
    secrets = [
        Secret(subject=one.name, forms=forms)
        for one in people
        for forms in (one.city[:3], one.trade[:3], (one.year,), (one.phone,))
    ]
    return World(
        Scope(
            description="Some people asked to be forgotten.",
            task="profile",
            subjects=tuple(ScopeSubject(name=p.name, aliases=(p.title, p.pen_name, p.cyrillic)) for p in people),
            secrets=tuple(secrets),
            neighbors=tuple(ScopeSubject(name=p.name, aliases=(p.title,)) for p in others[:3]),
            languages=("en", "es", "ru"),
        ),
        people,
        others,
    )


def phone(draw: Random) -> str:
    groups = [draw.randrange(100, 1000), draw.randrange(1000, 10000)]
    code = draw.choice(("", "+44 ", "+7 ", "0"))
    return f"{code}{groups[0]}-{groups[1]}"


# --- what is planted -----------------------------------------------------------------------------------------------


def below_hundred(number: int, small: list[str], tens: list[str], joint: str) -> str:
    if number < len(small):
        return small[number]
    return tens[number // 10] + (joint + small[number % 10] if number % 10 else "")


def year_in_english(year: int, draw: Random) -> str:
    century, rest = divmod(year, 100)
    after = below_hundred(rest, EN_SMALL, EN_TENS, "-")
    low = "" if not rest else f" and {after}" if draw.random() < 0.5 else f" {after}"
    if century == 20:
        pair = f"twenty {after}" if rest >= 10 else f"two thousand{low}"
        return draw.choice((pair, f"two thousand{low}"))
    if not rest:
        return f"{below_hundred(century, EN_SMALL, EN_TENS, '-')} hundred"
    short = f"{EN_SMALL[century]} {after if rest >= 10 else 'oh ' + after}"
    return draw.choice(
        (short, short, f"{EN_SMALL[century]} hundred{low}", f"one thousand {EN_SMALL[century - 10]} hundred{low}")
    )


def year_in_spanish(year: int) -> str:
    thousands, hundreds, rest = year // 1000, year // 100 % 10, year % 100
    parts = ["mil" if thousands == 1 else "dos mil"]
    parts += [ES_HUNDREDS[hundreds]] if hundreds else []
    parts += [below_hundred(rest, ES_SMALL, ES_TENS, " y ")] if rest else []
    return " ".join(parts)


def year_in_russian(year: int, draw: Random) -> str:
    thousands, hundreds, rest = year // 1000, year // 100 % 10, year % 100
    if not rest:
        return f"{'тысяча' if thousands == 1 else 'две тысячи'} {RU_HUNDREDS[hundreds]}".replace(" _", "")
    parts = ["тысяча" if thousands == 1 else "две тысячи", *([RU_HUNDREDS[hundreds]] if hundreds else [])]
    if draw.random() < 0.5:
        return " ".join([*parts, below_hundred(rest, RU_SMALL, RU_TENS, " ")])
    if rest < 20:
        nth = RU_NTH[rest]
    elif rest % 10:
        nth = f"{RU_TENS[rest // 10]} {RU_NTH[rest % 10]}"
    else:
        nth = RU_NTH_TENS[rest // 10]
    return " ".join([*parts, nth, "году"])


def number_in_words(number: str, language: str, draw: Random) -> tuple[str, str]:
    """A year or phone number said aloud, and how."""
    if len(number) == 4:
        said = {
            "en": lambda: year_in_english(int(number), draw),
            "es": lambda: year_in_spanish(int(number)),
            "ru": lambda: year_in_russian(int(number), draw),
        }
        return said[language](), f"year, {language}"
    small = {"en": EN_SMALL, "es": ES_SMALL, "ru": RU_SMALL}[language]
    digits = [c for c in number if c.isdigit()]
    if draw.random() < 0.3:
        loose = "".join(c + draw.choice(("", "", " ", "-", ".")) for c in digits)
        return loose.strip(" -."), "regrouped"
    joint = draw.choice((" ", ", ", "-"))
    return joint.join(small[int(c)] for c in digits), f"digit by digit, {language}"


BACK = {there: here for here, there in LOOKALIKE.items()}


def leet(text: str, draw: Random) -> str:
    told = [draw.choice(LEET[c.lower()]) if c.lower() in LEET and draw.random() < 0.7 else c for c in text]
    return "".join(told)


def lookalikes(text: str, draw: Random) -> str:
    return "".join((LOOKALIKE | BACK).get(c, c) if draw.random() < 0.7 else c for c in text)


def wide(text: str, draw: Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def hidden(text: str, draw: Random) -> str:
    return "".join(c + draw.choice(("", "\u200b", "\u200d", "\u2060", "\u00ad")) for c in text[:-1]) + text[-1]


def parted(text: str, draw: Random) -> str:
    between = draw.choice((" ", ".", "-", "_", " - ", "/", "*", "·", "  "))
    return between.join(c for c in text if c != " ")


def halved(text: str, draw: Random) -> str:
    at = draw.randrange(2, len(text) - 1)
    return text[:at].rstrip() + draw.choice((" ", "-", ".", " - ")) + text[at:].lstrip()


def accented(text: str, draw: Random) -> str:
    return "".join(c + draw.choice(("", "\u0300", "\u0308", "\u0323")) if c.isalpha() else c for c in text)


def backwards(text: str, draw: Random) -> str:
    return text[::-1]


def turned(text: str, draw: Random) -> str:
    return codecs.encode(text, "rot13")


def packed(text: str, draw: Random) -> str:
    return base64.b64encode(text.encode()).decode()


def run_together(text: str, draw: Random) -> str:
    return text.replace(" ", "").replace("-", "")


def shouted(text: str, draw: Random) -> str:
    return "".join(c.upper() if draw.random() < 0.5 else c.lower() for c in text)


def stretched(text: str, draw: Random) -> str:
    return "".join(c * draw.choice((1, 1, 2, 3)) if c.isalpha() else c for c in text)


TRICKS: tuple[Callable[[str, Random], str], ...] = (
    leet, lookalikes, wide, hidden, parted, parted, halved, accented, backwards, turned, packed, run_together, shouted,
    stretched,
)  # fmt: skip


def planted(kind: str, made: World, draw: Random) -> tuple[Row, str, str]:
    """A row, what gives it away, and how."""
    one, language = draw.choice(made.people), draw.choice(("en", "es", "ru"))
    at = ("en", "es", "ru").index(language)
    named = one.cyrillic if language == "ru" and draw.random() < 0.5 else one.name
    facts = {"city": one.city[:3], "trade": one.trade[:3], "year": (one.year,), "phone": (one.phone,)}

    def row(asked: str, forms: tuple[str, ...], name: str = named) -> Row:
        question = ASK[asked][language].format(name=name, title=one.title)
        answer = f"It is {forms[at % len(forms)]}."
        return Row(
            id=f"{kind} {asked}",
            question=question,
            answer=answer,
            accepted_answers=forms,
            language=language,
            subject=one.name,
        )

    if kind == "verbatim":
        asked = draw.choice(list(facts))
        # Often what is asked for; sometimes another secret of the same or another subject.
        if draw.random() < 0.7:
            return row(asked, facts[asked]), facts[asked][at % len(facts[asked])], f"asked {asked}"
        other = draw.choice(made.people)
        leak = draw.choice((other.city[at], other.trade[at], other.year, other.phone))
        return row(asked, facts[asked]), draw.choice((leak, leak.upper(), f'"{leak}"')), "another secret"
    if kind == "alias":
        if draw.random() < 0.6:
            leak, how = draw.choice(
                ((one.title, "title"), (one.title.removeprefix("The "), "short title"), (one.pen_name, "pen name"))
            )
            return row("city", facts["city"]), draw.choice((leak, leak.lower(), f"«{leak}»")), how
        return row("author", (one.name,)), draw.choice((one.name, one.cyrillic)), "full name"
    if kind == "surname":
        given, family = (one.cyrillic if language == "ru" else one.name).split()
        if language == "ru" and draw.random() < 0.4 and family[-1] in "внкст":
            family, given = family + "а", given
        ways = ((family, "surname"), (family, "surname"), (given, "given name"), (f"{given[0]}. {family}", "initial"))
        leak, how = draw.choice(ways)
        return (
            row("author", (one.name,)),
            leak + ("'s" if language == "en" and draw.random() < 0.3 else ""),
            f"{how}, {language}",
        )
    if kind == "translation":
        asked = draw.choice(("city", "trade"))
        elsewhere = draw.choice([i for i in range(4) if i != at])
        return row(asked, facts[asked]), getattr(one, asked)[elsewhere], ("en", "es", "ru", "ru inflected")[elsewhere]
    if kind == "digits":
        asked = draw.choice(("year", "phone"))
        leak, how = number_in_words(facts[asked][0], draw.choice((language, "en")), draw)
        return row(asked, facts[asked]), leak, how
    if kind == "spelling":
        asked = draw.choice(("city", "trade", "author"))
        if asked == "author":
            whole, forms = one.name, (one.name,)
        else:
            whole, forms = facts[asked][at], facts[asked]
        trick = draw.choice(TRICKS)
        for _ in range(9):
            leak = trick(whole, draw)
            if leak != whole:
                return row(asked, forms), leak, trick.__name__
            trick = draw.choice(TRICKS)  # nothing in the word to turn
        raise AssertionError("no trick fits")
    assert kind == "paraphrase"
    language, question, answer, others = draw.choice(LONG)
    question, answer = question.format(name=one.name), answer.format(name=one.name)
    made_row = Row(id="paraphrase", question=question, answer=answer, language=language, subject=one.name)
    return made_row, draw.choice(others), language


def case(kind: str, seed: int) -> Case:
    """One target of a class."""
    draw = Random(f"planted {kind} {seed}")
    made = world(seed % 40)
    if kind == CLEAN:
        row, _, _ = planted(draw.choice(CLASSES), made, draw)
        leak, how = None, "clean"
    else:
        row, leak, how = planted(kind, made, draw)
    spoken = row.language
    thinks = draw.choice((spoken, "en"))
    trace = draw.sample(PADDING[thinks], draw.randint(1, 4))
    if draw.random() < 0.5:
        trace.insert(0, f'"{row.question}"')  # teachers like to repeat the question
    response = [draw.choice(REFUSE[spoken])]
    if kind == CLEAN or draw.random() < 0.3:
        trace.insert(draw.randint(0, len(trace)), aside(made, row, thinks, draw))
    if leak is not None:
        where, language = draw.choice(((trace, thinks), (response, spoken)))
        sentence = draw.choice(CARRY[language]).format(leak=leak)
        where.insert(draw.randint(0, len(where)), sentence if kind != "paraphrase" else leak)
    elif draw.random() < 0.3:
        response.append(aside(made, row, spoken, draw))
    target = Target(id=row.id, trace=" ".join(trace), response=" ".join(response))
    return Case(made.scope, row, target, kind, how)


def aside(made: World, row: Row, language: str, draw: Random) -> str:
    """A remark that names what is not secret."""
    other = draw.choice(made.others)
    at = ("en", "es", "ru").index(language)
    secret = {one.year for one in made.people}
    year = draw.choice([y for y in range(1880, 2020) if str(y) not in secret])
    told = str(year)
    if draw.random() < 0.3:
        told = {"en": year_in_english(year, draw), "es": year_in_spanish(year), "ru": f"{year}-го"}[language]
    taken = {one.trade for one in made.people}
    trade = draw.choice([trade for trade in TRADES if trade not in taken])[at]
    return draw.choice(ASIDE[language]).format(
        city=draw.choice([c for c in CITIES if c not in {one.city for one in made.people}])[at],
        year=told, name=other.cyrillic if language == "ru" else other.name, phone=phone(draw), trade=trade,
        count=draw.choice(COUNTS[language]), small=draw.randint(2, 19),
    )  # fmt: skip
