"""Replies on disk, so that a run that is killed at any instant neither loses an answer nor pays for it twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic, writing
from unlearnkit.llm.types import Prompt, Reply, Sampling


class ResponseCache:
    """One small file a reply, named by a hash of all that decides it, readable by the owner alone.

    A file is there whole or not at all, so there is nothing to mend after a kill. It holds what was answered and not
    what was asked. Safe to use from several threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Reply | None:
        """The reply under a key of `reply_key`; None where none was received yet."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            return Reply.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            # Without the value: it may hold what is to be forgotten.
            fix = "delete the file: the answer is asked for again"
            raise InputError("a reply that was kept was changed or damaged", where=str(path), fix=fix) from error

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply. Raises `WriteError`."""
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self._path(key), reply.model_dump_json() + "\n", mode=0o600)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def reply_key(prompt: Prompt, sampling: Sampling, *, host: str, model: str) -> str:
    """SHA-256 of all that decides a reply: who is asked and where, what, and how the answer is drawn."""
    decides = [host, model, prompt.model_dump(mode="json"), sampling.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
