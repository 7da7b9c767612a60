"""A causal model on this machine, spoken to through its own chat template."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError, Interrupted
from unlearnkit.core.signals import stop_requested
from unlearnkit.data.trace_format import THINK
from unlearnkit.llm.reasoning_tags import split_thought
from unlearnkit.llm.response_cache import ResponseCache, reply_key
from unlearnkit.llm.sampling import drawing
from unlearnkit.llm.types import Message, Prompt, Reply, Sampling
from unlearnkit.models.folder import ModelFolder, find_model, positions, weights_fingerprint
from unlearnkit.models.generate import generate
from unlearnkit.models.load import load_model, load_tokenizer, place

_HOST = "this machine"


def look_at(source: str, where: str) -> tuple[ModelFolder, PreTrainedTokenizerBase]:
    """Find a chat model and load its tokenizer, not its weights. Raises `InputError` or `MissingDependency`."""
    folder = find_model(source, where=where)
    tokenizer = load_tokenizer(folder)
    if tokenizer.chat_template is None:
        raise InputError(
            "the model has no chat template, so it cannot be spoken to",
            where=where,
            value=source,
            fix="name a model that was made for conversations",
        )
    return folder, tokenizer


class LocalModel:
    """A `ChatModel` that is a model on this machine.

    It is loaded when a prompt really has to be answered, and let go once all have been: what is asked for between two
    rounds (another model that measures them) may need the memory.
    """

    def __init__(
        self,
        source: str,
        replies: ResponseCache,
        *,
        dtype: str = "float32",
        batch_size: int = 16,
        where: str = "model.path",
    ) -> None:
        """Looks at the model's files, and loads no weights.

        Args:
            source: folder or hub id.
            replies: where replies are kept.
            dtype: of the weights.
            batch_size: prompts that are answered together.
            where: the setting that names the model, for messages.
        """
        self._folder, self._tokenizer = look_at(source, where)
        self._replies, self._dtype, self._batch_size, self._where = replies, dtype, batch_size, where

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        """See `ChatModel`. A repeated prompt is answered once. Raises `InputError` if a prompt leaves no room."""
        keys = [reply_key(prompt, sampling, host=_HOST, model=self._identity) for prompt in prompts]
        found = {key: reply for key in dict.fromkeys(keys) if (reply := self._replies.get(key)) is not None}
        missing = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in found}
        on_reply(sum(key in found for key in keys))
        waiting = list(missing)
        with stop_requested() as stop:
            model = self._loaded() if waiting else None
            while waiting and not stop():
                batch, waiting = waiting[: self._batch_size], waiting[self._batch_size :]
                replies = self._answers(model, [missing[key] for key in batch], sampling)
                for key, reply in zip(batch, replies, strict=True):
                    self._replies.put(key, reply)
                    found[key] = reply
                    on_reply(keys.count(key))
        if waiting:
            raise Interrupted(
                f"stopped: {sum(key in found for key in keys)} of {len(keys)} answers were made, and are kept",
                fix="call it again: it goes on",
            )
        return [found[key] for key in keys]

    @cached_property
    def _identity(self) -> str:
        """What decides, beside the prompt, what the model says."""
        return f"{weights_fingerprint(self._folder)} {self._dtype} {self._tokenizer.chat_template}"

    def _loaded(self) -> Any:
        return place(load_model(self._folder, self._dtype)).eval()  # type: ignore[no-untyped-call]

    def _answers(self, model: Any, prompts: Sequence[Prompt], sampling: Sampling) -> list[Reply]:
        texts = [self._rendered(prompt.messages) for prompt in prompts]
        asked = [[int(i) for i in self._tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]
        room = positions(self._folder.config)
        longest = max(map(len, asked))
        if longest >= room:
            raise InputError(
                "a prompt leaves the model no room for an answer",
                where=self._where,
                value=f"{longest} tokens",
                allowed=f"less than {room} tokens",
                fix="name a model with more positions, or split the row",
            )
        said = generate(
            model,
            self._tokenizer,
            asked,
            max_new_tokens=sampling.max_tokens,
            pick=drawing(sampling, [f"{prompt.draw} {text}" for prompt, text in zip(prompts, texts, strict=True)]),
        )
        replies = []
        for text, ids, one in zip(texts, asked, said, strict=True):
            # Some templates begin the thought themselves, so that the output has its end alone.
            begun = THINK if text.rstrip().endswith(THINK) else ""
            reasoning, answer = split_thought(begun + self._plain(one.text))
            tokens = len(self._tokenizer(one.text, add_special_tokens=False)["input_ids"])
            ended = "stop" if one.ended == "eos" else "length"
            replies.append(
                Reply(reasoning=reasoning, text=answer, tokens_in=len(ids), tokens_out=tokens, ended=ended)
            )  # fmt: skip
        return replies

    def _rendered(self, messages: Sequence[Message]) -> str:
        try:
            return self._templated(messages)
        except TemplateError as error:
            if messages[0].role != "system" or len(messages) == 1:
                raise self._unusable(error) from error
        # Some templates know no system's turn: what it says goes before the user's first words.
        first, second, *rest = messages
        both = Message(role="user", content=f"{first.content}\n\n{second.content}")
        try:
            return self._templated([both, *rest])
        except TemplateError as error:
            raise self._unusable(error) from error

    def _templated(self, messages: Sequence[Message]) -> str:
        turns = [message.model_dump() for message in messages]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _unusable(self, error: TemplateError) -> InputError:
        return InputError(
            f"the model's chat template cannot be used: {str(error).partition(chr(10))[0]}",
            where=self._where,
            fix="mend it, or copy it from the model it was made for",
        )

    def _plain(self, text: str) -> str:
        """The text without the tokenizer's own marks, of which think tags may be some."""
        marks = [mark for mark in self._tokenizer.all_special_tokens if "think" not in mark.lower()]
        return re.sub("|".join(map(re.escape, marks)), "", text) if marks else text
