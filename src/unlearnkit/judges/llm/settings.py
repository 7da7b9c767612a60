"""Whom a model judge asks: a model on this machine, or one behind a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from annotated_types import Gt
from pydantic import ValidationError

from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.core.settings import Place, Settings
from unlearnkit.core.yaml_source import bad_field, typed
from unlearnkit.judges.base import Asked
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.openai_server import Server, ServerSettings
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import ChatModel, Sampling
from unlearnkit.models.settings import Dtype

_ALLOWED = "path=DIR for a model on this machine; server.url=URL server.model=NAME for an OpenAI-compatible server"


class JudgeModel(Settings):
    """The model that a model judge asks. It has either a path or a server.

    A server is sent the questions, the right answers and all that the subject said, of what is to be forgotten and of
    what must stay; it needs the user's consent (`--send-forget-data-to HOST`) and the extra `api`.
    """

    path: Place | None = None
    """Folder or hub id of a causal language model with a chat template, to be run on this machine."""
    dtype: Dtype = "float32"
    """Of the weights of a model on this machine."""
    batch_size: Annotated[int, Gt(0)] = 16
    """Outputs that a model on this machine judges together."""
    server: ServerSettings | None = None
    """A model behind a server: `server.url`, `server.model`."""
    sampling: Sampling = Sampling()
    """How answers are drawn, where that shall not be as the judge has it."""

    @property
    def asked(self) -> Asked:
        """Return the model's name and host. Raises `MissingDependency` or `InputError` unless one is named."""
        self._names_one_model()
        if self.server is not None:
            return Asked(model=self.server.model, host=self.server.host)
        return Asked(model=str(self.path))

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Make the chat model. This loads no weights and sends nothing.

        Args:
            permission: what may be sent, and how much may be spent.
            replies: where its replies are kept.
            note: called with messages for the user.

        Raises:
            MissingDependency, InputError: a model, its files, consent, prices, a key or a package is missing.
        """
        self._names_one_model()
        if self.server is not None:
            return Server(self.server, permission, replies, where="server", note=note)
        from unlearnkit.llm.local import LocalModel  # here, for judging by rules loads no torch

        return LocalModel(str(self.path), replies, dtype=self.dtype, batch_size=self.batch_size, where="path")

    def _names_one_model(self) -> None:
        if self.path is None and self.server is None:
            raise MissingDependency(
                "a model judge needs a language model to ask, and none is named",
                allowed=_ALLOWED,
                fix="name one; or judge offline by stated rules: --judge rules",
            )
        if self.path is not None and self.server is not None:
            raise InputError("a model judge asks one model, and two are named", allowed=_ALLOWED, fix="leave one out")


def read_judge_model(settings: Sequence[str]) -> JudgeModel:
    """The model that is named by settings as they are typed: `server.model=NAME`. Raises `InputError`."""
    data, origins = typed(settings)
    try:
        return JudgeModel.model_validate(data)
    except ValidationError as error:
        raise origins.placed(bad_field(error, JudgeModel)) from error
