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

PLAIN = "the tokenizer has no chat template, so a question and its answer become plain text, separated by a newline"
"""Message that the user gets for every model without a chat template. Scores of such a model hold only for this prompt
layout."""

Layout = Literal["template", "plain"]


def layout(tokenizer: PreTrainedTokenizerBase) -> Layout:
    """Return the layout of rows: the tokenizer's chat template or plain text."""
    return "plain" if tokenizer.chat_template is None else "template"


class TooLong(InputError):
    """A row exceeds the maximum length (exit code 2).

    The row would be too long even with an empty trace.
    """


@dataclass(frozen=True)
class Encoded:
    """A row as token ids: the prompt, followed by the labeled output."""

    ids: tuple[int, ...]
    prompt: int
    """Number of unlabeled tokens, at least 1: the prompt, and the part of the trace that is context."""
    trace: int = 0
    """Number of labeled tokens that belong to the reasoning trace, including the trace markers."""

    @property
    def labels(self) -> int:
        """Number of labeled tokens, including the end token."""
        return len(self.ids) - self.prompt


class ChatEncoder:
    """Encode rows for one tokenizer and one maximum length.

    With a chat template (`layout` is "template"), the prompt is the output of the template for all turns up to the
    user's turn, including the generation prompt. The answer and the end token follow, with labels. The encoder adds no
    BOS token to the output of the template, so the prompt never has two BOS tokens.

    Without a chat template (`layout` is "plain"), the prompt consists of the BOS token (if the tokenizer puts a BOS
    token before a text), the question, and a newline. The answer and the end token follow, with labels. The question
    with its newline is tokenized separately from the answer.

    A text row is a row with an empty question. In both layouts, a text row consists of the BOS token (if the tokenizer
    puts a BOS token before a text), the text, and the end token. The text and the end token have labels. Without a BOS
    token, the first token of the text has no label, because there is no earlier token to predict it from.
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
            style: style of the trace's markers (`data/trace_format.py`). If None, the encoder uses the first style
                whose tokens the tokenizer knows.
            trace_tokens: maximum number of tokens of a trace, not counting the markers. If None, only `max_length`
                limits the trace.
        """
        if tokenizer.eos_token_id is None:
            raise InputError("the tokenizer has no end token", fix="set eos_token in tokenizer_config.json")
        self.tokenizer, self.max_length, self.trace_tokens = tokenizer, max_length, trace_tokens
        self.style: Style = style or style_of(tokenizer)
        self._prompts: dict[tuple[str, tuple[Turn, ...]], tuple[int, ...]] = {}

    @property
    def layout(self) -> Layout:
        """The layout of a question and its answer: `template` or `plain`."""
        return layout(self.tokenizer)

    def prompt(self, question: str, history: tuple[Turn, ...] = ()) -> tuple[int, ...]:
        """Return the token ids that precede the assistant's turn.

        These are the tokens of the earlier turns and of the user's turn. If the question is empty, the row is a text.
        The result is then the BOS token, or an empty tuple if the tokenizer adds no BOS token.
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
                fix="correct the template, or copy the original model's; without a template, rows become plain text"
                + ("; or remove the turns before the question from the rows" if history else ""),
            ) from error
        return self._ids(text)

    @cached_property
    def _bos(self) -> tuple[int, ...]:
        """Id of the BOS token that the tokenizer puts before a text.

        The value is a tuple of this id, or an empty tuple if the tokenizer adds no BOS token.
        """
        special = list(self.tokenizer("")["input_ids"])
        bos = self.tokenizer.bos_token_id
        return (int(bos),) if bos is not None and special[:1] == [bos] else ()

    def open_trace(self, prefix: str) -> tuple[int, ...]:
        """Return the token ids of the opening trace marker and of `prefix`.

        The result is empty if `prefix` is empty.
        """
        return (*self._marks[0], *self._ids(prefix)) if prefix else ()

    def prefill(self, trace: str | None, response: str = "") -> tuple[int, ...]:
        """Return the token ids of a closed trace and a response.

        The model's output is forced to begin with these tokens. If `trace` is an empty string, the result contains both
        trace markers with nothing between them. If `trace` is None, the result is the response without trace markers.
        """
        response_ids = self._ids(response) if response else ()
        if trace is None:
            return response_ids
        opening, closing = self._marks
        return (*opening, *(self._ids(trace) if trace else ()), *closing, *response_ids)

    def continuation(self, context: tuple[int, ...], text: str, *, where: str) -> Encoded:
        """Encode an unlabeled context that is followed by a labeled text.

        The end token follows the text and is also labeled.

        Args:
            context: token ids of the context.
            text: the text to encode.
            where: name of the row, for error messages.

        Raises:
            TooLong: the row exceeds `max_length`.
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

        If the question is empty, the answer is encoded as a text row; see `ChatEncoder`.

        If the row is longer than `max_length`, the trace is shortened and the answer stays whole. (TRU's released code
        instead cuts off the end of the row, so the refusal may be lost.)

        Args:
            question: the user's turn.
            answer: the assistant's answer.
            where: name of the row, for error messages.
            history: the turns before the question.
            trace: the reasoning trace; an empty string if the row has no trace.
            prefix: the part at the beginning of the trace that has no labels, because it is context, like the prompt.
                If the trace does not begin with `prefix`, `prefix` is ignored.
            label_trace: whether the trace has labels. If False, the whole trace is context, like the prompt, and only
                the answer is labeled.

        Raises:
            TooLong: the row does not fit even with an empty trace.
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
                "a row does not fit the maximum length, so its answer would be cut off",
                where=where,
                value=f"{len(ids)} tokens",
                allowed=f"{self.max_length} tokens (train.max_length)",
                fix="raise train.max_length, or split the row",
            )
        # A labeled token is predicted from the preceding token, so the first token of a row cannot have a label.
        context = max(len(prompt), 1)
        return Encoded(ids, context, max(len(prompt) + len(trace) - context, 0))

    @cached_property
    def _marks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids of the two trace markers: the opening, then the closing."""
        markers = STYLES[self.style]
        unknown = next((token for token in markers.tokens if len(self._ids(token)) != 1), None)
        if unknown is not None:
            raise InputError(
                "a marker of the reasoning trace is not a single token of the tokenizer",
                where="train.trace_style",
                value=unknown,
                fix="use train.trace_style=plain; or use train.trace_style=added, which adds its own markers to the "
                "tokenizer; or add the missing marker to the tokenizer yourself",
            )
        return self._ids(markers.before), self._ids(markers.between)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def style_of(tokenizer: PreTrainedTokenizerBase) -> Style:
    """Return the first trace style whose tokens the tokenizer knows."""
    known = tokenizer.get_vocab()
    return next(style for style, markers in STYLES.items() if all(token in known for token in markers.tokens))


def marked(encoded: Encoded, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return an encoded row as text, including special tokens.

    The labeled part of the row is in double brackets.
    """
    prompt, labeled = list(encoded.ids[: encoded.prompt]), list(encoded.ids[encoded.prompt :])
    return f"{tokenizer.decode(prompt)}⟦{tokenizer.decode(labeled)}⟧"
