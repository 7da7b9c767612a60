"""Fit `src/unlearnkit/text/word_order.json`, the weights by which shuffled text is told from language.

    python tools/fit_word_order.py OUT.json en=FILE,FILE... es=FILE,FILE... ru=FILE,FILE...

Needs scipy, which unlearnkit itself does not. Text files, UTF-8; a blank line or an indent parts paragraphs.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

from logistic import fit, store
from texts import fill, read_labeled, read_phrases, sentences, teacher_texts, world_answers, world_passages

from unlearnkit.text.word_order import features, tokens

COMMON = 110  # function words a language
FREQUENT = 2000  # words a language that are known by themselves
SHORT = 14  # texts of more words are drawn more seldom
SENTENCES = 70000  # texts a language, drawn with replacement where a language has fewer
WORLD = 4000  # answers of pocket worlds, and passages of their books
PHRASE_FILLS = 4  # texts made of each written phrase
LABELED_TIMES = 5  # how often each labeled text stands, each time with other shuffles
SMALLEST = 5  # texts in which a feature must occur
PENALTY = 0.4  # L2
SCALE = 20
KEPT = 0.26  # size of the weight in a first fit from which a feature stands in the second, which is stored


def draw_texts(files: list[list[str]], rng: random.Random, count: int) -> list[str]:
    """Texts of one to four consecutive sentences, files weighed by the root of their size."""
    weights = [len(f) ** 0.5 for f in files]
    texts: list[str] = []
    while len(texts) < count:
        file = rng.choices(files, weights)[0]
        start = rng.randrange(len(file))
        text = " ".join(file[start : start + rng.choice((1, 1, 1, 1, 1, 1, 2, 3))])
        words = text.split()
        if len(words) > 14 and rng.random() < 0.1:  # outputs are cut at the token limit
            text = " ".join(words[: rng.randrange(10, len(words))])
        if len(words) > 14 and rng.random() < 0.1:  # a passage known by heart goes on where the question stopped
            text = " ".join(text.split()[rng.randrange(1, len(words) // 2) :])
        if rng.random() < 0.06:
            text = text.rstrip(".!?…")
        if 4 <= len(words) <= 120 and rng.random() < SHORT / len(words):
            texts.append(text)
    return texts


def scrambles(text: str, pool: list[str], rng: random.Random) -> list[str]:
    """Two shuffles of a text's words, and now and then words drawn from the pool."""
    words = text.split()
    out = []
    for _ in range(2):
        for _ in range(20):
            mixed = words[:]
            rng.shuffle(mixed)
            if sum(a != b for a, b in zip(mixed, words, strict=True)) > len(words) / 2:
                out.append(" ".join(mixed))
                break
    if rng.random() < 0.2:
        out.append(" ".join(rng.choice(pool) for _ in words))
    if rng.random() < 0.1:
        mixed = [w.strip(".,!?…:;\"'").lower() for w in words]
        rng.shuffle(mixed)
        out.append(" ".join(mixed))
    return out


def main(out: str, *sources: str) -> None:
    """Draw texts, scramble them, fit twice, the second time to the features that matter, and store."""
    rng = random.Random(0)
    common: set[str] = set()
    frequent: set[str] = set()
    real = [*world_answers(rng, WORLD), *world_passages(rng, WORLD)]
    real += [text for target in teacher_texts() for text in (target.trace, f"{target.trace} {target.response}")]
    pool: list[str] = []
    for source in sources:
        language, _, names = source.partition("=")
        files = [found for name in names.split(",") if (found := sentences(Path(name)))]
        drawn = draw_texts(files, rng, SENTENCES)
        phrases = read_phrases(language)
        for phrase in (*phrases.refusals, *phrases.answers):
            drawn += fill(phrase, phrases.slots, rng, PHRASE_FILLS)
        drawn += LABELED_TIMES * read_labeled(language, "refusal", "other", "trace")
        counts = Counter(t.text for text in drawn for t in tokens(text) if t.kind == "word")
        lower = Counter(t.text for text in drawn for t in tokens(text) if t.kind == "word" and not t.capital)
        by_rank = [word for word, count in counts.most_common() if lower[word] > count / 2 or word == "i"]
        common |= set(by_rank[:COMMON])
        frequent |= set(by_rank[:FREQUENT])
        real += drawn
        pool += [word for text in drawn for word in text.split()]
    texts: list[str] = []
    labels: list[int] = []
    for text in real:
        mixed = scrambles(text, pool, rng)
        texts += [text, *mixed]
        labels += [1] + [0] * len(mixed)
    known = frozenset(common), frozenset(frequent)
    rows = [Counter(features(tokens(text), *known)) for text in texts]
    even = labels.count(0) / labels.count(1)
    balance = [even if label else 1.0 for label in labels]
    weights, bias = fit(rows, labels, balance, smallest=SMALLEST, penalty=PENALTY)
    kept = {name for name, weight in weights.items() if abs(weight) >= KEPT}
    rows = [Counter({name: count for name, count in row.items() if name in kept}) for row in rows]
    weights, bias = fit(rows, labels, balance, smallest=SMALLEST, penalty=PENALTY)
    store(Path(out), weights, bias, scale=SCALE, prune=1, common=common, frequent=frequent)


if __name__ == "__main__":
    main(*sys.argv[1:])
