"""Query a local causal model through its chat template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.trace_format import THINK, split_tags
from unlearnkit.llm.response_cache import ResponseCache, reply_key
from unlearnkit.llm.sampling import drawing
from unlearnkit.llm.thread_pool import Stopped
from unlearnkit.llm.types import Message, Prompt, Reply, Sampling
from unlearnkit.models.folder import ModelFolder, find_model, positions, weights_fingerprint
from unlearnkit.models.generate import generate
from unlearnkit.models.load import load_model, load_tokenizer, place


def look_at(source: str, where: str) -> tuple[ModelFolder, PreTrainedTokenizerBase]:
    """Find a chat model and load its tokenizer, but not its weights.

    Raises:
        InputError: the model does not exist, cannot be used or has no chat template.
        MissingDependency: the model cannot be downloaded from the Hub now.
    """
    folder = find_model(source, where=where)
    tokenizer = load_tokenizer(folder)
    if tokenizer.chat_template is None:
        raise InputError(
            "the model has no chat template, so it cannot be used for conversations",
            where=where,
            value=source,
            fix="use a model that was trained for conversations",
        )
    return folder, tokenizer


class LocalModel:
    """A `ChatModel` that runs on this machine.

    The weights are loaded only if a prompt has no cached answer. The weights are released after each call of
    `complete`, because another model may need the memory between two calls.
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
        """Check the model's files without loading weights.

        Args:
            source: folder or Hub id of the model.
            replies: the cache of replies.
            dtype: dtype of the weights.
            batch_size: maximum number of prompts in one batch.
            where: name of the setting that specifies the model, for messages.
        """
        self._folder, self._tokenizer = look_at(source, where)
        self._replies, self._dtype, self._batch_size, self._where = replies, dtype, batch_size, where

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        """Return the reply to each prompt, in order; see `ChatModel.complete`.

        A prompt that occurs several times is answered once.

        Raises:
            InputError: a prompt is so long that the model has no positions left for an answer.
        """

        def fetch(missing: Mapping[str, Prompt], received: Callable[[str, Reply], None], stopped: Stopped) -> None:
            model = place(load_model(self._folder, self._dtype)).eval()  # type: ignore[no-untyped-call]
            waiting = list(missing)
            while waiting and not stopped():
                batch, waiting = waiting[: self._batch_size], waiting[self._batch_size :]
                replies = self._answers(model, [missing[key] for key in batch], sampling)
                for key, reply in zip(batch, replies, strict=True):
                    received(key, reply)

        keys = [reply_key(prompt, sampling, host="this machine", model=self._identity) for prompt in prompts]
        return self._replies.complete(prompts, keys, on_reply, fetch)

    @cached_property
    def _identity(self) -> str:
        """Everything that determines the model's answer, except prompt and sampling."""
        return f"{weights_fingerprint(self._folder)} {self._dtype} {self._tokenizer.chat_template}"

    def _answers(self, model: Any, prompts: Sequence[Prompt], sampling: Sampling) -> list[Reply]:
        texts = [self._rendered(prompt.messages) for prompt in prompts]
        prompt_ids = [[int(i) for i in self._tokenizer(text, add_special_tokens=False)["input_ids"]] for text in texts]
        room = positions(self._folder.config)
        longest = max(map(len, prompt_ids))
        if longest >= room:
            raise InputError(
                "a prompt is so long that the model has no room for an answer",
                where=self._where,
                value=f"{longest} tokens",
                allowed=f"less than {room} tokens",
                fix="use a model with a longer context, or split the row into shorter rows",
            )
        outputs = generate(
            model,
            self._tokenizer,
            prompt_ids,
            max_new_tokens=sampling.max_tokens,
            pick=drawing(sampling, [f"{prompt.draw} {text}" for prompt, text in zip(prompts, texts, strict=True)]),
        )
        replies = []
        for text, ids, one in zip(texts, prompt_ids, outputs, strict=True):
            # Some templates contain the opening think tag themselves, so that the output has only the closing tag.
            opening = THINK if text.rstrip().endswith(THINK) else ""
            reasoning, answer = split_tags(opening + self._plain(one.text))
            tokens = len(self._tokenizer(one.text, add_special_tokens=False)["input_ids"])
            ended = "stop" if one.ended == "eos" else "length"
            replies.append(Reply(reasoning=reasoning, text=answer, tokens_in=len(ids), tokens_out=tokens, ended=ended))
        return replies

    def _rendered(self, messages: Sequence[Message]) -> str:
        attempts = [messages]
        if messages[0].role == "system" and len(messages) > 1:
            # Some templates have no system turn: the system message is then prepended to the first user turn.
            first, second, *rest = messages
            attempts.append([Message(role="user", content=f"{first.content}\n\n{second.content}"), *rest])
        for attempt in attempts:
            turns = [message.model_dump() for message in attempt]
            try:
                return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
            except TemplateError as error:
                failure = error
        raise InputError(
            f"the model's chat template cannot be used: {str(failure).partition(chr(10))[0]}",
            where=self._where,
            fix="correct the template, or copy it again from the original model",
        ) from failure

    def _plain(self, text: str) -> str:
        """Remove the tokenizer's special tokens, except think tags."""
        marks = [mark for mark in self._tokenizer.all_special_tokens if "think" not in mark.lower()]
        return re.sub("|".join(map(re.escape, marks)), "", text) if marks else text
