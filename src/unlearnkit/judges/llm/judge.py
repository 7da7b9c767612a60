"""The model judge (LLM as a judge, LaaJ): a language model is shown one output a prompt and gives its three scores."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from unlearnkit.core.settings import Settings
from unlearnkit.judges.base import Asked, Item, Judged, Judgment, Told
from unlearnkit.judges.llm.parse import Unreadable, read_verdict
from unlearnkit.judges.llm.prompt import build, draw_nonce
from unlearnkit.judges.quality import PARTS, Quality, Verdict, same_marks
from unlearnkit.judges.rubrics import VERSION
from unlearnkit.llm.types import ChatModel, Prompt, Reply, Sampling


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
    sampling: Sampling = Sampling(temperature=0.0)
    """How the judge's answers are drawn."""

    def drawn_as(self, sampling: Sampling) -> Self:
        """The same with those settings of sampling that are set there."""
        named = {name: getattr(sampling, name) for name in sampling.model_fields_set}
        return self.model_copy(update={"sampling": self.sampling.model_copy(update=named)})


PRESETS = {
    "laaj": LaajOptions(),
    "laaj-paper": LaajOptions(
        trace=("rq",), failures="drop", gold=False, shuffled=False, sampling=Sampling(temperature=1.3)
    ),
}
"""The model judges. `laaj-paper` goes by the paper's released code in these options; the rubrics are ours in both.

That code hides the trace for unlearning quality by taking what follows the answer's marker, so an output that has no
answer is shown whole; it drops outputs that are wholly empty, and verdicts that cannot be read.
"""


_ENDED = {
    "stop": "",
    "length": "; it was cut off at the limit of its tokens (sampling.max_tokens)",
    "filter": "; the server's filter kept it back",
    "none": "; the server gave no answer, however often it was asked",
}
"""What is told beside of an answer that could not be read, by how it ended."""


class Laaj:
    """Judges by asking a model. A run is judged anew as a whole; what is asked is the same for the same seed."""

    version = VERSION

    def __init__(
        self,
        name: str,
        chat_model: ChatModel,
        options: LaajOptions | None = None,
        *,
        asked: Asked | None = None,
        seed: int = 0,
        repeats: int = 1,
    ) -> None:
        """Asks nothing yet.

        Args:
            name: under which the judgments are kept.
            speaker: the model that is asked.
            options: how; None: as the preset of that name.
            asked: what the model is called.
            seed: of order and nonces.
            repeats: how often each output is judged.
        """
        self.name, self.chat_model, self.asked, self.seed, self.repeats = name, chat_model, asked, seed, repeats
        self.options = options or PRESETS[name]

    def judge(self, items: Sequence[Item], told: Told) -> Judged:
        """Judge every item as often as `repeats` says. What the speaker raises ends it, and no judgment is kept.

        What the speaker was told by then it may have kept, and then it is not asked again.
        """
        judged = [(item, repeat) for item in items for repeat in range(self.repeats)]
        order = [place for place, (item, _) in enumerate(judged) if not self._is_empty(item)]
        told(len(judged) - len(order))
        if self.options.shuffled:
            random.Random(f"judge order {self.seed}").shuffle(order)
        questions = [self.ask(*judged[place]) for place in order]
        replies = self.chat_model.complete([prompt for prompt, _ in questions], self.options.sampling, told)
        nonces = [nonce for _, nonce in questions]
        heard = dict(zip(order, zip(replies, nonces, strict=True), strict=True))
        return Judged(
            judge=self.name,
            version=self.version,
            settings={**self.options.model_dump(mode="json"), "seed": self.seed, "repeats": self.repeats},
            asked=self.asked,
            judgments=tuple(self._judgment(*one, heard.get(place)) for place, one in enumerate(judged)),
        )

    def _judgment(self, item: Item, repeat: int, heard: tuple[Reply, str] | None) -> Judgment:
        """What comes of a reply and the nonce that was asked for; of an empty output, for which nobody was asked."""
        told: dict[str, Any] = {"split": item.split, "id": item.row.id, "repeat": repeat, "digest": item.digest}
        if heard is None:
            return Judgment(**told, outcome="empty", verdict=self._failed(item, "The response is empty."))
        reply, nonce = heard
        try:
            return Judgment(**told, verdict=read_verdict(reply.text, item.quality, nonce))
        except Unreadable as error:
            why = f"The judge's verdict could not be read: {error}{_ENDED[reply.ended]}."
            return Judgment(**told, outcome="unreadable", verdict=self._failed(item, why), unread=reply.text)

    def ask(self, item: Item, repeat: int = 0) -> tuple[Prompt, str]:
        """The prompt that asks for a verdict, and the nonce that it has to carry.

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
