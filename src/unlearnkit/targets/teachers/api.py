"""A teacher on any server with OpenAI's chat protocol."""

from __future__ import annotations

from collections.abc import Callable

from unlearnkit.llm.consent import Permission
from unlearnkit.llm.openai_server import Server, ServerSettings
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import ChatModel
from unlearnkit.targets.base import teacher
from unlearnkit.targets.llm_teacher import ChatTeacher

_SECTION = "targets.server"


@teacher("api")
class ApiTeacher(ChatTeacher):
    """A model on an OpenAI-compatible server, with consent (`--send-forget-data-to HOST`).

    It receives the scope's description and the question of each forget row, and, if the method trains on questions
    composed from the scope, those too; never an answer or a secret. Needs the extra `api`.
    """

    server: ServerSettings
    """The server: `targets.server.url`, `targets.server.model`."""

    @property
    def prices(self) -> Callable[[int, int], float] | None:
        """The recipe's prices."""
        known = self.server.price_in is not None and self.server.price_out is not None
        return self.server.cost if known else None

    def ready(self, permission: Permission) -> None:
        """Check consent, key and package."""
        self.server.ready(permission, _SECTION)

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the client."""
        return Server(self.server, permission, replies, where=_SECTION, note=note)
