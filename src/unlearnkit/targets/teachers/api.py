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

    The server receives the scope's description and the question of each forget row. If the method trains on questions
    composed from the scope, the server receives these questions too. It never receives an answer or a secret. This
    teacher needs the extra `api`.
    """

    server: ServerSettings
    """Settings of the server and of the model on it, such as `targets.server.url` and `targets.server.model`."""

    @property
    def prices(self) -> Callable[[int, int], float] | None:
        """Function that computes the cost of tokens.

        It is None if the recipe does not contain both prices.
        """
        known = self.server.price_in is not None and self.server.price_out is not None
        return self.server.cost if known else None

    def ready(self, permission: Permission) -> None:
        """Check consent, API key and required package before anything is sent."""
        self.server.ready(permission, _SECTION)

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the server's client; nothing is sent yet."""
        return Server(self.server, permission, replies, where=_SECTION, note=note)
