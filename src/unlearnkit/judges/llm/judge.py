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

    The defaults are the options of the judge `laaj`. The judge `laaj-paper` has the options of the TRU paper.
    """

    trace: tuple[Quality, ...] = ("uq", "rq")
    """Qualities for which the judge also sees the trace. If the judge sees a secret in a trace, the secret counts as
    revealed."""
    failures: Literal["zero", "drop"] = "zero"
    """Treatment of empty outputs and unreadable verdicts: `zero` scores them 0, `drop` omits them from the means."""
    gold: bool = True
    """Whether the judge sees the correct answer when it judges retention quality. If so, `specificity` measures
    correctness."""
    shuffled: bool = True
    """Whether the order of the outputs, and the order of the three scores in each prompt, is random."""
    sampling: Sampling = Sampling(temperature=0.0)
    """Settings for sampling the judge's answers."""

    def drawn_as(self, sampling: Sampling) -> Self:
        """Return a copy in which `sampling` overrides the judge's sampling settings.

        Fields of `sampling` that were not set explicitly are ignored.
        """
        named = {name: getattr(sampling, name) for name in sampling.model_fields_set}
        return self.model_copy(update={"sampling": self.sampling.model_copy(update=named)})


PRESETS = {
    "laaj": LaajOptions(),
    "laaj-paper": LaajOptions(
        trace=("rq",), failures="drop", gold=False, shuffled=False, sampling=Sampling(temperature=1.3)
    ),
}
"""Options of the LLM judges, by name. `laaj-paper` has the options of the code that was released with the TRU paper.

Both judges use the rubrics of this package.

For unlearning quality, `laaj-paper` hides the trace, as the released code does: the judge sees only the text after the
answer marker. If an output has no answer, the judge sees the whole output. `laaj-paper` also drops the same judgments
as the released code: judgments of entirely empty outputs, and judgments whose verdict cannot be parsed.
"""


_WHY_UNREADABLE = {
    "stop": "",
    "length": "; the judge's answer was cut off at the token limit (sampling.max_tokens)",
    "filter": "; the server's content filter withheld the judge's answer",
    "none": "; the server gave no answer on any attempt",
}
"""Explanation of an unreadable verdict, for each value of `Reply.ended`."""


class Laaj:
    """Judge that scores outputs with a language model.

    The prompts are reproducible: they depend only on the options, the seed and the items.
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
        """Create the judge without sending prompts.

        Args:
            name: name under which the judgments are stored.
            chat_model: the model that judges.
            options: the judge's options. If None, the options of the preset `name` are used.
            asked: name and host of the model, which are stored with the judgments.
            seed: seed for the random order and the nonces.
            repeats: number of judgments per output.
        """
        self.name, self.chat_model, self.asked, self.seed, self.repeats = name, chat_model, asked, seed, repeats
        self.options = options or PRESETS[name]

    def judge(self, items: Sequence[Item], on_judged: OnJudged) -> Judged:
        """Judge every item `repeats` times.

        If the chat model raises an error, no judgments are returned. The next attempt reuses the replies that the chat
        model cached before the error.
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
        """Convert the chat model's reply to a judgment.

        `replied` contains the reply and the nonce of the prompt. It is None if the output to judge was empty.
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
        """Return the prompt that requests a verdict, and the prompt's nonce.

        The nonce is a random number that the verdict must contain. The nonce and the order of the scores are drawn from
        the seed, the row set, the row and the number of the repeat, and do not depend on the output. The nonce differs
        between repeats, so the cached reply of one repeat is not reused for another repeat.
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
        """Return whether the output counts as empty.

        By default, an output counts as empty if its response is empty. If failures are dropped, as in the paper, an
        output counts as empty only if it has no text at all.
        """
        output = item.output
        return not (output.text if self.options.failures == "drop" else output.response).strip()

    def _failed(self, item: Item, reason: str) -> Verdict | None:
        return None if self.options.failures == "drop" else same_marks(item.quality, 0, reason)
