"""Asking the faulty server, as the tests of it do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.llm.faulty import FAULTS, Faulty
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.openai_server import Server, ServerSettings
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import Message, Prompt, Reply, Sampling

KEY = "sk-secret-0123456789"
HERE = Permission(send_to="127.0.0.1")
QUICK: dict[str, Any] = {"first_wait": 0.01, "longest_wait": 0.02, "timeout": 60.0}


def prompts(number: int, draw: str = "0") -> list[Prompt]:
    return [Prompt(messages=(Message(role="user", content=f"question {n}"),), draw=draw) for n in range(number)]


def settings(faulty: Faulty, **changed: Any) -> ServerSettings:
    return ServerSettings(**{"url": faulty.url, "model": "m", **QUICK, **changed})


def ask(
    faulty: Faulty,
    folder: Path,
    asked: Sequence[Prompt],
    permission: Permission = HERE,
    sampling: Sampling | None = None,
    note: Callable[[str], None] = lambda _: None,
    **changed: Any,
) -> list[Reply]:
    server = Server(settings(faulty, **changed), permission, ResponseCache(folder), note=note)
    return server.complete(asked, sampling or Sampling())


def seeded_faults(seed: int, share: float = 0.4, most: int = 5) -> Callable[[str, int], str | None]:
    """A mixture of all faults, drawn for each try of each prompt; never more than so many for one."""

    def fault(said: str, before: int) -> str | None:
        draw = random.Random(f"{seed} {said} {before}")
        return draw.choice(FAULTS) if before < most and draw.random() < share else None

    return fault
