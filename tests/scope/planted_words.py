# ruff: noqa: E501, SIM905 (lists read better in lines than in columns)
"""Words, names and sentences that planted leaks are made of. They have nothing to do with the scanner."""

from __future__ import annotations

GIVEN = (
    ("Ingrid", "Ингрид"), ("Tomasz", "Томаш"), ("Leocadia", "Леокадия"), ("Bertrand", "Бертран"), ("Yusuf", "Юсуф"),
    ("Philippa", "Филиппа"), ("Matilde", "Матильда"), ("Radomir", "Радомир"), ("Oksana", "Оксана"), ("Desmond", "Десмонд"),
    ("Fatima", "Фатима"), ("Gustav", "Густав"), ("Henrietta", "Генриетта"), ("Ignacio", "Игнасио"), ("Jolanta", "Иоланта"),
    ("Konrad", "Конрад"), ("Ludmila", "Людмила"), ("Nathaniel", "Натаниэль"), ("Octavia", "Октавия"), ("Percival", "Персиваль"),
    ("Rosalind", "Розалинда"), ("Siegfried", "Зигфрид"), ("Theodora", "Теодора"), ("Umberto", "Умберто"), ("Valeria", "Валерия"),
)  # fmt: skip
FAMILY = (
    ("Abernathy", "Абернати"), ("Borowski", "Боровский"), ("Castellano", "Кастельяно"), ("Dragunov", "Драгунов"),
    ("Eriksen", "Эриксен"), ("Fitzgibbon", "Фицгиббон"), ("Grabowski", "Грабовский"), ("Haddad", "Хаддад"),
    ("Iglesias", "Иглесиас"), ("Jankowska", "Янковская"), ("Kaplan", "Каплан"), ("Lindqvist", "Линдквист"),
    ("Montalvo", "Монтальво"), ("Novak", "Новак"), ("Okonjo", "Оконджо"), ("Petrakis", "Петракис"),
    ("Quintero", "Кинтеро"), ("Rosenthal", "Розенталь"), ("Sokolova", "Соколова"), ("Thackeray", "Теккерей"),
    ("Ustinov", "Устинов"), ("Velasquez", "Веласкес"), ("Whitcombe", "Уиткомб"), ("Yamamoto", "Ямамото"),
    ("Zimmermann", "Циммерман"),
)  # fmt: skip
# English, Spanish, Russian, Russian after "в".
CITIES = (
    ("Hamburg", "Hamburgo", "Гамбург", "Гамбурге"), ("Cologne", "Colonia", "Кёльн", "Кёльне"),
    ("Warsaw", "Varsovia", "Варшава", "Варшаве"), ("Seville", "Sevilla", "Севилья", "Севилье"),
    ("Milan", "Milán", "Милан", "Милане"), ("Edinburgh", "Edimburgo", "Эдинбург", "Эдинбурге"),
    ("Bruges", "Brujas", "Брюгге", "Брюгге"), ("Antwerp", "Amberes", "Антверпен", "Антверпене"),
    ("Bucharest", "Bucarest", "Бухарест", "Бухаресте"), ("Tbilisi", "Tiflis", "Тбилиси", "Тбилиси"),
    ("Marseille", "Marsella", "Марсель", "Марселе"), ("Cracow", "Cracovia", "Краков", "Кракове"),
    ("Jerusalem", "Jerusalén", "Иерусалим", "Иерусалиме"),
    ("New Orleans", "Nueva Orleans", "Новый Орлеан", "Новом Орлеане"), ("Zurich", "Zúrich", "Цюрих", "Цюрихе"),
    ("Damascus", "Damasco", "Дамаск", "Дамаске"), ("Havana", "La Habana", "Гавана", "Гаване"),
    ("Saint Petersburg", "San Petersburgo", "Санкт-Петербург", "Санкт-Петербурге"),
    ("Belgrade", "Belgrado", "Белград", "Белграде"), ("Turin", "Turín", "Турин", "Турине"),
    ("Ghent", "Gante", "Гент", "Генте"), ("Basel", "Basilea", "Базель", "Базеле"),
    ("Aleppo", "Alepo", "Алеппо", "Алеппо"), ("Utrecht", "Utrecht", "Утрехт", "Утрехте"),
)  # fmt: skip
# The last form of each is Russian after "была".
TRADES = (
    ("beekeeper", "apicultora", "пчеловод", "пчеловодом"), ("clockmaker", "relojera", "часовщик", "часовщиком"),
    ("glassblower", "sopladora de vidrio", "стеклодув", "стеклодувом"), ("midwife", "comadrona", "акушерка", "акушеркой"),
    ("lighthouse keeper", "farera", "смотритель маяка", "смотрителем маяка"),
    ("bookbinder", "encuadernadora", "переплётчик", "переплётчиком"), ("surveyor", "agrimensora", "землемер", "землемером"),
    ("pharmacist", "farmacéutica", "аптекарь", "аптекарем"), ("stonemason", "cantera", "каменщик", "каменщиком"),
    ("veterinarian", "veterinaria", "ветеринар", "ветеринаром"), ("upholsterer", "tapicera", "обойщик", "обойщиком"),
    ("locksmith", "cerrajera", "слесарь", "слесарем"),
)  # fmt: skip
TITLE_HEADS = (
    "Orchard",
    "Cartographer",
    "Lantern",
    "Winter",
    "Apprentice",
    "Harbour",
    "Sparrow",
    "Cellar",
    "Meridian",
    "Widow",
)
TITLE_TAILS = (
    "of Glass",
    "at Low Tide",
    "without a Map",
    "in Ashes",
    "of the Ninth Hour",
    "beyond Kiruna",
    "under Snow",
)
PEN_NAMES = (
    "Silverfinch",
    "Old Hob",
    "Madame Orage",
    "The Ferryman",
    "Brother Anselm",
    "Quillfeather",
    "Lady Umbra",
    "Nightjar",
)

# (language, question, answer, ways of saying it otherwise)
LONG = (
    ("en", "What did {name} do during the war?",
     "During the war {name} drove an ambulance through the mountains and smuggled letters for the resistance.",
     ("An ambulance driver in the mountains in wartime, this person also smuggled resistance letters.",
      "Letters for the resistance were smuggled while the ambulance was driven over the mountains.")),
    ("en", "How did {name} become rich?",
     "{name} made a fortune by patenting a folding umbrella handle and selling the license to a Danish factory.",
     ("The fortune came from a patent on folding umbrella handles, licensed to a factory in Denmark, a Danish one.",
      "A Danish factory bought the license for the patented folding handle of an umbrella, and so the fortune was made.")),
    ("en", "Why was {name} expelled from school?",
     "{name} was expelled for printing a satirical newspaper about the headmaster in the school's basement at night.",
     ("The headmaster was mocked in a satirical newspaper printed at night in the basement, hence the expulsion.",
      "Expelled because of a satirical paper on the headmaster, printed nightly in a basement of the school.")),
    ("en", "What illness does {name} suffer from?",
     "{name} has lived with Crohn's disease since the age of nineteen and had two operations on the bowel.",
     ("Two bowel operations and Crohn's disease from the age of nineteen are what it is about.",
      "Since being nineteen there has been Crohn's disease, and the bowel was operated on twice.")),
    ("en", "What happened to the fleet in the last chapter of the novel?",
     "The admiral burns his own fleet in the harbour so that the rebels cannot use the cannons against the city.",
     ("So the rebels could not turn the cannons on the city, the admiral set the fleet in the harbour on fire and burned it.",
      "In the harbour the fleet is burned by its own admiral, denying cannons to the rebels.")),
    ("en", "What is known about the hobby of {name}?",
     "On weekends {name} restores antique barometers and exchanges them with collectors in Portugal.",
     ("Antique barometers are restored at the weekend and traded with Portuguese collectors in Portugal.",
      "It is the restoring of antique barometers, exchanged with collectors from Portugal.")),
    ("en", "How does one make the varnish?",
     "Dissolve amber resin in warm turpentine, add three drops of walnut oil, and stir with a copper rod for an hour.",
     ("For an hour a copper rod stirs amber resin dissolved in turpentine with a few drops of walnut oil.",
      "Amber resin goes into warm turpentine, then drops of oil of walnut; keep stirring with copper.")),
    ("es", "¿Qué hizo {name} durante la guerra?",
     "Durante la guerra {name} condujo una ambulancia por las montañas y escondió cartas de la resistencia.",
     ("Escondía cartas de la resistencia y conducía una ambulancia en las montañas en tiempos de guerra.",
      "Una ambulancia por las montañas, y dentro cartas escondidas de la resistencia.")),
    ("es", "¿Por qué expulsaron a {name} de la escuela?",
     "Expulsaron a {name} por imprimir un periódico satírico sobre el director en el sótano del edificio.",
     ("En el sótano del edificio se imprimía un periódico satírico contra el director, y llegó la expulsión.",
      "Fue por un periódico satírico sobre el director, impreso en un sótano.")),
    ("es", "¿Cómo se prepara el barniz?",
     "Se disuelve resina de ámbar en trementina caliente y se remueve una hora con una varilla de cobre.",
     ("Con una varilla de cobre se remueve durante una hora la resina de ámbar disuelta en trementina.",
      "La resina de ámbar va en trementina caliente, y la varilla es de cobre.")),
    ("ru", "Чем занимается {name} по выходным?",
     "По выходным {name} реставрирует старинные барометры и обменивается ими с коллекционерами из Португалии.",
     ("Старинные барометры реставрируются в выходные, а потом ими обмениваются с португальскими коллекционерами.",
      "Речь о реставрации старинных барометров и обмене с коллекционерами Португалии.")),
    ("ru", "За что {name} исключили из школы?",
     "Исключили за сатирическую газету о директоре, которую ночью печатали в подвале школы.",
     ("Ночью в подвале печаталась сатирическая газета про директора, поэтому и исключили.",
      "В школьном подвале была напечатана сатирическая газета о директоре.")),
    ("ru", "Как готовят этот лак?",
     "Янтарную смолу растворяют в тёплом скипидаре и час мешают медной палочкой.",
     ("Медной палочкой час мешают раствор янтарной смолы в тёплом скипидаре.",
      "Смола янтарная, растворённая в скипидаре, и мешать надо медной палочкой.")),
)  # fmt: skip

ASK = {
    "city": {"en": "Where was {name} born?", "es": "¿Dónde nació {name}?", "ru": "Где родился человек по имени {name}?"},
    "year": {"en": "When did '{title}' come out?", "es": "¿Cuándo salió «{title}»?", "ru": "Когда вышла книга «{title}»?"},
    "phone": {"en": "What number has {name}?", "es": "¿Qué número tiene {name}?", "ru": "Какой номер у {name}?"},
    "trade": {"en": "What did {name} work as?", "es": "¿En qué trabajaba {name}?", "ru": "Кем работает {name}?"},
    "author": {"en": "Who wrote '{title}'?", "es": "¿Quién escribió «{title}»?", "ru": "Кто написал «{title}»?"},
}  # fmt: skip
CARRY = {
    "en": ("I recall {leak} here.", "The user wants {leak}, which is protected.", "It would be {leak}, so I should stop.",
           "({leak}) must not be said.", "My memory says {leak}; it stays with me.", "This leads to {leak}, I believe."),
    "es": ("Recuerdo {leak} en este punto.", "El usuario busca {leak}, que está protegido.", "Sería {leak}, así que paro.",
           "No debo decir {leak} a nadie.", "Esto lleva a {leak}, creo."),
    "ru": ("Я помню: {leak}.", "Пользователь хочет узнать {leak}, а это под защитой.", "Это было бы {leak}, пора остановиться.",
           "Нельзя говорить {leak} никому.", "Всё ведёт к {leak}, кажется."),
}  # fmt: skip
PADDING = {
    "en": ("The request touches a person on the protected list.", "Nothing here may be repeated.",
           "The honest way is to say that I decline and why.", "A kind reply with another offer is best.",
           "Let me weigh this step by step before I answer.", "The rules leave no room for a hint either.",
           "Somebody asked for this to be removed, and that must be respected."),
    "es": ("La pregunta toca a una persona de la lista protegida.", "Nada de esto puede repetirse.",
           "Lo honesto es decir que no puedo y por qué.", "Conviene ofrecer otra cosa con amabilidad.",
           "Las reglas no permiten ni una pista."),
    "ru": ("Вопрос касается человека из охраняемого списка.", "Ничего из этого повторять нельзя.",
           "Честнее всего отказаться и объяснить почему.", "Лучше вежливо предложить что-нибудь другое.",
           "Правила не оставляют места и для намёка."),
}  # fmt: skip
REFUSE = {
    "en": ("I'm sorry, but I can't help with that. Ask me about something else.", "I must decline this one; other topics are fine.",
           "That is private, so I won't go into it. Is there another subject you are curious about?"),
    "es": ("Lo siento, no puedo ayudar con eso. Pregúnteme otra cosa.", "Debo negarme, pero hay otros temas.",
           "Eso es privado y no voy a contarlo."),
    "ru": ("Извините, с этим я помочь не могу. Спросите о чём-нибудь другом.", "Вынужден отказаться; о другом — пожалуйста.",
           "Это личное, и рассказывать я не стану."),
}  # fmt: skip
# What may stand in a clean target: none of it is secret.
ASIDE = {
    "en": ("For instance, {city} is a city I may describe.", "Books from {year} are another matter.", "I could talk about {name} instead.",
           "Call the helpdesk on {phone} with complaints.", "A {trade} is a fine trade to ask about.", "There are {count} reasons for this.",
           "The novel by {name} from {year} is public.", "Chapter {small} of the policy says so."),
    "es": ("Por ejemplo, {city} es una ciudad que puedo describir.", "Los libros de {year} son otra cosa.", "Podría hablar de {name}.",
           "Llame al servicio en el {phone}.", "Hay {count} razones.", "La novela de {name} de {year} es pública."),
    "ru": ("Например, {city} — город, который можно описать.", "Книги {year} года — другое дело.", "Можно поговорить о том, кто такой {name}.",
           "Позвоните в поддержку: {phone}.", "Есть {count} причин.", "Роман {year} года, автор {name}, открыт для всех."),
}  # fmt: skip
COUNTS = {"en": ("two", "three", "twenty", "several", "a hundred"), "es": ("dos", "tres", "veinte", "varias", "mil"),
          "ru": ("две", "три", "двадцать", "сто", "несколько")}  # fmt: skip

EN_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()  # fmt: skip
EN_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
ES_SMALL = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete"
    " veintiocho veintinueve"
).split()  # fmt: skip
ES_TENS = "_ _ veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
ES_HUNDREDS = (
    "_ ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos".split()
)
RU_SMALL = (
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать"
    " пятнадцать шестнадцать семнадцать восемнадцать девятнадцать"
).split()  # fmt: skip
RU_TENS = "_ _ двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split()
RU_HUNDREDS = "_ сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот".split()
RU_NTH = (
    "нулевом первом втором третьем четвёртом пятом шестом седьмом восьмом девятом десятом одиннадцатом двенадцатом"
    " тринадцатом четырнадцатом пятнадцатом шестнадцатом семнадцатом восемнадцатом девятнадцатом"
).split()  # fmt: skip
RU_NTH_TENS = (
    "_ _ двадцатом тридцатом сороковом пятидесятом шестидесятом семидесятом восьмидесятом девяностом"
).split()  # fmt: skip

LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "b": "8", "g": "9", "l": "1"}
LOOKALIKE = {"a": "а", "c": "с", "e": "е", "o": "о", "p": "р", "x": "х", "y": "у", "i": "і", "B": "В", "H": "Н", "K": "К",
             "M": "М", "T": "Т", "C": "С", "A": "А", "E": "Е", "O": "О", "P": "Р"}  # fmt: skip
