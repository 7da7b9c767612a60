"""Lay out conversations as text, exactly as the tokenizer's chat template does.

What a template writes around an answer is found out once, with placeholders. Rows are then rendered as whole
conversations, and the labeled part of the text is located by character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

from transformers import PreTrainedTokenizerBase
from transformers.utils.chat_template_utils import render_jinja_template

from unlearnkit.core.errors import InputError

TODAY = date(2026, 1, 1)
"""Date that templates write if they write today's date. It is fixed, so that a row has the same tokens on every day."""

QUESTION, ANSWER, TRACE, NEXT = "Zquestionq", "Zanswerq", "Zreasoningq", "Zfollowingq"
"""Placeholders for the question, the answer, the reasoning trace and the next user turn. No template contains them."""

_SHOWN = {QUESTION: "QUESTION", ANSWER: "ANSWER", TRACE: "REASONING", NEXT: "NEXT QUESTION"}

_render_jinja: Any = render_jinja_template  # its annotations do not match what it takes and returns
Message = dict[str, Any]
TraceField = Literal["reasoning_content", "thinking"]
"""Field of a message in which a template expects the reasoning trace."""


@dataclass(frozen=True)
class Conversation:
    """A conversation as text, with the offsets of its parts in characters."""

    text: str
    """The text up to the end of the answer's turn, including the text that ends the turn."""
    start: int
    """Where the labels start: after the prompt."""
    trace: int
    """Where the text of the trace starts; equal to `answer` if there is no trace."""
    trace_end: int
    """Where the text of the trace ends."""
    answer: int
    """Where the answer starts."""
    end: int
    """Where the answer ends. White space that the template removes is not part of the answer."""

    def with_trace(self, trace: str, before: str, between: str) -> Conversation:
        """Insert a trace between two markers in front of the answer."""
        text = f"{self.text[: self.answer]}{before}{trace}{between}{self.text[self.answer :]}"
        at = self.answer + len(before)
        longer = len(before) + len(trace) + len(between)
        return Conversation(text, self.start, at, at + len(trace), self.answer + longer, self.end + longer)

    def without_trace(self) -> Conversation:
        """Remove the text of the trace, so that the trace is empty."""
        text, shorter = self.text[: self.trace] + self.text[self.trace_end :], self.trace_end - self.trace
        return Conversation(text, self.start, self.trace, self.trace, self.answer - shorter, self.end - shorter)


class ChatTemplate:
    """The layout of conversations that a tokenizer's chat template defines.

    Raises:
        InputError: the template cannot be used. The message shows the layout of a placeholder conversation, never a
            row.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer

    def prompt(self, turns: Sequence[Message]) -> str:
        """Return the text before the assistant's turn, with the generation prompt.

        If the template has no generation prompt, the text ends where the answer would start.
        """
        text = self._render(turns, prompt=True)
        return text if self.opening is None else text + self.opening

    def conversation(self, turns: Sequence[Message], answer: str, trace: str = "") -> Conversation:
        """Lay out a conversation that ends with an answer.

        Args:
            turns: the messages before the answer, each with a role and its content.
            answer: the assistant's answer.
            trace: the reasoning trace; requires `trace_field`.

        Raises:
            InputError: the template changes the answer or the trace, so neither can be located in the text.
        """
        message: Message = {"role": "assistant", "content": answer}
        if trace:
            message[self.trace_field or "reasoning_content"] = trace
        text, marks = self._render_marked([*turns, message])
        end = len(text) - len(self._tail)
        form = _form(answer, lambda each: text.endswith(each, 0, end), "answer")
        prompt = self.prompt(turns)
        # The marks of earlier answers come first.
        if marked := [first for first, _ in marks[len(self._render_marked(turns)[1]) :] if first < end]:
            start = marked[0]
        elif text.startswith(prompt):
            start = len(prompt)
        else:
            raise self._mismatch(trace=bool(trace))
        trace_at = trace_end = answer_at = end - len(form)
        if trace:
            trace_at = start + self._before_trace if trace != TRACE else text.index(TRACE, start)
            trace_end = trace_at + len(_form(trace, lambda each: text.startswith(each, trace_at), "reasoning trace"))
        return Conversation(text[:end] + self.end_of_turn, start, trace_at, trace_end, answer_at, end)

    @cached_property
    def opening(self) -> str | None:
        """Text that opens an assistant's turn without a generation prompt.

        None if the template has a generation prompt, or if nothing but white space opens the turn.
        """
        turns = [{"role": "user", "content": QUESTION}]
        bare, whole = self._render(turns), self._placeholder
        if bare != self._render(turns, prompt=True) or not whole.startswith(bare):
            return None
        opening = whole[len(bare) : whole.rindex(ANSWER)]
        return opening if opening.strip() else None

    @cached_property
    def trace_field(self) -> TraceField | None:
        """Field of a message that the template writes as the trace."""
        for key in get_args(TraceField):
            message = {"role": "assistant", "content": ANSWER, key: TRACE}
            text = self._render([{"role": "user", "content": QUESTION}, message])
            if -1 < text.find(TRACE) < text.rfind(ANSWER):
                return key  # type: ignore[no-any-return]
        return None

    def split(self, text: str) -> tuple[str, str] | None:
        """Split an output into trace and response by the template's markers.

        Returns None if the template writes no traces, or if the output does not begin with these markers.
        """
        if self._markers is None:
            return None
        opening, between, scaffold = self._markers
        text = text.lstrip()
        if opening and text.startswith(opening):
            trace, _, response = text.removeprefix(opening).partition(between)
            return trace.strip(), response.strip()
        if scaffold and text.startswith(scaffold):
            return "", text.removeprefix(scaffold).strip()
        return None

    @cached_property
    def _markers(self) -> tuple[str, str, str] | None:
        """Texts before a trace, after a trace, and before a bare answer.

        None if the template writes no traces, or writes them after another prompt.
        """
        if self.trace_field is None:
            return None
        turns = [{"role": "user", "content": QUESTION}]
        try:
            laid, bare = self.conversation(turns, ANSWER, TRACE), self.conversation(turns, ANSWER)
        except InputError:
            return None
        opening, between = laid.text[laid.start : laid.trace], laid.text[laid.trace_end : laid.answer]
        return opening.strip(), between.strip(), bare.text[bare.start : bare.answer].strip()

    @cached_property
    def end_of_turn(self) -> str:
        """Text that ends an assistant's turn.

        This is the text after the answer up to its first special token, and special tokens that directly follow it.

        If nothing follows the last answer of a conversation, this is the special token that starts the next turn. If
        only ordinary text follows, this is the text with the tokenizer's end token.
        """
        if after := self._to_special(self._tail):
            return after
        if not self._tail.strip():
            turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
            following = self._render([*turns, {"role": "user", "content": NEXT}])
            after = self._to_special(following[following.rindex(ANSWER) + len(ANSWER) :])
        return after if after and NEXT not in after else self._tail.rstrip() + str(self.tokenizer.eos_token)

    @cached_property
    def end_token(self) -> int:
        """Id of the token that ends an assistant's turn (see `end_of_turn`)."""
        return int(self.tokenizer(self.end_of_turn, add_special_tokens=False)["input_ids"][-1])

    @cached_property
    def drops_system(self) -> bool:
        """Whether the template leaves out system turns."""
        turns = [{"role": "system", "content": NEXT}, {"role": "user", "content": QUESTION}]
        try:
            return NEXT not in self._render(turns, prompt=True)
        except InputError:
            return False  # rejected, which is an error for each row

    @cached_property
    def writes_date(self) -> bool:
        """Whether the template writes today's date."""
        turns = [{"role": "user", "content": QUESTION}]
        return self._render(turns) != self._render(turns, today=date(1987, 6, 5))

    @cached_property
    def _parts(self) -> bool:
        """Whether the template expects the content of messages as lists."""
        plain = self._try_render([{"role": "user", "content": QUESTION}])
        if plain is not None and QUESTION in plain:
            return False
        parts = self._try_render([{"role": "user", "content": [{"type": "text", "text": QUESTION}]}])
        return parts is not None and QUESTION in parts

    @cached_property
    def _placeholder(self) -> str:
        """The layout of a conversation of placeholders."""
        text = self._render([{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}])
        if text.count(QUESTION) != 1 or text.count(ANSWER) != 1 or text.index(QUESTION) > text.index(ANSWER):
            raise self._unusable("it does not write each question and answer once, in this order")
        return text

    @cached_property
    def _tail(self) -> str:
        """Text after the last answer of a conversation."""
        return self._placeholder.partition(ANSWER)[2]

    def _to_special(self, text: str) -> str:
        """Return a text up to the end of its first special tokens.

        The result is empty if the text contains no special token.
        """
        places = [(at, token) for token in self._special if (at := text.find(token)) >= 0]
        if not places:
            return ""
        end = min(at for at, _ in places)
        while token := next((token for token in self._special if text.startswith(token, end)), None):
            end += len(token)
        return text[:end]

    @cached_property
    def _before_trace(self) -> int:
        """Number of characters between the prompt and a trace."""
        laid = self.conversation([{"role": "user", "content": QUESTION}], ANSWER, TRACE)
        return laid.trace - laid.start

    @cached_property
    def _special(self) -> tuple[str, ...]:
        """Special and added tokens, longest first."""
        added = (str(token) for token in self.tokenizer.added_tokens_decoder.values())
        tokens = {token for token in (*self.tokenizer.all_special_tokens, *added) if token.strip()}
        return tuple(sorted(tokens, key=len, reverse=True))

    def _try_render(self, turns: Sequence[Message]) -> str | None:
        try:
            return self._raw(turns)[0]
        except Exception:  # noqa: BLE001  # a template may raise anything; the second form of content is tried
            return None

    def _render(self, turns: Sequence[Message], *, prompt: bool = False, today: date = TODAY) -> str:
        return self._render_marked(turns, prompt=prompt, today=today)[0]

    def _render_marked(
        self, turns: Sequence[Message], *, prompt: bool = False, today: date = TODAY
    ) -> tuple[str, list[tuple[int, int]]]:
        """Render a conversation.

        Also return the spans that the template marks as generated.
        """
        if self._parts:
            turns = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]
        try:
            return self._raw(turns, prompt=prompt, today=today)
        except Exception as error:  # a template may raise anything
            raise self._unusable(self._why(turns, prompt, error), history=len(turns) > 1) from error

    def _why(self, turns: Sequence[Message], prompt: bool, error: Exception) -> str:
        """Return why turns cannot be rendered, without quoting the turns."""
        texts = {"user": QUESTION, "assistant": ANSWER}
        try:
            self._raw([{**turn, "content": texts.get(turn["role"], NEXT)} for turn in turns], prompt=prompt)
        except Exception as same:  # noqa: BLE001  # a template may raise anything
            return str(same).partition("\n")[0]
        return f"it raises {type(error).__name__} for a row"

    def _raw(
        self, turns: Sequence[Message], *, prompt: bool = False, today: date = TODAY
    ) -> tuple[str, list[tuple[int, int]]]:
        template = self.tokenizer.get_chat_template()
        if "strftime_now" in template:
            template = _clock(today) + template
        variables: dict[str, Any] = {**self.tokenizer.special_tokens_map, "add_generation_prompt": prompt}
        marked = re.search(r"{%-?\s*generation\s*-?%}", template) is not None
        texts, marks = _render_jinja(
            conversations=[list(turns)], chat_template=template, return_assistant_tokens_mask=marked, **variables
        )
        return texts[0], list(marks[0]) if marks else []

    def _mismatch(self, *, trace: bool) -> InputError:
        turns: list[Message] = [{"role": "user", "content": QUESTION}]
        answer: Message = {"role": "assistant", "content": ANSWER}
        if trace and self.trace_field:
            answer[self.trace_field] = TRACE
        return self._unusable(
            f"the prompt {self.prompt(turns)!r} is not the beginning of the conversation "
            f"{self._render([*turns, answer])!r}, and the template does not mark what is generated, so it is unknown "
            "where the answer's turn starts",
            fix="set train.trace_style=plain, which puts traces into the answer" if trace else "",
        )

    def _unusable(self, why: str, *, history: bool = False, fix: str = "") -> InputError:
        return InputError(
            f"the tokenizer's chat template cannot be used: {_shown(why)}",
            where=f"{self.tokenizer.name_or_path}: chat_template.jinja, or chat_template in tokenizer_config.json",
            fix=fix
            or "correct the template, or copy the original model's; without a template, rows become plain text"
            + ("; or remove the turns before the question from the rows" if history else ""),
        )


def chat_template(tokenizer: PreTrainedTokenizerBase) -> ChatTemplate | None:
    """Return the layout that a tokenizer's chat template defines.

    Returns None if the tokenizer has no chat template.
    """
    if not getattr(tokenizer, "chat_template", None):
        return None
    return _cached(tokenizer, repr((tokenizer.chat_template, tokenizer.special_tokens_map, len(tokenizer))))


@lru_cache(maxsize=8)
def _cached(tokenizer: PreTrainedTokenizerBase, state: str) -> ChatTemplate:
    del state  # a part of the cache key, because a tokenizer can be changed
    return ChatTemplate(tokenizer)


def shared_length(one: Sequence[object], other: Sequence[object]) -> int:
    """Return the length of the longest common beginning of two sequences."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _clock(today: date) -> str:
    """Return a macro that replaces `strftime_now`, which reads the clock.

    A function cannot be passed to a template, because transformers converts all variables to plain data.
    """
    # glibc's flags change the padding or the case, as in `%-d` for a day without a leading zero.
    names = [f"%{flag}{letter}" for flag in ("", *"-_0^#") for letter in "aAbBcCdDeFgGhHIjklmMnpPrRSTuUVwWxXyYZ"]
    written = {"%%": "\0", **{name: today.strftime(name) for name in names}, "\0": "%"}
    return (
        f"{{% macro strftime_now(format) %}}{{% set found = namespace(text=format) %}}"
        f"{{% for name, value in {list(written.items())!r} %}}"
        "{% set found.text = found.text | replace(name, value) %}{% endfor %}{{ found.text }}{% endmacro %}"
        # This empty output keeps a line break at the beginning of the template.
        "{{ '' }}"
    )


def _shown(text: str) -> str:
    """Replace the placeholders by words."""
    for placeholder, word in _SHOWN.items():
        text = text.replace(placeholder, word)
    return text


def _form(part: str, fits: Callable[[str], bool], name: str) -> str:
    """Return the form of an answer or trace that a template writes.

    A template may remove white space or line breaks around it.
    """
    forms = (part, part.strip(), part.lstrip(), part.rstrip(), part.strip("\n"))
    found = next((form for form in forms if fits(form)), None)
    if found is None:
        raise InputError(
            f"the tokenizer's chat template changes the {name} of a row, so the {name} cannot be labeled",
            fix="remove markup that the template interprets, such as tags of a reasoning trace, from the rows",
        )
    return found
