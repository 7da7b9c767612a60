"""From words to labeled tokens: one row, rendered with the tokenizer's own chat template, or as plain text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Turn
from unlearnkit.data.trace_format import STYLES, Style

PLAIN = "the tokenizer has no chat template: a question and its answer are laid out as plain text, a newline between"
"""Said wherever a model without one is trained or measured: its figures are those of that layout."""

Layout = Literal["template", "plain"]


def layout(tokenizer: PreTrainedTokenizerBase) -> Layout:
    """How a question and its answer are laid out: by the tokenizer's chat template, or as plain text."""
    return "plain" if tokenizer.chat_template is None else "template"


class TooLong(InputError):
    """A row that does not fit the maximal length, however short its trace is cut (exit code 2)."""


@dataclass(frozen=True)
class Encoded:
    """One row as token ids: prompt, then what the assistant says. Labels are all tokens after the prompt."""

    ids: tuple[int, ...]
    prompt: int
    """Number of tokens without a label, at least 1: the prompt, and a trace that is given as context."""
    trace: int = 0
    """Number of tokens after the prompt that belong to the reasoning trace, both markers included."""

    @property
    def labels(self) -> int:
        """Number of labeled tokens; the end token is one of them."""
        return len(self.ids) - self.prompt


class ChatEncoder:
    """Renders rows for one tokenizer and one maximal length.

    With a chat template (`layout` is "template"): the prompt is the template's rendering of the user's turn with the
    generation prompt; the answer follows, then the end token. The template alone places the BOS token, so there is
    exactly one or none.

    Without one (`layout` is "plain"): BOS if the tokenizer puts one before a text, the question, a newline; then, with
    labels, the answer and the end token. Question with newline, and answer, are tokenized apart.

    A text, whose question is empty, is plain in both: BOS if the tokenizer puts one before a text; then, with labels,
    the text and the end token. Without a BOS nothing predicts the first token, which then carries no label.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        *,
        style: Style | None = None,
        trace_tokens: int | None = None,
    ) -> None:
        """`style`: of the marks of a reasoning trace (`data/markers.py`); None for the first whose tokens the tokenizer
        knows. `trace_tokens`: most tokens of a trace, marks not counted; None for as many as fit.
        """
        if tokenizer.eos_token_id is None:
            raise InputError("the tokenizer has no end token", fix="set eos_token in tokenizer_config.json")
        self.tokenizer, self.max_length, self.trace_tokens = tokenizer, max_length, trace_tokens
        self.style: Style = style or style_of(tokenizer)
        self._prompts: dict[tuple[str, tuple[Turn, ...]], tuple[int, ...]] = {}

    @property
    def layout(self) -> Layout:
        """How a question and its answer are laid out."""
        return layout(self.tokenizer)

    def prompt(self, question: str, history: tuple[Turn, ...] = ()) -> tuple[int, ...]:
        """Token ids of the user's turn, and of those before it, up to where the assistant begins to speak.

        For a text, whose question is empty: BOS, or nothing.
        """
        if not question:
            return self._bos
        if (question, history) not in self._prompts:
            self._prompts[question, history] = self._asked(question, history)
        return self._prompts[question, history]

    def _asked(self, question: str, history: tuple[Turn, ...]) -> tuple[int, ...]:
        turns = [*(turn.model_dump() for turn in history), {"role": "user", "content": question}]
        if self.layout == "plain":
            return (*self._bos, *self._ids("".join(f"{turn['content']}\n" for turn in turns)))
        try:
            text = str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        except TemplateError as error:
            raise InputError(
                f"the tokenizer's chat template cannot be used: {str(error).partition(chr(10))[0]}",
                where=f"{self.tokenizer.name_or_path}: chat_template.jinja, or chat_template in tokenizer_config.json",
                fix="mend it, or copy it from the model it was made for; without one, rows are laid out as plain text"
                + ("; or take the turns before the question out of the rows" if history else ""),
            ) from error
        return self._ids(text)

    @cached_property
    def _bos(self) -> tuple[int, ...]:
        """The BOS token, if the tokenizer puts one before a text."""
        special = list(self.tokenizer("")["input_ids"])
        bos = self.tokenizer.bos_token_id
        return (int(bos),) if bos is not None and special[:1] == [bos] else ()

    def thought(self, begun: str) -> tuple[int, ...]:
        """Token ids of an answer that begins with a thought, as far as that goes; none for no thought."""
        return (*self._marks[0], *self._ids(begun)) if begun else ()

    def begun(self, trace: str | None, response: str = "") -> tuple[int, ...]:
        """Token ids of an output that begins with this trace, whole (or empty) and closed, and this response.

        `trace` None: with the response alone, without the marks of a trace.
        """
        said = self._ids(response) if response else ()
        if trace is None:
            return said
        opening, closing = self._marks
        return (*opening, *(self._ids(trace) if trace else ()), *closing, *said)

    def rest(self, context: tuple[int, ...], text: str, *, where: str) -> Encoded:
        """What follows token ids that are given: the text and the end token, labeled. Raises `TooLong`."""
        return self._encoded(context, (), self._ids(text), where)

    def answer(
        self,
        question: str,
        answer: str,
        *,
        where: str,
        history: tuple[Turn, ...] = (),
        trace: str = "",
        given: str = "",
        label_trace: bool = True,
    ) -> Encoded:
        """The question, after the turns before it, and what the assistant says: the answer, after a reasoning trace
        where there is one.

        An empty question makes the answer a text, see above.

        Where all this is longer than `max_length`, the trace is shortened and the answer stays whole. (TRU's released
        code cuts at the end, which can cut the refusal off.) Raises `TooLong`, naming `where`, when the answer does
        not fit even so. Without `label_trace` the trace is context like the prompt, and only the answer is labeled;
        `given`, where the trace begins with it, is context too.
        """
        prompt, rest = self.prompt(question, history), self._ids(answer)
        if not trace:
            return self._encoded(prompt, (), rest, where)
        opening, closing = self._marks
        room = max(0, self.max_length - len(prompt) - len(opening) - len(closing) - len(rest) - 1)
        room = room if self.trace_tokens is None else min(room, self.trace_tokens)
        begun = self._ids(given) if given and trace.startswith(given) else ()
        thought = (*begun, *self._ids(trace[len(given) :] if begun else trace))[:room]
        encoded = self._encoded(prompt, (*opening, *thought, *closing), rest, where)
        context = encoded.trace if not label_trace else len(opening) + len(begun) if begun else 0
        context = min(context, encoded.trace)
        return Encoded(encoded.ids, encoded.prompt + context, encoded.trace - context)

    def _encoded(self, prompt: tuple[int, ...], trace: tuple[int, ...], rest: tuple[int, ...], where: str) -> Encoded:
        ids = (*prompt, *trace, *rest, int(self.tokenizer.eos_token_id))
        if len(ids) > self.max_length:
            raise TooLong(
                "a row does not fit the maximal length; its answer would be cut off",
                where=where,
                value=f"{len(ids)} tokens",
                allowed=f"{self.max_length} tokens (train.max_length)",
                fix="raise train.max_length, or split the row",
            )
        # Some token has to stand before the first that is predicted.
        context = max(len(prompt), 1)
        return Encoded(ids, context, max(len(prompt) + len(trace) - context, 0))

    @cached_property
    def _marks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids of what stands before the trace, and between trace and response."""
        markers = STYLES[self.style]
        unknown = next((token for token in markers.tokens if len(self._ids(token)) != 1), None)
        if unknown is not None:
            raise InputError(
                "the tokenizer does not know the marker of the reasoning trace as one token",
                where="train.trace_style",
                value=unknown,
                fix="take train.trace_style=plain, or added, which adds tokens; or add it to the tokenizer",
            )
        return self._ids(markers.before), self._ids(markers.between)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def style_of(tokenizer: PreTrainedTokenizerBase) -> Style:
    """The style of the marks of a reasoning trace: the first whose tokens the tokenizer knows."""
    known = tokenizer.get_vocab()
    return next(style for style, markers in STYLES.items() if all(token in known for token in markers.tokens))


def marked(encoded: Encoded, decode: Callable[[list[int]], str]) -> str:
    """A row as the model sees it, with what carries a label in double brackets."""
    prompt, said = list(encoded.ids[: encoded.prompt]), list(encoded.ids[encoded.prompt :])
    return f"{decode(prompt)}⟦{decode(said)}⟧"
