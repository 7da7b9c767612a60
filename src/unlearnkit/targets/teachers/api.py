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
    """A model on an OpenAI-compatible server; requires `--send-forget-data-to HOST`.

    The server receives the scope's description and the question of each forget row, with the turns that precede the
    question. If the method trains on questions composed from the scope, the server receives the composed questions in
    scope too. The server does not receive the `answer` of a row. It receives a secret if a question or an earlier turn
    contains the secret. For every task except `profile`, some composed questions contain secrets. This teacher requires
    the package's extra `api`.
    """

    server: ServerSettings
    """Settings of the server and of the model on it, such as `targets.server.url` and `targets.server.model`."""

    @property
    def prices(self) -> Callable[[int, int], float] | None:
        """Function that computes the cost of input and output tokens.

        The property is None unless the recipe contains both prices.
        """
        known = self.server.price_in is not None and self.server.price_out is not None
        return self.server.cost if known else None

    def ready(self, permission: Permission) -> None:
        """Check consent, API key and required package before anything is sent."""
        self.server.ready(permission, _SECTION)

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the server's client; nothing is sent yet."""
        return Server(self.server, permission, replies, where=_SECTION, note=note)
