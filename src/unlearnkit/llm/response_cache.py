"""Cache replies on disk, so that no reply is paid for twice.

A reply is the answer of a chat model. The cache remains valid if a run is killed.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from unlearnkit.core.errors import InputError, Interrupted
from unlearnkit.core.files import write_atomic, writing
from unlearnkit.core.signals import stop_requested
from unlearnkit.llm.thread_pool import Stopped
from unlearnkit.llm.types import Prompt, Reply, Sampling

Fetch = Callable[[Mapping[str, Prompt], Callable[[str, Reply], None], Stopped], None]
"""Function that requests replies, called as `fetch(prompts, received, stopped)`.

`prompts` maps each key to its prompt. The function must call `received` with the key and the reply of each prompt,
possibly from several threads. Once `stopped()` returns True, the function may return early.
"""


class ResponseCache:
    """A folder with one file per reply.

    The name of a file is a hash of everything that determines the reply. Files are written atomically, so no file is
    incomplete, even if the process is killed. Only the owner can read the files. A file contains the reply but not the
    prompt. The cache can be used from several threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Reply | None:
        """Return the cached reply, or None if there is none.

        Args:
            key: the hash that `reply_key` returns.

        Raises:
            InputError: the file with the reply was changed or damaged.
        """
        path = self._path(key)
        if not path.exists():
            return None
        try:
            return Reply.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            # The message does not contain the value, which may be data to be forgotten.
            fix = "delete the file; the answer is then requested again"
            raise InputError("a cached reply was changed or damaged", where=str(path), fix=fix) from error

    def put(self, key: str, reply: Reply) -> None:
        """Store a reply.

        Raises:
            WriteError: the file cannot be written.
        """
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self._path(key), reply.model_dump_json() + "\n", mode=0o600)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def complete(
        self, prompts: Sequence[Prompt], keys: Sequence[str], on_reply: Callable[[int], None], fetch: Fetch
    ) -> list[Reply]:
        """Return the reply to each prompt, in order.

        Only replies that are not in the cache are fetched. The reply to a prompt that occurs several times is fetched
        once.

        Args:
            prompts: the prompts.
            keys: key of each prompt, see `reply_key`.
            on_reply: function that is called whenever replies become available. The argument is the number of prompts
                that were answered since the last call.
            fetch: requests the replies that are not cached.

        Raises:
            Interrupted: the user requested a stop. Replies received so far are kept.
        """
        replies = {key: reply for key in dict.fromkeys(keys) if (reply := self.get(key)) is not None}
        missing = {key: prompt for key, prompt in zip(keys, prompts, strict=True) if key not in replies}
        on_reply(sum(key in replies for key in keys))
        one_by_one = threading.Lock()

        def received(key: str, reply: Reply) -> None:
            if reply.ended != "none":
                self.put(key, reply)
            with one_by_one:
                replies[key] = reply
                on_reply(keys.count(key))

        if missing:
            with stop_requested() as stop:
                fetch(missing, received, stop)
        done = sum(key in replies for key in keys)
        if done < len(keys):
            raise Interrupted(
                f"stopped at your request: {done} of {len(keys)} answers were received and are kept",
                fix="to continue, run the command again",
            )
        return [replies[key] for key in keys]


def reply_key(prompt: Prompt, sampling: Sampling, *, host: str, model: str) -> str:
    """Return a SHA-256 hash of everything that determines a reply.

    A reply is determined by host, model, prompt and sampling.
    """
    decides = [host, model, prompt.model_dump(mode="json"), sampling.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
