"""Encode rows as labeled tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Turn
from unlearnkit.data.trace_format import STYLES, Style

PLAIN = "the tokenizer has no chat template: a question and its answer are laid out as plain text, a newline between"
"""The note shown for every model without a chat template: its numbers are those of this layout."""

Layout = Literal["template", "plain"]


def layout(tokenizer: PreTrainedTokenizerBase) -> Layout:
    """Return whether rows use the chat template or plain text."""
    return "plain" if tokenizer.chat_template is None else "template"


class TooLong(InputError):
    """A row exceeds the maximum length (exit code 2).

    It does so even with its trace cut.
    """


@dataclass(frozen=True)
class Encoded:
    """A row as token ids: the prompt, then labeled output."""

    ids: tuple[int, ...]
    prompt: int
    """Number of tokens without a label, at least 1: the prompt, and any part of the trace that is context."""
    trace: int = 0
    """Number of tokens after the prompt that belong to the reasoning trace, including both markers."""

    @property
    def labels(self) -> int:
        """Number of labeled tokens, including the end token."""
        return len(self.ids) - self.prompt


class ChatEncoder:
    """Encode rows for one tokenizer and one maximum length.

    With a chat template (`layout` is "template"): the prompt is the template's rendering of the user's turn with the
    generation prompt; the answer follows, then the end token. Only the template adds the BOS token, so there is
    exactly one or none.

    Without one (`layout` is "plain"): BOS if the tokenizer adds one before a text, the question, a newline; then, with
    labels, the answer and the end token. The question with its newline and the answer are tokenized separately.

    A text, whose question is empty, is plain in both: BOS if the tokenizer adds one before a text; then, with labels,
    the text and the end token. Without a BOS nothing predicts the first token, which then has no label.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        *,
        style: Style | None = None,
        trace_tokens: int | None = None,
    ) -> None:
        """Create an encoder.

        Args:
            tokenizer: the model's tokenizer.
            max_length: maximum number of tokens of a row.
            style: style of the trace's marks (`data/trace_format.py`); None for the first whose tokens the tokenizer
                has.
            trace_tokens: maximum number of tokens of a trace without its marks; None for as many as fit.
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
        """Return the token ids up to where the assistant's turn begins.

        These are the earlier turns and the user's turn. For a text, whose question is empty: BOS, or nothing.
        """
        if not question:
            return self._bos
        if (question, history) not in self._prompts:
            self._prompts[question, history] = self._render_prompt(question, history)
        return self._prompts[question, history]

    def _render_prompt(self, question: str, history: tuple[Turn, ...]) -> tuple[int, ...]:
        turns = [*(turn.model_dump() for turn in history), {"role": "user", "content": question}]
        if self.layout == "plain":
            return (*self._bos, *self._ids("".join(f"{turn['content']}\n" for turn in turns)))
        try:
            text = str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        except TemplateError as error:
            raise InputError(
                f"the tokenizer's chat template cannot be used: {str(error).partition(chr(10))[0]}",
                where=f"{self.tokenizer.name_or_path}: chat_template.jinja, or chat_template in tokenizer_config.json",
                fix="correct it, or copy it from the model it is for; without one, rows are laid out as plain text"
                + ("; or remove the turns before the question from the rows" if history else ""),
            ) from error
        return self._ids(text)

    @cached_property
    def _bos(self) -> tuple[int, ...]:
        """The BOS token, if the tokenizer adds one before a text."""
        special = list(self.tokenizer("")["input_ids"])
        bos = self.tokenizer.bos_token_id
        return (int(bos),) if bos is not None and special[:1] == [bos] else ()

    def open_trace(self, prefix: str) -> tuple[int, ...]:
        """Return the token ids of an unclosed trace with this beginning.

        An empty beginning gives no tokens.
        """
        return (*self._marks[0], *self._ids(prefix)) if prefix else ()

    def prefill(self, trace: str | None, response: str = "") -> tuple[int, ...]:
        """Return the token ids of a closed trace and a response.

        An output that the model is made to start with. An empty `trace` is an empty trace between its marks. None: the
        response alone, without the marks of a trace.
        """
        response_ids = self._ids(response) if response else ()
        if trace is None:
            return response_ids
        opening, closing = self._marks
        return (*opening, *(self._ids(trace) if trace else ()), *closing, *response_ids)

    def continuation(self, context: tuple[int, ...], text: str, *, where: str) -> Encoded:
        """Return the text and the end token, labeled, after `context`.

        Raises `TooLong`.
        """
        return self._encoded(context, (), self._ids(text), where)

    def answer(
        self,
        question: str,
        answer: str,
        *,
        where: str,
        history: tuple[Turn, ...] = (),
        trace: str = "",
        prefix: str = "",
        label_trace: bool = True,
    ) -> Encoded:
        """Encode a question, an optional trace, and the answer.

        The turns before the question come first. With an empty question the answer is a text, see the class.

        If all this is longer than `max_length`, the trace is cut and the answer stays whole. (TRU's released code cuts
        at the end, which can cut off the refusal.)

        Args:
            question: the user's turn.
            answer: the assistant's answer.
            where: name of the row in errors.
            history: the turns before the question.
            trace: the reasoning trace; empty for none.
            prefix: context without a label, if the trace begins with it.
            label_trace: False makes the whole trace context, like the prompt; only the answer is labeled.

        Raises:
            TooLong: the answer does not fit even without the trace.
        """
        prompt, rest = self.prompt(question, history), self._ids(answer)
        if not trace:
            return self._encoded(prompt, (), rest, where)
        opening, closing = self._marks
        room = max(0, self.max_length - len(prompt) - len(opening) - len(closing) - len(rest) - 1)
        room = room if self.trace_tokens is None else min(room, self.trace_tokens)
        prefix_ids = self._ids(prefix) if prefix and trace.startswith(prefix) else ()
        trace_ids = (*prefix_ids, *self._ids(trace[len(prefix) :] if prefix_ids else trace))[:room]
        encoded = self._encoded(prompt, (*opening, *trace_ids, *closing), rest, where)
        context = encoded.trace
        if label_trace:
            context = min(context, len(opening) + len(prefix_ids) if prefix_ids else 0)
        return Encoded(encoded.ids, encoded.prompt + context, encoded.trace - context)

    def _encoded(self, prompt: tuple[int, ...], trace: tuple[int, ...], rest: tuple[int, ...], where: str) -> Encoded:
        ids = (*prompt, *trace, *rest, int(self.tokenizer.eos_token_id))
        if len(ids) > self.max_length:
            raise TooLong(
                "a row does not fit the maximum length; its answer would be cut off",
                where=where,
                value=f"{len(ids)} tokens",
                allowed=f"{self.max_length} tokens (train.max_length)",
                fix="raise train.max_length, or split the row",
            )
        # The first predicted token needs one before it.
        context = max(len(prompt), 1)
        return Encoded(ids, context, max(len(prompt) + len(trace) - context, 0))

    @cached_property
    def _marks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids of the two trace marks."""
        markers = STYLES[self.style]
        unknown = next((token for token in markers.tokens if len(self._ids(token)) != 1), None)
        if unknown is not None:
            raise InputError(
                "the tokenizer does not have the marker of the reasoning trace as one token",
                where="train.trace_style",
                value=unknown,
                fix="use train.trace_style=plain, or added, which adds tokens; or add it to the tokenizer",
            )
        return self._ids(markers.before), self._ids(markers.between)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def style_of(tokenizer: PreTrainedTokenizerBase) -> Style:
    """Return the first style of trace marks whose tokens the tokenizer has."""
    known = tokenizer.get_vocab()
    return next(style for style, markers in STYLES.items() if all(token in known for token in markers.tokens))


def marked(encoded: Encoded, tokenizer: PreTrainedTokenizerBase) -> str:
    """Show a row as the model sees it.

    The labeled part is in double brackets.
    """
    prompt, labeled = list(encoded.ids[: encoded.prompt]), list(encoded.ids[encoded.prompt :])
    return f"{tokenizer.decode(prompt)}⟦{tokenizer.decode(labeled)}⟧"
