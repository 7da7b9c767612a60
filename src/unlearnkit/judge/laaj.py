"""The model judge (LLM as a judge, LaaJ): a language model is shown one output at a time and gives its three scores."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from annotated_types import Ge

from unlearnkit.judge.contract import Item, Judged, Judgement, Speaker, Told
from unlearnkit.judge.prompt import build, draw_nonce
from unlearnkit.judge.reading import Unreadable, read_verdict
from unlearnkit.judge.rubrics import VERSION
from unlearnkit.judge.verdict import PARTS, Quality, Verdict, same_marks
from unlearnkit.settings import Settings


class LaajOptions(Settings):
    """How a model judge is used. The defaults are ours; `laaj-paper` has the paper's."""

    trace: tuple[Quality, ...] = ("uq", "rq")
    """The qualities for which the trace is judged with the response. A trace that tells a secret tells it."""
    failures: Literal["zero", "drop"] = "zero"
    """An empty output, or a verdict that cannot be read: three scores of 0, or left out of the means."""
    gold: bool = True
    """Whether the judge is shown the right answer for retention quality, so that specificity means being right."""
    shuffled: bool = True
    """Whether outputs come in random order, and the three scores in random order in each question."""
    temperature: Annotated[float, Ge(0)] = 0.0
    """At which the judge's answers are drawn."""


PRESETS = {
    "laaj": LaajOptions(),
    "laaj-paper": LaajOptions(trace=("rq",), failures="drop", gold=False, shuffled=False, temperature=1.3),
}
"""The model judges. `laaj-paper` goes by the paper's released code in these options; the rubrics are ours in both.

That code hides the trace for unlearning quality by taking what follows the answer's marker, so an output that has no
answer is shown whole; it drops outputs that are wholly empty, and verdicts that cannot be read.
"""


class Laaj:
    """Judges by asking a model. A run is judged anew as a whole; what is asked is the same for the same seed."""

    version = VERSION

    def __init__(
        self, name: str, speaker: Speaker, options: LaajOptions | None = None, *, seed: int = 0, repeats: int = 1
    ) -> None:
        """`name`: under which the judgements are kept. `options` None: those of the preset of that name."""
        self.name, self.speaker, self.seed, self.repeats = name, speaker, seed, repeats
        self.options = options or PRESETS[name]

    def judge(self, items: Sequence[Item], told: Told) -> Judged:
        """Judge every item as often as `repeats` says. What the speaker raises ends it, and nothing is kept."""
        asked = [(item, repeat) for item in items for repeat in range(self.repeats)]
        order = list(range(len(asked)))
        if self.options.shuffled:
            random.Random(f"judge order {self.seed}").shuffle(order)
        made: dict[int, Judgement] = {}
        for at in order:
            made[at] = self._judge(*asked[at])
            told(1)
        return Judged(
            judge=self.name,
            version=self.version,
            settings={**self.options.model_dump(mode="json"), "seed": self.seed, "repeats": self.repeats},
            judgements=tuple(made[at] for at in range(len(asked))),
        )

    def _judge(self, item: Item, repeat: int) -> Judgement:
        told = {"split": item.split, "id": item.row.id, "repeat": repeat, "digest": item.digest}
        if self._is_empty(item):
            return Judgement(**told, outcome="empty", verdict=self._failed(item, "The response is empty."))
        messages, nonce = self.ask(item, repeat)
        answer = self.speaker.say(messages)
        try:
            return Judgement(**told, verdict=read_verdict(answer, item.quality, nonce))
        except Unreadable as error:
            verdict = self._failed(item, f"The judge's verdict could not be read: {error}.")
            return Judgement(**told, outcome="unreadable", verdict=verdict, unread=answer)

    def ask(self, item: Item, repeat: int = 0) -> tuple[list[dict[str, str]], str]:
        """The messages that ask for a verdict, and the nonce that it has to carry.

        Both are drawn by seed, set, row and repeat, whatever the output says. As the nonce differs from repeat to
        repeat, a speaker that keeps its answers is asked anew.
        """
        draw = random.Random(f"judge {self.seed} {item.split} {item.row.id} {repeat}")
        parts = list(PARTS[item.quality])
        if self.options.shuffled:
            draw.shuffle(parts)
        blocks = self._blocks(item)
        nonce = draw_nonce(draw, list(blocks.values()))
        return build(item, blocks, parts, nonce), nonce

    def _blocks(self, item: Item) -> Mapping[str, str]:
        said, blocks = item.said, {"question": item.row.prompt}
        if self.options.gold and item.quality == "rq":
            blocks["reference"] = item.row.answer
        if item.quality in self.options.trace:
            return {**blocks, "trace": said.trace, "response": said.response}
        return {**blocks, "response": said.response or said.text}

    def _is_empty(self, item: Item) -> bool:
        """Whether there is nothing to judge; where failures are dropped, as in the paper, a wholly empty output."""
        said = item.said
        return not (said.text if self.options.failures == "drop" else said.response).strip()

    def _failed(self, item: Item, reason: str) -> Verdict | None:
        return None if self.options.failures == "drop" else same_marks(item.quality, 0, reason)
