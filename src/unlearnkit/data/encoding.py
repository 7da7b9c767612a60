"""Encode rows as labeled tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.layout import ANSWER, TODAY, TRACE, Conversation, Message, chat_template, shared_length
from unlearnkit.data.rows import Row, Turn
from unlearnkit.data.trace_format import STYLES, Style

PLAIN = "the tokenizer has no chat template, so a question and its answer become plain text, separated by a newline"
"""Message that the user gets for every model without a chat template. Scores of such a model hold only for this prompt
layout."""

Layout = Literal["template", "plain"]


def layout(tokenizer: PreTrainedTokenizerBase) -> Layout:
    """Return the layout of rows: the tokenizer's chat template or plain text."""
    return "template" if tokenizer.chat_template else "plain"


def layout_notes(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Return sentences on what is unusual about the layout of rows."""
    template = chat_template(tokenizer)
    if template is None:
        return [PLAIN]
    found = []
    try:
        if template.opening is not None:
            found.append(
                "the chat template has no generation prompt, so the model is given the text that the template writes "
                "between a question and its answer"
            )
        if template.drops_system:
            found.append("the chat template leaves out system turns, so system prompts have no effect")
        if template.writes_date:
            found.append(f"the chat template writes today's date; the fixed date {TODAY:%Y-%m-%d} is written instead")
    except InputError:
        return []  # the template cannot be used, which the rows report
    return found


class TooLong(InputError):
    """A row exceeds the maximum length (exit code 2).

    The row would be too long even with an empty trace.
    """


@dataclass(frozen=True)
class Encoded:
    """A row as token ids: the prompt, followed by the labeled output."""

    ids: tuple[int, ...]
    prompt: int
    """Number of unlabeled tokens, at least 1: the prompt, and the part of the output that is context."""
    trace: int = 0
    """Number of labeled tokens that belong to the reasoning trace, including the trace markers."""
    composed: bool = False
    """Whether the row was composed from the scope. Composed rows are the last rows of a view."""
    doubtful: int = 0
    """Number of labeled tokens, at the end of the row, that may be wrong. The training keeps the reference model's
    distribution there, and does not learn the labels (see the retain term `nll_kl`)."""

    @property
    def labels(self) -> int:
        """Number of labeled tokens, including the end-of-turn token."""
        return len(self.ids) - self.prompt


class ChatEncoder:
    """Encode rows for one tokenizer and one maximum length.

    With a chat template (`layout` is "template"), a row is the conversation as the template lays it out, tokenized as a
    whole. The labels start where the template marks the generated text, or else after the generation prompt, and end
    with the end-of-turn token. If the template writes reasoning traces itself, a trace is laid out by the template.
    Otherwise, the trace is put between the markers of `style`, in front of the answer.

    Without a chat template (`layout` is "plain"), a row consists of the BOS token (if the tokenizer puts a BOS token
    before a text), the question, a newline, the answer and the end token. The text is tokenized as a whole. The labels
    start with the first token that contains a character of the output.

    A text row is a row with an empty question. In both layouts, a text row consists of the BOS token (if the tokenizer
    puts a BOS token before a text), the text, and the end token, which is left out if the text continues in another
    row. The text and the end token have labels. Without a BOS token, the first token of the text has no label, because
    there is no earlier token to predict it from.
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
            style: style of the trace's markers (`data/trace_format.py`). If None, the encoder uses the layout of the
                chat template, or else the first style whose tokens the tokenizer knows.
            trace_tokens: maximum number of tokens of a trace, not counting the markers. If None, only `max_length`
                limits the trace.
        """
        if tokenizer.eos_token_id is None:
            raise InputError("the tokenizer has no end token", fix="set eos_token in tokenizer_config.json")
        self.tokenizer, self.max_length, self.trace_tokens = tokenizer, max_length, trace_tokens
        self.style: Style = style or style_of(tokenizer)
        self.template, self._may_be_native = chat_template(tokenizer), style in (None, "think")
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
        if (question, history) not in self._prompts:
            self._prompts[question, history] = self._tokenize(self._prompt_text(question, history), question).ids
        return self._prompts[question, history]

    def begin(
        self,
        question: str,
        history: tuple[Turn, ...] = (),
        *,
        trace: str | None,
        response: str = "",
        closed: bool = True,
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Encode the prompt and the beginning of an output.

        Args:
            question: the user's turn.
            history: the turns before the question.
            trace: the reasoning trace, which may be empty; None if the output has no trace.
            response: the beginning of the response.
            closed: whether the trace is complete. If False, the output ends within the trace.

        Returns:
            The token ids of the prompt, and the token ids with which the output begins. Together they are the tokens of
            the whole text if the tokens of the prompt are the beginning of the latter.
        """
        trace = "" if trace is not None and not trace.strip() else trace
        laid = self._lay(question, history, response or ANSWER, trace)
        end = (laid.end if response else laid.answer) if closed else laid.trace_end
        prompt, whole = self.prompt(question, history), self._tokenize(laid.text[:end], question).ids
        if whole[: len(prompt)] == prompt:
            return prompt, whole[len(prompt) :]
        start = len(self._prompt_text(question, history))
        if not laid.text.startswith(self._prompt_text(question, history)):
            start, prompt = laid.start, self._tokenize(laid.text[: laid.start], question).ids
        return prompt, self._ids(laid.text[start:end])

    def answer(
        self,
        question: str,
        answer: str,
        *,
        where: str,
        history: tuple[Turn, ...] = (),
        trace: str = "",
        empty_trace: bool = False,
        prefix: str = "",
        label_trace: bool = True,
        given: str = "",
        continues: bool = False,
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
            empty_trace: whether to write the markers of a trace if `trace` is empty.
            prefix: the part at the beginning of the trace that has no labels, because it is context, like the prompt.
                If the trace does not begin with `prefix`, `prefix` is ignored.
            label_trace: whether the trace has labels. If False, the whole trace is context, like the prompt, and only
                the answer is labeled.
            given: beginning of the answer that has no labels, because it is context.
            continues: whether the text of a text row goes on after the row. If so, the row has no end token.

        Raises:
            TooLong: the row does not fit even with an empty trace.
        """
        trace = trace if trace.strip() else ""
        written = trace if trace or empty_trace else None
        try:
            laid = self._lay(question, history, answer, written)
        except InputError as error:
            if error.where is not None:
                raise  # an error of the template, not of the row
            raise InputError(error.what, where=where, allowed=error.allowed, fix=error.fix) from error
        tokens = self._tokenize(laid.text, question, ends=not continues)
        while trace:
            trace = laid.text[laid.trace : laid.trace_end]
            first, last = tokens.first(laid.trace), tokens.first(laid.trace_end)
            limit = self.max_length - (len(tokens.ids) - (last - first))
            limit = max(0, limit if self.trace_tokens is None else min(limit, self.trace_tokens))
            if last - first <= limit:
                break
            trace = trace[: min(len(trace) - 1, tokens.length(first, limit, last, laid.trace, len(trace)))]
            laid = self._lay(question, history, answer, trace)
            tokens = self._tokenize(laid.text, question, ends=not continues)
        if len(tokens.ids) == 1:  # without the end token, no token would have a label
            tokens = self._tokenize(laid.text, question, ends=True)
        ids = tokens.ids
        if len(ids) > self.max_length:
            raise TooLong(
                "a row does not fit the maximum length, so its answer would be cut off",
                where=where,
                value=f"{len(ids)} tokens",
                allowed=f"{self.max_length} tokens (train.max_length)",
                fix="raise train.max_length, or split the row",
            )
        start = laid.start
        if given or (written is not None and not label_trace):
            removed = max(0, answer.find(laid.text[laid.answer : laid.end]))  # white space that the template removed
            start = laid.answer + max(0, len(given) - removed)
        elif trace and prefix and trace.startswith(prefix):
            start = laid.trace + len(prefix)
        # A labeled token is predicted from the preceding token, so the first token of a row cannot have a label.
        context = max(tokens.first(start), 1)
        return Encoded(ids, context, max(0, tokens.first(laid.answer) - context))

    def row(self, row: Row, *, where: str, label_trace: bool = True) -> Encoded:
        """Encode a row with its own answer and trace; see `answer`."""
        return self.answer(
            row.question,
            row.answer,
            where=where,
            history=row.history,
            trace=row.trace,
            label_trace=label_trace,
            continues=row.continues,
        )

    def merges(self, question: str, answer: str, history: tuple[Turn, ...] = ()) -> bool:
        """Return whether the tokenizer joins the prompt's end with the output.

        The tokens of the prompt alone are then not the first tokens of the row, so the row is trained with other tokens
        than the model is given in generation.
        """
        prompt = self.prompt(question, history)
        return self._tokenize(self._lay(question, history, answer, None).text, question).ids[: len(prompt)] != prompt

    def _prompt_text(self, question: str, history: tuple[Turn, ...]) -> str:
        if not question:
            return ""
        turns = _messages(question, history)
        if self.template is None:
            return "".join(f"{turn['content']}\n" for turn in turns)
        return self.template.prompt(turns)

    def _lay(self, question: str, history: tuple[Turn, ...], answer: str, trace: str | None) -> Conversation:
        """Lay out a row as text.

        A trace that is not None is written even if it is empty.
        """
        if self.template is None or not question:
            prompt = self._prompt_text(question, history)
            start, end = len(prompt), len(prompt) + len(answer)
            laid = Conversation(prompt + answer, start, start, start, start, end)
        elif trace is not None and self._template_writes_traces:
            laid = self.template.conversation(_messages(question, history), answer, trace or TRACE)
            return laid if trace else laid.without_trace()
        else:
            laid = self.template.conversation(_messages(question, history), answer)
        return laid if trace is None else laid.with_trace(trace, *self._markers)

    @cached_property
    def _template_writes_traces(self) -> bool:
        return self._may_be_native and self.template is not None and self.template.trace_field is not None

    @cached_property
    def _markers(self) -> tuple[str, str]:
        """The two trace markers: the opening, then the closing."""
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
        return markers.before, markers.between

    @cached_property
    def _bos(self) -> tuple[int, ...]:
        """Id of the BOS token that the tokenizer puts before a text.

        The value is a tuple of this id, or an empty tuple if the tokenizer adds no BOS token.
        """
        special = list(self.tokenizer("")["input_ids"])
        bos = self.tokenizer.bos_token_id
        return (int(bos),) if bos is not None and special[:1] == [bos] else ()

    def _tokenize(self, text: str, question: str, *, ends: bool = False) -> _Tokens:
        """Tokenize the text of a row.

        Rows without a template, and text rows, begin with the BOS token. With `ends`, they end with the end token.
        """
        bare = self.template is None or not question
        bos = self._bos if bare else ()
        eos = (int(self.tokenizer.eos_token_id),) if bare and ends else ()
        if not self.tokenizer.is_fast:
            return _Tokens((*bos, *self._ids(text), *eos), lambda at: (*bos, *self._ids(text[:at])))
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        stops = [end for _, end in encoded["offset_mapping"]]
        return _Tokens((*bos, *encoded["input_ids"], *eos), [0] * len(bos) + stops + [len(text) + 1] * len(eos))

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])


@dataclass(frozen=True)
class _Tokens:
    """The tokens of a text."""

    ids: tuple[int, ...]
    _ends: Sequence[int] | Callable[[int], tuple[int, ...]]
    """For each token, the offset of the character after the token. For a tokenizer that does not know offsets: a
    function that tokenizes the beginning of the text."""

    def first(self, at: int) -> int:
        """Return the index of the first token that reaches an offset.

        This token contains the character at the offset, or a later character.
        """
        if callable(self._ends):
            return shared_length(self._ends(at), self.ids)
        return bisect_right(self._ends, at)

    def length(self, first: int, tokens: int, last: int, start: int, characters: int) -> int:
        """Return how many characters of a part its first tokens cover.

        The part starts at the offset `start`, has `characters` characters, and has the tokens `first` to `last`
        (exclusive). Without offsets, the result is estimated.
        """
        if tokens == 0:
            return 0
        if callable(self._ends):
            return characters * tokens // (last - first)
        return self._ends[first + tokens - 1] - start


def _messages(question: str, history: tuple[Turn, ...]) -> list[Message]:
    return [*(turn.model_dump() for turn in history), {"role": "user", "content": question}]


def merged_rows(encoder: ChatEncoder, rows: Iterable[Row]) -> tuple[int, int]:
    """Count the rows in which prompt and answer share a token.

    Returns:
        The number of these rows, and the number of rows with a question.
    """
    found = [encoder.merges(row.question, row.answer, row.history) for row in rows if row.question]
    return sum(found), len(found)


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
