"""Cache replies on disk, so that no answer is paid twice.

A run may be killed at any time.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import ValidationError

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import write_atomic, writing
from unlearnkit.llm.types import Prompt, Reply, Sampling


class ResponseCache:
    """A folder with one file per reply.

    The name is a hash of everything that determines the reply. Files are written atomically, so nothing needs repair
    after a kill, and only the owner can read them. A file contains the answer but not the prompt. Safe to use from
    several threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Reply | None:
        """Return the reply stored under a key of `reply_key`, or None."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            return Reply.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            # Without the value: it may contain what must be forgotten.
            fix = "delete the file: the answer is then requested again"
            raise InputError("a cached reply was changed or damaged", where=str(path), fix=fix) from error

    def put(self, key: str, reply: Reply) -> None:
        """Store a reply. Raises `WriteError`."""
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self._path(key), reply.model_dump_json() + "\n", mode=0o600)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def reply_key(prompt: Prompt, sampling: Sampling, *, host: str, model: str) -> str:
    """Return a SHA-256 of everything that determines a reply.

    These are host, model, prompt and sampling.
    """
    decides = [host, model, prompt.model_dump(mode="json"), sampling.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
