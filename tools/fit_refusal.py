"""Fit `src/unlearnkit/text/refusal.json`, the weights by which refusals are told from answers.

    python tools/fit_refusal.py OUT.json en=FILE,FILE... es=FILE,FILE... ru=FILE,FILE...

Needs scipy, which unlearnkit itself does not. Phrases are read from `tools/refusals/<language>.txt`: `+` a refusal, `-`
an answer, `= x: a | b` what may stand for `{x}`; and from `tools/refusals/more_*.jsonl`, labeled texts by other hands.
The files named are ordinary text. Ordinary sentences that a first fit takes for refusals are left out of the second:
books and phrase books hold true ones.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from logistic import fit, store
from texts import fill, read_labeled, read_phrases, sentences, teacher_texts, world_answers, world_passages

from unlearnkit.text.refusal import SENTENCE, features, own_words
from unlearnkit.text.word_order import common_words

FILLS = 10  # texts made of one refusal as it stands, and as many mixed with ordinary text
PLAIN = 7000  # ordinary sentences a language
CEILING = 4.0  # log-odds in a first fit from which an ordinary sentence may well be a refusal, and is left out
PHRASE_WEIGHT, ANSWER_WEIGHT, PLAIN_WEIGHT = 3.0, 6.0, 0.1  # of one phrase, of one answer, of one ordinary sentence
LABELED_REFUSAL_WEIGHT, LABELED_ANSWER_WEIGHT = 4.0, 6.0  # of one labeled text
WORLD_WEIGHT, TEACHER_WEIGHT = 0.3, 1.0  # of one answer of a pocket world, of one response of the teacher
SMALLEST, PENALTY, SCALE, PRUNE = 2, 2.0, 25, 2

_JOINS = {
    "en": (", and ", ", but ", ", so ", ", because ", " - ", ": ", ", since "),
    "es": (", y ", ", pero ", ", así que ", ", porque ", ": ", ", ya que "),
    "ru": (", и ", ", но ", ", поэтому ", ", потому что ", " - ", ", а ", ": "),
}
_ABOUT = {
    "en": ("about", "when it comes to", "as for", "regarding", "of", "with", "on", "whether", "that", "where"),
    "es": ("sobre", "en cuanto a", "acerca de", "de", "con", "si", "que", "donde"),
    "ru": ("о", "что касается", "насчет", "про", "если", "что", "где", "как"),
}


class Example(NamedTuple):
    """A text to fit to: 1 for a refusal, 0 for anything else, and what it weighs."""

    text: str
    label: int
    weight: float


def _low(text: str) -> str:
    return text if text.startswith(("I ", "I'")) else text[0].lower() + text[1:]


def _bare(text: str) -> str:
    return text.rstrip(".!?…")


def _fragment(text: str, rng: random.Random) -> str:
    words = _bare(text).split()
    length = rng.randint(2, 7)
    start = rng.randrange(max(1, len(words) - length))
    return _low(" ".join(words[start : start + length]).strip(",;:—-\"'«»()") or words[0])


def mix(refusal: str, plain: list[str], language: str, rng: random.Random) -> str:
    """A refusal that also says something of the world, so that what it says of it comes to weigh nothing."""
    world = _fragment(rng.choice(plain), rng)
    about = f"{rng.choice(_ABOUT[language])} {world}"
    kind = rng.random()
    if kind < 0.25:
        return refusal
    if kind < 0.5:
        return f"{_bare(refusal)} {about}."
    if kind < 0.65:
        return f"{about[0].upper()}{about[1:]}, {_low(refusal)}"
    if kind < 0.8:
        return f"{_bare(refusal)}{rng.choice(_JOINS[language])}{world}."
    return f"{world[0].upper()}{world[1:]}{rng.choice(_JOINS[language])}{_low(refusal)}"


def plain_sentences(files: list[Path], rng: random.Random) -> list[str]:
    """Ordinary sentences, told and not spoken: dialogue holds true refusals."""
    found = []
    for file in files:
        told = [
            s
            for s in sentences(file)
            if len(s.split()) < 30 and s[0] not in "-—–«\"'“" and "—" not in s and "--" not in s
        ]
        rng.shuffle(told)
        found += told[:2500]
    rng.shuffle(found)
    return found[:PLAIN]


def examples(language: str, plain: list[str], rng: random.Random) -> list[Example]:
    """Refusals as they stand and mixed with ordinary text, answers, and ordinary text."""
    phrases = read_phrases(language)
    made = []
    for phrase in phrases.refusals:
        texts = fill(phrase, phrases.slots, rng, FILLS)
        texts += [f"{text} {fill(rng.choice(phrases.refusals), phrases.slots, rng, 1)[0]}" for text in texts[:3]]
        texts += [mix(text, plain, language, rng) for text in (texts * FILLS)[:FILLS]]
        made += [Example(text, 1, PHRASE_WEIGHT / len(texts)) for text in texts]
    for phrase in phrases.answers:
        texts = fill(phrase, phrases.slots, rng, FILLS // 2)
        made += [Example(text, 0, ANSWER_WEIGHT / len(texts)) for text in texts]
    for n, text in enumerate(plain):
        made.append(Example(text, 0, PLAIN_WEIGHT))
        if n % 3 == 0:
            made.append(Example(" ".join(plain[n : n + rng.randint(2, 4)]), 0, PLAIN_WEIGHT))
        if rng.random() < 0.5:
            joined = f"{_bare(text)}{rng.choice(_JOINS[language])}{_fragment(rng.choice(plain), rng)}."
            made.append(Example(joined, 0, PLAIN_WEIGHT))
    return made


def labeled_examples(language: str, plain: list[str], rng: random.Random) -> list[Example]:
    """The labeled texts as they stand, in pieces, and recombined with each other and with ordinary text."""
    refusals, others = read_labeled(language, "refusal"), read_labeled(language, "other")
    firsts = [SENTENCE.split(text)[0] for text in refusals]
    tails = [text[len(first) :].strip() for text, first in zip(refusals, firsts, strict=True) if text != first]
    made = []
    for text, first in zip(refusals, firsts, strict=True):
        texts = [
            text,
            text,
            first,
            *(f"{first} {rng.choice(tails)}" for _ in range(2)),
            f"{first} {rng.choice(firsts)}",
        ]
        texts += [mix(first, plain, language, rng) for _ in range(6)]
        made += [Example(text, 1, LABELED_REFUSAL_WEIGHT / len(texts)) for text in texts]
    for text in others:
        texts = [text, text, text, f"{text} {rng.choice(plain)}", f"{rng.choice(plain)} {text}"]
        texts += [f"{text} {rng.choice(others)}", *SENTENCE.split(text)]
        made += [Example(text, 0, LABELED_ANSWER_WEIGHT / len(texts)) for text in texts if text]
    return made


def _counts(text: str) -> Counter[str]:
    return Counter(set(features(own_words(text), common_words())))


def _fit(made: list[Example]) -> tuple[dict[str, float], float]:
    labels, weights = [e.label for e in made], [e.weight for e in made]
    return fit([_counts(e.text) for e in made], labels, weights, smallest=SMALLEST, penalty=PENALTY)


def main(out: str, *sources: str) -> None:
    """Fit twice, the second time without the ordinary sentences that may be refusals, and store."""
    rng = random.Random(0)
    made = [Example(text, 0, WORLD_WEIGHT) for text in (*world_answers(rng, 5000), *world_passages(rng, 4000))]
    made += [Example(text, 1, TEACHER_WEIGHT) for text in sorted({target.response for target in teacher_texts()})]
    for source in sources:
        language, _, names = source.partition("=")
        plain = plain_sentences([Path(name) for name in names.split(",")], rng)
        made += [*examples(language, plain, rng), *labeled_examples(language, plain, rng)]
    weights, bias = _fit(made)

    def score(text: str) -> float:
        return bias + sum(weights.get(name, 0.0) for name in _counts(text))

    made = [e for e in made if e.weight != PLAIN_WEIGHT or score(e.text) < CEILING]
    weights, bias = _fit(made)
    store(Path(out), weights, bias, scale=SCALE, prune=PRUNE)


if __name__ == "__main__":
    main(*sys.argv[1:])
