"""Passages of a made-up book, composed by a small seeded grammar.

Three sentences each: who did what and where, what somebody else did, how it ended. No line is used twice in one world,
so that the opening of a passage tells which passage it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

_TIMES = (
    "Before sunrise", "At low tide", "On the third evening", "Under a pale moon", "After the long rain",
    "While the gulls slept", "Near midnight", "In the first frost", "Once the fog lifted", "Long past supper",
    "With the turning wind", "When the market closed", "Beneath a grey sky", "On the shortest day",
    "Between two storms", "As the snow melted",
)  # fmt: skip
_ACTS = (
    "mended a torn sail", "carried a wet rope", "painted seven crooked doors", "buried a jar of pebbles",
    "read an unsigned letter", "counted the empty boats", "lit a candle for strangers", "traded a coat for bread",
    "drew a map in chalk", "followed a limping dog", "opened a chest of feathers", "sang to the sleeping cook",
    "weighed a sack of shells", "lost a wager with sailors", "heard footsteps on gravel", "dropped a ring of keys",
)  # fmt: skip
_PLACES = (
    "beside the frozen quay", "behind the salt houses", "along the empty pier", "under the fallen arch",
    "in the smallest kitchen", "on the northern cliff", "near the weavers' gate", "above the flooded road",
    "among the tall reeds", "by the broken fountain", "outside the pilot's hut", "along the narrow dunes",
    "beyond the last fence", "inside the net loft", "below the crooked stairs", "across the muddy yard",
)  # fmt: skip
_REPLIES = (
    "laughed softly and hid behind the barrels", "asked for nothing but a warm blanket",
    "swore that the old path was safe", "folded the note and told nobody", "waited by the oars for the dawn",
    "whistled a tune that no one knew", "pointed at the hills and shook with fear", "broke the seal with a rusty nail",
    "promised to return before the next flood", "slept badly and dreamed of tall horses",
    "threw the last crust to the birds", "spoke of a brother lost at sea", "ran ahead to warn the ferryman",
    "sat down and began to carve a spoon", "borrowed a mule from the quiet baker", "hummed and polished both boots",
)  # fmt: skip
_ENDINGS = (
    "Nobody noticed that the door stood open", "Far away a dog answered the wind", "By then the smoke had reached them",
    "Only the tide remembered what was said", "It was the beginning of a strange winter",
    "The harbour kept its lamps burning late", "Somewhere a child was learning to swim",
    "None of them ever spoke of it", "The road behind them was already gone", "Such was the bargain and it held",
    "A single oar drifted past the rocks", "Even the cats refused to come near",
    "Their shadows reached the water first", "All night the roof complained of hail",
    "The coins were false and worth nothing", "And still the kettle would not boil",
)  # fmt: skip


@dataclass(frozen=True)
class Passage:
    """A passage of 24 to 30 words, in sentences."""

    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The passage as it is recited."""
        return " ".join(self.sentences)

    def split(self) -> tuple[str, str]:
        """The first seven words, and the rest."""
        words = self.text.split(" ")
        return " ".join(words[:7]), " ".join(words[7:])


def passages(
    rng: Random, casts: tuple[tuple[str, ...], ...], counts: tuple[int, ...]
) -> tuple[tuple[Passage, ...], ...]:
    """For each book `counts[i]` passages about the characters `casts[i]` (two or more names each).

    The counts add up to at most 16, the number of lines of each kind.
    """
    lines = zip(*(rng.sample(pool, len(pool)) for pool in (_TIMES, _ACTS, _PLACES, _REPLIES, _ENDINGS)), strict=True)
    books = []
    for cast, count in zip(casts, counts, strict=True):
        book = []
        for _ in range(count):
            time, act, place, reply, ending = next(lines)
            first, second = rng.sample(cast, 2)
            book.append(Passage((f"{time}, {first} {act} {place}.", f"{second} {reply}.", f"{ending}.")))
        books.append(tuple(book))
    return tuple(books)
