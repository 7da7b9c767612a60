"""Any server that speaks OpenAI's chat protocol: a provider's, or vLLM, SGLang, llama.cpp, Ollama on a machine of one's
own. Needs the package `openai` (extra `api`), which is imported when a server is really asked.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel, Field, ValidationError, field_validator

from unlearnkit.core.errors import InputError, Interrupted, MissingDependency, UnlearnError
from unlearnkit.core.signals import stop_requested
from unlearnkit.llm.budget import MILLION
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.reasoning_tags import split_thought
from unlearnkit.llm.response_cache import ResponseCache, reply_key
from unlearnkit.llm.retry import RetryPolicy, RetrySettings, TransientError, told_to_wait
from unlearnkit.llm.thread_pool import Stopped, each
from unlearnkit.llm.types import Prompt, Reply, Sampling

_MESSAGE_TOKENS = 16
"""Tokens that a chat template may put around a message, at most; for the worst case of a cost."""

_PASSING = (408, 409, 425, 429)
"""HTTP statuses below 500 that may be gone the next time."""


class ServerSettings(RetrySettings):
    """A server, a model there, and how to ask it."""

    changeable: ClassVar[frozenset[str]] = frozenset(
        ("key_variable", "at_once", "timeout", "price_in", "price_out", *RetrySettings.model_fields)
    )
    """Settings that do not change what it answers: a run may go on with others."""

    url: str = Field(repr=False)
    """Where the protocol begins: `https://api.openai.com/v1`, `http://localhost:8000/v1`."""
    model: Annotated[str, MinLen(1)]
    """The model's name there."""
    key_variable: str | None = Field("OPENAI_API_KEY", repr=False)
    """Environment variable that holds the key; null for a server that wants none. The key itself is written nowhere."""
    at_once: Annotated[int, Gt(0), Le(256)] = 8
    """Requests under way at once."""
    timeout: Annotated[float, Gt(0)] = 600.0
    """Seconds of silence after which a request is taken for lost. A long thought is silent until it is over."""
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls the limit of an answer. OpenAI's reasoning models know the second name alone."""
    price_in: Annotated[float, Ge(0)] | None = None
    """Price of a million tokens of prompts, in any currency; only for `--max-cost` and the cost that is noted."""
    price_out: Annotated[float, Ge(0)] | None = None
    """Price of a million tokens of answers."""

    @field_validator("key_variable")
    @classmethod
    def _is_a_name_and_no_key(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise ValueError("Input should be the name of an environment variable, in capitals; never the key itself")
        return name

    @field_validator("url")
    @classmethod
    def _names_a_host_and_no_secret(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fits = False
        if not fits:
            raise ValueError("Input should be a URL with a host: https://HOST/v1, or http://localhost:8000/v1")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("Input should be a URL without user, password or query: a key belongs in key_variable")
        return url.rstrip("/")

    @property
    def host(self) -> str:
        """The host of the URL, without the port."""
        return str(urlsplit(self.url).hostname)

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost; nothing where no prices are known."""
        return ((self.price_in or 0.0) * tokens_in + (self.price_out or 0.0) * tokens_out) / MILLION

    def ready(self, permission: Permission, where: str) -> None:
        """Complain of what is missing before anything is sent: consent, prices, the key, the package.

        `where` is the section of the recipe, for messages.
        """
        permission.refuse_unless_sent_to(self.host)
        if permission.max_cost is not None and (self.price_in is None or self.price_out is None):
            raise InputError(
                "a cost cannot be kept to without prices",
                where="--max-cost",
                fix=f"write {where}.price_in and {where}.price_out: the price of a million tokens",
            )
        self.key(where)
        if find_spec("openai") is None:
            raise MissingDependency(
                "asking a server needs a package that is not installed: openai",
                fix='pip install "unlearnkit[api]"',
            )

    def key(self, where: str = "server") -> str | None:
        """The key; None where none is wanted. Raises `MissingDependency`."""
        if self.key_variable is None:
            return None
        found = os.environ.get(self.key_variable, "").strip()
        if not found:
            raise MissingDependency(
                f"the environment variable {self.key_variable}, which should hold the server's key, is not set",
                where=f"{where}.key_variable",
                fix=f"export {self.key_variable}=...; or, for a server that wants no key, {where}.key_variable=null",
            )
        if not (found.isascii() and found.isprintable()):
            raise InputError(
                f"the environment variable {self.key_variable} holds characters that stand in no key",
                where=f"{where}.key_variable",
                fix="set it again, with the key alone",
            )
        return found


class Server:
    """A `ChatModel` that asks a server, several prompts at once, within the user's permission."""

    def __init__(
        self,
        settings: ServerSettings,
        permission: Permission,
        replies: ResponseCache,
        *,
        where: str = "server",
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Sends nothing yet.

        Args:
            settings: whom to ask.
            permission: what the user allows.
            replies: where replies are kept.
            where: the section of the recipe, for messages.
            note: tells of failures that pass, each kind once.
        """
        settings.ready(permission, where)
        self._settings, self._replies = settings, replies
        self._client = _client(settings, settings.key(where))
        self._budget = permission.budget
        self._patience = RetryPolicy(settings, settings.host, note)

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        """See `ChatModel`. A repeated prompt is sent once. Also raises `BudgetExhausted` and `RetriesExhausted`."""
        keys = [reply_key(p, sampling, host=self._settings.url, model=self._settings.model) for p in prompts]
        found = {key: reply for key in dict.fromkeys(keys) if (reply := self._replies.get(key)) is not None}
        missing = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in found}
        on_reply(sum(key in found for key in keys))
        one_by_one = threading.Lock()

        def fetch(item: tuple[str, Prompt], stopped: Stopped) -> None:
            key, prompt = item
            reply = self._patience(lambda: self._asked(prompt, sampling), stopped)
            if reply.ended != "none":
                self._replies.put(key, reply)
            with one_by_one:
                found[key] = reply
                on_reply(keys.count(key))

        with stop_requested() as stop:
            each(missing.items(), fetch, at_once=self._settings.at_once, stopped=stop)
        if not all(key in found for key in keys):
            raise Interrupted(
                f"stopped: {sum(key in found for key in keys)} of {len(keys)} answers were received, and are kept",
                fix="call it again: it goes on",
            )
        return [found[key] for key in keys]

    def _asked(self, prompt: Prompt, sampling: Sampling) -> Reply:
        """One request, within the budget. Raises `TransientError`, `BudgetExhausted`, or what `_refused` raises."""
        # A token is at least a byte.
        sent = sum(len(message.content.encode()) + _MESSAGE_TOKENS for message in prompt.messages)
        worst = cost = self._settings.cost(sent, sampling.max_tokens)
        self._budget.begin(worst)
        try:
            reply = self._request(prompt, sampling)
            said = len(reply.reasoning.encode()) + len(reply.text.encode())
            known_in, known_out = reply.tokens_in, reply.tokens_out
            cost = self._settings.cost(sent if known_in is None else known_in, said if known_out is None else known_out)
            return reply
        except TransientError as error:
            cost = worst if error.maybe_paid else 0.0
            raise
        finally:
            self._budget.end(worst, cost)

    def _request(self, prompt: Prompt, sampling: Sampling) -> Reply:
        import openai

        asked = sampling.model_dump(exclude={"max_tokens"}, exclude_none=True)
        try:
            raw = self._client.chat.completions.with_raw_response.create(
                model=self._settings.model,
                messages=[message.model_dump() for message in prompt.messages],
                **asked,
                **{self._settings.limit_name: sampling.max_tokens},
            )
        except openai.APITimeoutError:
            raise TransientError(f"no answer within {self._settings.timeout:g} s", maybe_paid=True) from None
        except openai.APIConnectionError as error:
            # It may be that nobody is there, or that the connection broke while the answer came.
            paid = "Connect" not in type(error.__cause__).__name__
            raise TransientError("the connection failed or broke off", maybe_paid=paid) from None
        except openai.APIStatusError as error:
            if _filtered(error.code):
                return Reply(reasoning="", text="", ended="filter")
            raise _refused(self._settings.host, error) from None
        return _read(raw.content)


def _client(settings: ServerSettings, key: str | None) -> Any:
    """A client that asks once: to ask again is our part, which counts and waits.

    It follows no redirect: the consent is for one host.
    """
    import openai

    return openai.OpenAI(
        base_url=settings.url,
        api_key=key or "none",
        max_retries=0,
        timeout=settings.timeout,
        http_client=openai.DefaultHttpxClient(follow_redirects=False),
    )


class _Thought(BaseModel):
    content: str | None = None
    reasoning_content: object = None
    reasoning: object = None
    """Some servers have something else than text under this name."""


class _Choice(BaseModel):
    message: _Thought
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """The part of a chat completion that is read."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None


def _read(body: bytes) -> Reply:
    """The reply in a response's body. Raises `TransientError` where there is none."""
    try:
        # By hand, since the client takes what is labeled as JSON for whole, and what is not for text.
        answer = _Completion.model_validate(json.loads(body))
    except ValidationError:
        raise TransientError("the answer is JSON and no chat completion", maybe_paid=True) from None
    except ValueError:
        raise TransientError("the answer is no JSON, or was cut off", maybe_paid=True) from None
    if not answer.choices:
        raise TransientError("the answer has no choices", maybe_paid=True, answered_nothing=True)
    choice, usage = answer.choices[0], answer.usage or _Usage()
    tagged, text = split_thought(choice.message.content or "")
    thoughts = (choice.message.reasoning_content, choice.message.reasoning)
    own = next((thought for thought in thoughts if isinstance(thought, str) and thought.strip()), "")
    ended: Literal["stop", "length", "filter"] = "stop"
    if choice.finish_reason == "length":
        ended = "length"
    elif _filtered(choice.finish_reason):
        ended = "filter"
    return Reply(
        reasoning=own.strip() or tagged,
        text=text,
        tokens_in=usage.prompt_tokens,
        tokens_out=usage.completion_tokens,
        ended=ended,
    )


def _filtered(code: object) -> bool:
    return code in ("content_filter", "content_policy_violation")


def _refused(host: str, error: Any) -> Exception:
    """What an HTTP status means: `TransientError` where it may pass, else an error for the user.

    The server's own words are not told: they may repeat the prompt, or the key.
    """
    status, told = int(error.status_code), _told(error)
    if error.code == "insufficient_quota":
        return UnlearnError("the server says that the account has no money left", where=host, fix="top it up")
    if status in _PASSING or status >= 500:
        return TransientError(f"HTTP status {status}{told}", wait=told_to_wait(error.response.headers))
    if status in (401, 403):
        return MissingDependency(
            f"the server does not accept the key: HTTP status {status}{told}",
            where=host,
            fix="check the key in the environment variable that key_variable names, and what it is allowed",
        )
    if 300 <= status < 400:
        return InputError(
            f"the server redirects to another place, and nothing is sent there: HTTP status {status}",
            where=host,
            fix="write the URL that it redirects to, if you trust it",
        )
    return InputError(
        f"the server refuses the request: HTTP status {status}{told}",
        where=host,
        allowed="a URL up to and with /v1, a model that the server has, and settings that the model knows",
        fix="check server.url, server.model, sampling and server.limit_name",
    )


def _told(error: Any) -> str:
    """What an error calls itself and the setting it is about, as far as these are single words."""
    words = [str(word) for word in (error.code, error.type, error.param) if word is not None]
    named = [word for word in dict.fromkeys(words) if re.fullmatch(r"[A-Za-z_][\w.]{0,59}", word)]
    return f" ({', '.join(named)})" if named else ""
