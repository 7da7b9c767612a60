"""The LLM judge (LaaJ): a language model scores one output per prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from unlearnkit.core.settings import Settings
from unlearnkit.judges.base import Asked, Item, Judged, Judgment, OnJudged
from unlearnkit.judges.llm.parse import Unreadable, read_verdict
from unlearnkit.judges.llm.prompt import build, draw_nonce
from unlearnkit.judges.quality import PARTS, Quality, Verdict, same_marks
from unlearnkit.judges.rubrics import VERSION
from unlearnkit.llm.types import ChatModel, Prompt, Reply, Sampling


class LaajOptions(Settings):
    """Options of an LLM judge.

    The defaults are this package's; `laaj-paper` has the paper's.
    """

    trace: tuple[Quality, ...] = ("uq", "rq")
    """Qualities for which the trace is judged with the response. A secret revealed in a trace is revealed."""
    failures: Literal["zero", "drop"] = "zero"
    """Empty outputs and unreadable verdicts: `zero` gives three scores of 0, `drop` omits them from the means."""
    gold: bool = True
    """Whether the judge sees the correct answer for retention quality, so that specificity means correctness."""
    shuffled: bool = True
    """Whether the outputs, and the three scores in each prompt, are in random order."""
    sampling: Sampling = Sampling(temperature=0.0)
    """How to sample the judge's answers."""

    def drawn_as(self, sampling: Sampling) -> Self:
        """Return a copy with the explicitly set fields of `sampling`."""
        named = {name: getattr(sampling, name) for name in sampling.model_fields_set}
        return self.model_copy(update={"sampling": self.sampling.model_copy(update=named)})


PRESETS = {
    "laaj": LaajOptions(),
    "laaj-paper": LaajOptions(
        trace=("rq",), failures="drop", gold=False, shuffled=False, sampling=Sampling(temperature=1.3)
    ),
}
"""The LLM judges. `laaj-paper` follows the paper's released code in these options; the rubrics are ours in both.

That code hides the trace for unlearning quality by taking what follows the answer's marker, so an output without an
answer is shown in full; it drops outputs that are entirely empty, and verdicts that cannot be parsed.
"""


_WHY_UNREADABLE = {
    "stop": "",
    "length": "; it was cut off at the token limit (sampling.max_tokens)",
    "filter": "; the server's filter withheld it",
    "none": "; the server gave no answer at any try",
}
"""Explanation added to an unreadable answer, by how it ended."""


class Laaj:
    """Judge outputs with a language model.

    Prompts depend only on the seed and the items.
    """

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
        """Create the judge; sends no prompts yet.

        Args:
            name: name under which the judgments are stored.
            chat_model: the model that judges.
            options: the options; None for the preset of that name.
            asked: name and host of the model, for the stored judgments.
            seed: seed of the order and the nonces.
            repeats: number of judgments per output.
        """
        self.name, self.chat_model, self.asked, self.seed, self.repeats = name, chat_model, asked, seed, repeats
        self.options = options or PRESETS[name]

    def judge(self, items: Sequence[Item], on_judged: OnJudged) -> Judged:
        """Judge every item `repeats` times.

        An error of the chat model aborts all judgments. The chat model may have cached its replies by then, and then
        does not need to generate them again.
        """
        judged = [(item, repeat) for item in items for repeat in range(self.repeats)]
        order = [place for place, (item, _) in enumerate(judged) if not self._is_empty(item)]
        on_judged(len(judged) - len(order))
        if self.options.shuffled:
            random.Random(f"judge order {self.seed}").shuffle(order)
        questions = [self.ask(*judged[place]) for place in order]
        replies = self.chat_model.complete([prompt for prompt, _ in questions], self.options.sampling, on_judged)
        asked = zip(order, questions, replies, strict=True)
        replied = {place: (reply, nonce) for place, (_, nonce), reply in asked}
        return Judged(
            judge=self.name,
            version=self.version,
            settings={**self.options.model_dump(mode="json"), "seed": self.seed, "repeats": self.repeats},
            asked=self.asked,
            judgments=tuple(self._judgment(*one, replied.get(place)) for place, one in enumerate(judged)),
        )

    def _judgment(self, item: Item, repeat: int, replied: tuple[Reply, str] | None) -> Judgment:
        """Convert a reply and its prompt's nonce to a judgment.

        None stands for an empty output.
        """
        common: dict[str, Any] = {"split": item.split, "id": item.row.id, "repeat": repeat, "digest": item.digest}
        if replied is None:
            return Judgment(**common, outcome="empty", verdict=self._failed(item, "The response is empty."))
        reply, nonce = replied
        try:
            return Judgment(**common, verdict=read_verdict(reply.text, item.quality, nonce))
        except Unreadable as error:
            why = f"The judge's verdict could not be read: {error}{_WHY_UNREADABLE[reply.ended]}."
            return Judgment(**common, outcome="unreadable", verdict=self._failed(item, why), unread=reply.text)

    def ask(self, item: Item, repeat: int = 0) -> tuple[Prompt, str]:
        """Return the prompt for a verdict, and its nonce.

        The verdict must contain the nonce. Both depend on seed, set, row and repeat, but not on the output. The nonce
        differs between repeats, so cached replies are not reused for another repeat.
        """
        draw = random.Random(f"judge {self.seed} {item.split} {item.row.id} {repeat}")
        parts = list(PARTS[item.quality])
        if self.options.shuffled:
            draw.shuffle(parts)
        blocks = self._blocks(item)
        nonce = draw_nonce(draw, list(blocks.values()))
        return build(item, blocks, parts, nonce), nonce

    def _blocks(self, item: Item) -> Mapping[str, str]:
        output, blocks = item.output, {"question": item.row.prompt}
        if self.options.gold and item.quality == "rq":
            blocks["reference"] = item.row.answer
        if item.quality in self.options.trace:
            return {**blocks, "trace": output.trace, "response": output.response}
        return {**blocks, "response": output.response or output.text}

    def _is_empty(self, item: Item) -> bool:
        """Return whether there is nothing to judge.

        If failures are dropped, as in the paper, only an entirely empty output counts.
        """
        output = item.output
        return not (output.text if self.options.failures == "drop" else output.response).strip()

    def _failed(self, item: Item, reason: str) -> Verdict | None:
        return None if self.options.failures == "drop" else same_marks(item.quality, 0, reason)
