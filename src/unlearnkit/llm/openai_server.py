"""Query any server that supports OpenAI's chat protocol.

Commercial providers support this protocol, and so do vLLM, SGLang, llama.cpp and Ollama. The package `openai` (extra
`api`) is required, and is imported only when a `Server` is created.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel, Field, ValidationError, field_validator

from unlearnkit.core.errors import InputError, MissingDependency, UnlearnError
from unlearnkit.data.trace_format import split_tags
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache, reply_key
from unlearnkit.llm.retry import RetryPolicy, RetrySettings, TransientError, retry_after
from unlearnkit.llm.thread_pool import Stopped, each
from unlearnkit.llm.types import Prompt, Reply, Sampling

_MESSAGE_TOKENS = 16
"""Maximum number of tokens that a chat template adds to a message. The number is used to compute the maximum cost of a
request."""

_PASSING = (408, 409, 425, 429)
"""HTTP client errors (4xx) after which a request is retried. Server errors (5xx) are retried too."""

_ENDED: dict[str, Literal["length", "filter"]] = {
    "length": "length",
    "content_filter": "filter",
    "content_policy_violation": "filter",
}
"""Maps a finish reason or an error code to `Reply.ended`. Any other finish reason is mapped to `stop`."""


class ServerSettings(RetrySettings):
    """Settings of a server, of its model and of the requests."""

    changeable: ClassVar[frozenset[str]] = frozenset(
        ("key_variable", "at_once", "timeout", "price_in", "price_out", *RetrySettings.model_fields)
    )
    """Names of the settings that do not affect the answers. These settings may be changed before an interrupted run is
    resumed."""

    url: str = Field(repr=False)
    """Base URL of the server, such as `https://api.openai.com/v1` or `http://localhost:8000/v1`."""
    model: Annotated[str, MinLen(1)]
    """Name of the model on the server."""
    key_variable: str | None = Field("OPENAI_API_KEY", repr=False)
    """Name of the environment variable that contains the API key; null for a server that needs no key. The key itself
    is never stored."""
    at_once: Annotated[int, Gt(0), Le(256)] = 8
    """Maximum number of concurrent requests."""
    timeout: Annotated[float, Gt(0)] = 600.0
    """Seconds without data after which a request is considered lost. A server sends no data while the model reasons, so
    the timeout must be longer than the longest reasoning."""
    limit_name: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The server's name for the parameter that limits an answer's length. OpenAI's reasoning models accept only
    `max_completion_tokens`."""
    price_in: Annotated[float, Ge(0)] | None = None
    """Price of a million prompt tokens, in any currency. The price is used only for `--max-cost` and the recorded
    cost."""
    price_out: Annotated[float, Ge(0)] | None = None
    """Price of a million answer tokens, in the currency of `price_in`."""

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
            raise ValueError(
                "Input should be a URL without user, password or query. Put the API key into an environment variable, "
                "and the name of that variable into key_variable"
            )
        return url.rstrip("/")

    @property
    def host(self) -> str:
        """Host name of the server, without the port."""
        return str(urlsplit(self.url).hostname)

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Return the cost of a request's tokens; missing prices count as 0."""
        return ((self.price_in or 0.0) * tokens_in + (self.price_out or 0.0) * tokens_out) / 1_000_000

    def ready(self, permission: Permission, where: str) -> None:
        """Check consent, prices, key and package before anything is sent.

        Args:
            permission: what may be sent, and how much may be spent.
            where: section of the recipe with the server's settings, for messages.

        Raises:
            InputError: consent or prices are missing, or the key is invalid.
            MissingDependency: the key is not set, or the package is not installed.
        """
        permission.refuse_unless_sent_to(self.host)
        if permission.max_cost is not None and (self.price_in is None or self.price_out is None):
            raise InputError(
                "a cost limit needs prices for prompt and answer tokens, and a price is missing",
                where="--max-cost",
                fix=f"set {where}.price_in and {where}.price_out to the prices of a million tokens",
            )
        self.key(where)
        if find_spec("openai") is None:
            raise MissingDependency(
                "querying a server needs a package that is not installed: openai",
                fix='pip install "unlearnkit[api]"',
            )

    def key(self, where: str = "server") -> str | None:
        """Return the API key, or None if the server needs no key.

        Args:
            where: section of the recipe with the server's settings, for messages.

        Raises:
            MissingDependency: the environment variable is not set.
            InputError: the variable contains characters that cannot occur in a key.
        """
        if self.key_variable is None:
            return None
        value = os.environ.get(self.key_variable, "").strip()
        if not value:
            raise MissingDependency(
                f"the environment variable {self.key_variable}, which should contain the server's key, is not set",
                where=f"{where}.key_variable",
                fix=f"export {self.key_variable}=...; or, for a server without keys, {where}.key_variable=null",
            )
        if not (value.isascii() and value.isprintable()):
            raise InputError(
                f"the environment variable {self.key_variable} contains characters that cannot be part of a key",
                where=f"{where}.key_variable",
                fix="set the variable to the key alone, without any other text",
            )
        return value


class Server:
    """A `ChatModel` that sends concurrent requests to a server.

    The server receives only what the user's permission allows.
    """

    def __init__(
        self,
        settings: ServerSettings,
        permission: Permission,
        replies: ResponseCache,
        *,
        where: str = "server",
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Create a client; nothing is sent yet.

        Args:
            settings: settings of the server.
            permission: what may be sent, and how much may be spent.
            replies: the cache of replies.
            where: section of the recipe with the server's settings, for messages.
            note: function that is called with a message for the user, once for each kind of transient failure.
        """
        settings.ready(permission, where)
        import openai  # imported after the check that the package is installed

        self._settings, self._replies = settings, replies
        # The client does not retry requests, because `RetryPolicy` does. The client follows no redirects, because the
        # user consented to one host only.
        self._client: Any = openai.OpenAI(
            base_url=settings.url,
            api_key=settings.key(where) or "none",
            max_retries=0,
            timeout=settings.timeout,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )
        self._budget = permission.budget
        self._retry = RetryPolicy(settings, settings.host, note)

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        """Return the reply to each prompt, in order; see `ChatModel.complete`.

        A prompt that occurs several times is sent once.

        Raises:
            BudgetExhausted: the budget does not allow another request.
            RetriesExhausted: the server failed too often or for too long.
        """

        def fetch(missing: Mapping[str, Prompt], received: Callable[[str, Reply], None], stopped: Stopped) -> None:
            def ask(item: tuple[str, Prompt], stopped: Stopped) -> None:
                key, prompt = item
                received(key, self._retry(lambda: self._ask(prompt, sampling), stopped))

            each(missing.items(), ask, at_once=self._settings.at_once, stopped=stopped)

        keys = [reply_key(p, sampling, host=self._settings.url, model=self._settings.model) for p in prompts]
        return self._replies.complete(prompts, keys, on_reply, fetch)

    def _ask(self, prompt: Prompt, sampling: Sampling) -> Reply:
        """Send one request if the budget allows it, and return the reply.

        This method raises `TransientError`, `BudgetExhausted`, or the exception that `_refused` returns.
        """
        # A token has at least one byte, so a text has at most as many tokens as bytes.
        sent = sum(len(message.content.encode()) + _MESSAGE_TOKENS for message in prompt.messages)
        worst = cost = self._settings.cost(sent, sampling.max_tokens)
        self._budget.begin(worst)
        try:
            reply = self._request(prompt, sampling)
            text_bytes = len(reply.reasoning.encode()) + len(reply.text.encode())
            tokens_in = sent if reply.tokens_in is None else reply.tokens_in
            tokens_out = text_bytes if reply.tokens_out is None else reply.tokens_out
            cost = self._settings.cost(tokens_in, tokens_out)
            return reply
        except TransientError as error:
            cost = worst if error.maybe_paid else 0.0
            raise
        finally:
            self._budget.end(worst, cost)

    def _request(self, prompt: Prompt, sampling: Sampling) -> Reply:
        import openai

        parameters = sampling.model_dump(exclude={"max_tokens"}, exclude_none=True)
        try:
            raw = self._client.chat.completions.with_raw_response.create(
                model=self._settings.model,
                messages=[message.model_dump() for message in prompt.messages],
                **parameters,
                **{self._settings.limit_name: sampling.max_tokens},
            )
        except openai.APITimeoutError:
            raise TransientError(f"no answer arrived within {self._settings.timeout:g} s", maybe_paid=True) from None
        except openai.APIConnectionError as error:
            # Either the server was not reached, or the connection broke during the answer. In the second case, the
            # server may charge for the answer.
            paid = "Connect" not in type(error.__cause__).__name__
            raise TransientError("the connection failed or was interrupted", maybe_paid=paid) from None
        except openai.APIStatusError as error:
            if _ENDED.get(str(error.code)) == "filter":
                return Reply(reasoning="", text="", ended="filter")
            raise _refused(self._settings.host, error) from None
        return _read(raw.content)


class _Thought(BaseModel):
    content: str | None = None
    reasoning_content: object = None
    reasoning: object = None
    """The model's reasoning. Some servers use the field `reasoning_content` for it, and others the field `reasoning`. A
    value that is not a string is ignored, not rejected."""


class _Choice(BaseModel):
    message: _Thought
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """The fields of a chat completion that are used."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None


def _read(body: bytes) -> Reply:
    """Parse the body of an HTTP response into a reply.

    This function raises `TransientError` if the body contains no reply.
    """
    try:
        # The body is parsed here because the client of `openai` trusts the content type: the client assumes that a JSON
        # body is complete, and treats every other body as text.
        answer = _Completion.model_validate(json.loads(body))
    except ValidationError:
        raise TransientError("the answer is JSON but not a chat completion", maybe_paid=True) from None
    except ValueError:
        raise TransientError("the answer is not JSON, or was cut off", maybe_paid=True) from None
    if not answer.choices:
        raise TransientError("the answer has no choices", maybe_paid=True, answered_nothing=True)
    choice, usage = answer.choices[0], answer.usage or _Usage()
    tagged, text = split_tags(choice.message.content or "")
    thoughts = (choice.message.reasoning_content, choice.message.reasoning)
    own = next((thought for thought in thoughts if isinstance(thought, str) and thought.strip()), "")
    return Reply(
        reasoning=own.strip() or tagged,
        text=text,
        tokens_in=usage.prompt_tokens,
        tokens_out=usage.completion_tokens,
        ended=_ENDED.get(choice.finish_reason or "", "stop"),
    )


def _refused(host: str, error: Any) -> Exception:
    """Return the exception for an HTTP error status.

    If a retry may succeed, the exception is a `TransientError`; otherwise it is an error for the user. The server's own
    message is not shown, because the message may repeat the prompt or the key.
    """
    status, details = int(error.status_code), _error_names(error)
    if error.code == "insufficient_quota":
        what = "the server reports that the account has no credit left"
        return UnlearnError(what, where=host, fix="add credit to the account")
    if status in _PASSING or status >= 500:
        return TransientError(f"HTTP status {status}{details}", wait=retry_after(error.response.headers))
    if status in (401, 403):
        return MissingDependency(
            f"the server does not accept the key: HTTP status {status}{details}",
            where=host,
            fix="check the key in the environment variable named by key_variable, and the key's permissions",
        )
    if 300 <= status < 400:
        return InputError(
            f"the server redirects to a different URL, and redirects are not followed: HTTP status {status}",
            where=host,
            fix="if you trust that URL, set server.url to it",
        )
    return InputError(
        f"the server refuses the request: HTTP status {status}{details}",
        where=host,
        allowed="a base URL (often ending in /v1), a model that the server has, and settings that the model accepts",
        fix="check the settings server.url, server.model, sampling and server.limit_name",
    )


def _error_names(error: Any) -> str:
    """Format the code, type and parameter of a server's error.

    Values that are not single words are omitted.
    """
    words = [str(word) for word in (error.code, error.type, error.param) if word is not None]
    named = [word for word in dict.fromkeys(words) if re.fullmatch(r"[A-Za-z_][\w.]{0,59}", word)]
    return f" ({', '.join(named)})" if named else ""
