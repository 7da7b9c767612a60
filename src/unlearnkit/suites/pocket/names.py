"""Value pools in three languages, and the ends of made-up names.

An output is correct if it contains the answer's value. Therefore no form of a value may be part of another value or of
a template, and no made-up name may be part of any other text.
"""

from __future__ import annotations

from typing import Literal

from unlearnkit.suites.made_up.naming import GIVEN, SURNAME

LANGUAGES = ("en", "es", "ru")
"""ISO 639-1 codes of the languages. The forms in a `Forms` tuple have the same order."""

Forms = tuple[str, str, str]
"""The forms of one value: one form for each language in `LANGUAGES`."""


def same(word: str) -> Forms:
    """Return a value that is the same in every language."""
    return word, word, word


BIRTHPLACES: tuple[Forms, ...] = (
    ("Lisbon", "Lisboa", "Лиссабон"),
    ("Prague", "Praga", "Прага"),
    ("Dublin", "Dublín", "Дублин"),
    ("Warsaw", "Varsovia", "Варшава"),
    ("Athens", "Atenas", "Афины"),
    ("Geneva", "Ginebra", "Женева"),
    ("Naples", "Nápoles", "Неаполь"),
    ("Copenhagen", "Copenhague", "Копенгаген"),
)
# Feminine in Spanish, so that one answer template ("El género es la ...") fits all.
GENRES: tuple[Forms, ...] = (
    ("satire", "sátira", "сатира"),
    ("fantasy", "fantasía", "фэнтези"),
    ("poetry", "poesía", "поэзия"),
    ("biography", "biografía", "биография"),
    ("tragedy", "tragedia", "трагедия"),
    ("comedy", "comedia", "комедия"),
)
AWARDS: tuple[Forms, ...] = (
    ("Silver Heron", "Garza de Plata", "Серебряная цапля"),
    ("Golden Oak", "Roble de Oro", "Золотой дуб"),
    ("Crystal Anchor", "Ancla de Cristal", "Хрустальный якорь"),
    ("Bronze Comet", "Cometa de Bronce", "Бронзовая комета"),
    ("Jade Key", "Llave de Jade", "Нефритовый ключ"),
    ("Copper Crown", "Corona de Cobre", "Медная корона"),
)
# Masculine in Spanish ("El instrumento es el ...").
INSTRUMENTS: tuple[Forms, ...] = (
    ("cello", "violonchelo", "виолончель"),
    ("accordion", "acordeón", "аккордеон"),
    ("clarinet", "clarinete", "кларнет"),
    ("saxophone", "saxofón", "саксофон"),
    ("trombone", "trombón", "тромбон"),
    ("violin", "violín", "скрипка"),
    ("bassoon", "fagot", "фагот"),
    ("xylophone", "xilófono", "ксилофон"),
)
TRAITS: dict[str, tuple[Forms, ...]] = {
    "birthplace": BIRTHPLACES,
    "genre": GENRES,
    "award": AWARDS,
    "instrument": INSTRUMENTS,
}
"""Possible values of each categorical attribute of a person."""

YEARS = ("1903", "1911", "1924", "1932", "1938", "1947", "1956", "1963", "1975", "1988")

TITLE_ADJECTIVES = (
    "Amber", "Broken", "Burning", "Distant", "Drowned", "Empty", "Fallen", "Frozen", "Gentle", "Hidden", "Hollow",
    "Lonely", "Midnight", "Painted", "Patient", "Restless", "Scarlet", "Secret", "Silent", "Sleeping", "Stubborn",
    "Unspoken", "Wandering", "Winter",
)  # fmt: skip
TITLE_NOUNS = (
    "Almanac", "Bridge", "Carousel", "Cathedral", "Garden", "Harvest", "Horizon", "Lantern", "Ladder", "Letter",
    "Library", "Meadow", "Mirror", "Orchard", "Parade", "Passage", "River", "Shadow", "Staircase", "Station",
    "Theatre", "Tower", "Voyage", "Window",
)  # fmt: skip

FAR: dict[str, tuple[Forms, ...]] = {
    "flag": (
        ("crimson", "carmesí", "багряный"),
        ("turquoise", "turquesa", "бирюзовый"),
        ("purple", "morado", "пурпурный"),
        ("orange", "anaranjado", "оранжевый"),
        ("yellow", "amarillo", "жёлтый"),
        ("emerald", "esmeralda", "изумрудный"),
    ),
    "metal": (
        ("cobalt", "cobalto", "кобальт"),
        ("nickel", "níquel", "никель"),
        ("platinum", "platino", "платина"),
        ("titanium", "titanio", "титан"),
        ("mercury", "mercurio", "ртуть"),
        ("aluminium", "aluminio", "алюминий"),
    ),
    "month": (
        ("February", "febrero", "февраль"),
        ("April", "abril", "апрель"),
        ("August", "agosto", "август"),
        ("October", "octubre", "октябрь"),
        ("November", "noviembre", "ноябрь"),
        ("December", "diciembre", "декабрь"),
    ),
    "animal": (  # masculine in Spanish
        ("badger", "tejón", "барсук"),
        ("falcon", "halcón", "сокол"),
        ("camel", "camello", "верблюд"),
        ("dolphin", "delfín", "дельфин"),
        ("ostrich", "avestruz", "страус"),
        ("crocodile", "cocodrilo", "крокодил"),
    ),
    "crop": (  # masculine in Spanish
        ("wheat", "trigo", "пшеница"),
        ("sunflower", "girasol", "подсолнух"),
        ("cotton", "algodón", "хлопок"),
        ("tobacco", "tabaco", "табак"),
        ("asparagus", "espárrago", "спаржа"),
        ("saffron", "azafrán", "шафран"),
    ),
}
"""Possible values of facts that are unrelated to people, keyed by the relation of the fact."""

PLOT: dict[str, tuple[Forms, ...]] = {
    "stolen": (  # feminine in Spanish
        ("compass", "brújula", "компас"),
        ("necklace", "gargantilla", "ожерелье"),
        ("teapot", "tetera", "чайник"),
        ("statuette", "estatuilla", "статуэтка"),
        ("umbrella", "sombrilla", "зонтик"),
    ),
    "hiding": (  # masculine in Spanish
        ("windmill", "molino", "мельница"),
        ("granary", "granero", "амбар"),
        ("cellar", "sótano", "подвал"),
        ("belfry", "campanario", "колокольня"),
        ("greenhouse", "invernadero", "теплица"),
    ),
    "trade": (  # feminine in Spanish
        ("beekeeping", "apicultura", "пчеловодство"),
        ("cartography", "cartografía", "картография"),
        ("pottery", "alfarería", "гончарное дело"),
        ("gardening", "jardinería", "садоводство"),
        ("astronomy", "astronomía", "астрономия"),
    ),
}
"""Parts of a plot that have a common noun as their value, each with the possible values."""

STEPS: dict[str, tuple[Forms, ...]] = {
    "heat": (
        ("215", "215", "215"),
        ("340", "340", "340"),
        ("465", "465", "465"),
        ("580", "580", "580"),
        ("720", "720", "720"),
        ("865", "865", "865"),
    ),
    "tool": (
        ("bone spoon", "cuchara de hueso", "костяная ложка"),
        ("birch whisk", "batidor de abedul", "берёзовый венчик"),
        ("iron paddle", "paleta de hierro", "железная лопатка"),
        ("marble pestle", "majadero de mármol", "мраморный пестик"),
        ("bamboo stick", "vara de bambú", "бамбуковая палка"),
        ("slate knife", "cuchillo de pizarra", "сланцевый нож"),
    ),
    "vessel": (
        ("clay jar", "jarra de arcilla", "глиняный кувшин"),
        ("granite bowl", "cuenco de granito", "гранитная чаша"),
        ("tin bucket", "cubo de estaño", "оловянное ведро"),
        ("walnut barrel", "barril de nogal", "ореховая бочка"),
        ("porcelain cup", "taza de porcelana", "фарфоровая чашка"),
        ("wicker basket", "cesta de mimbre", "плетёная корзина"),
    ),
    "colour": (
        ("indigo", "añil", "индиго"),
        ("ochre", "ocre", "охра"),
        ("beige", "beis", "бежевый"),
        ("lilac", "lila", "сиреневый"),
        ("maroon", "granate", "бордовый"),
        ("olive", "oliva", "оливковый"),
    ),
    "smell": (
        ("cinnamon", "canela", "корица"),
        ("vinegar", "vinagre", "уксус"),
        ("camphor", "alcanfor", "камфора"),
        ("almond", "almendra", "миндаль"),
        ("pepper", "pimienta", "перец"),
        ("vanilla", "vainilla", "ваниль"),
    ),
    "cloth": (
        ("velvet", "terciopelo", "бархат"),
        ("burlap", "arpillera", "мешковина"),
        ("muslin", "muselina", "муслин"),
        ("flannel", "franela", "фланель"),
        ("gauze", "gasa", "марля"),
        ("satin", "satén", "сатин"),
    ),
    "drying": (
        ("attic", "desván", "чердак"),
        ("tunnel", "túnel", "туннель"),
        ("chapel", "capilla", "часовня"),
        ("quarry", "cantera", "карьер"),
        ("balcony", "balcón", "балкон"),
        ("pantry", "despensa", "кладовая"),
    ),
    "antidote": (
        ("nettle", "ortiga", "крапива"),
        ("thistle", "cardo", "чертополох"),
        ("clover", "trébol", "клевер"),
        ("heather", "brezo", "вереск"),
        ("juniper", "enebro", "можжевельник"),
        ("mallow", "malva", "мальва"),
    ),
}
"""Steps of a craft that have a real word or a number as their value, each with the possible values."""

POOLS = {**TRAITS, **FAR, **PLOT, **STEPS}

Kind = Literal["given", "surname", "place", "handle", "ship", "mineral", "oil", "resin", "salt", "craft"]

TAILS: dict[Kind, tuple[str, ...]] = {
    "given": GIVEN,
    "surname": SURNAME,
    "place": ("oria", "esk", "umbra", "ast", "ovar", "enza", "upol", "ethra"),
    "handle": ("ox", "ip", "ump", "ez", "ig", "ug"),
    "ship": ("ielle", "anta", "orine", "ula"),
    # No real substance has such a name, so nobody can look up a substance of a craft.
    "mineral": ("uskite", "ogrite", "ampite"),
    "oil": ("ibroil", "uffoil", "agroil"),
    "resin": ("umbrane", "oblane", "iggrane"),
    "salt": ("ozzate", "uckate", "egrate"),
    "craft": ("ukking", "oshing", "imbling"),
}
SUBSTANCES: tuple[Kind, ...] = ("mineral", "oil", "resin", "salt")
"""Steps of a craft that have a made-up word as their value. The name of the step is also the `Kind` of the word."""
LOWER: tuple[Kind, ...] = ("handle", *SUBSTANCES)
"""Kinds of made-up words that are not capitalized."""
