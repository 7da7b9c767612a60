"""Settings of an LLM judge's model, on this machine or a server."""

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
    """The model of an LLM judge: either a path or a server.

    A server receives the questions, the correct answers and all outputs of the model under test, on forget sets and on
    retained sets. It needs the user's consent (`--send-forget-data-to HOST`) and the extra `api`.
    """

    path: Place | None = None
    """Folder or hub id of a causal language model with a chat template, run on this machine."""
    dtype: Dtype = "float32"
    """Dtype of the weights of a model on this machine."""
    batch_size: Annotated[int, Gt(0)] = 16
    """Number of outputs that a model on this machine judges together."""
    server: ServerSettings | None = None
    """A model on a server: `server.url`, `server.model`."""
    sampling: Sampling = Sampling()
    """Sampling settings that override the judge's."""

    @property
    def asked(self) -> Asked:
        """Name and host of the model.

        Raises `MissingDependency` or `InputError` unless exactly one is given.
        """
        self._names_one_model()
        if self.server is not None:
            return Asked(model=self.server.model, host=self.server.host)
        return Asked(model=str(self.path))

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the chat model. This loads no weights and sends nothing.

        Args:
            permission: what may be sent, and how much may be spent.
            replies: the cache of replies.
            note: called with messages for the user.

        Raises:
            MissingDependency, InputError: a model, its files, consent, prices, a key or a package is missing.
        """
        self._names_one_model()
        if self.server is not None:
            return Server(self.server, permission, replies, where="server", note=note)
        from unlearnkit.llm.local import LocalModel  # imported here because the judge `rules` needs no torch

        return LocalModel(str(self.path), replies, dtype=self.dtype, batch_size=self.batch_size, where="path")

    def _names_one_model(self) -> None:
        if self.path is None and self.server is None:
            raise MissingDependency(
                "an LLM judge needs a language model, and none is given",
                allowed=_ALLOWED,
                fix="add one; or judge offline by fixed rules: --judge rules",
            )
        if self.path is not None and self.server is not None:
            raise InputError("an LLM judge uses one model, and two are given", allowed=_ALLOWED, fix="remove one")


def read_judge_model(settings: Sequence[str]) -> JudgeModel:
    """Parse the model from command-line settings such as `server.model=NAME`. Raises `InputError`."""
    data, origins = typed(settings)
    try:
        return JudgeModel.model_validate(data)
    except ValidationError as error:
        raise origins.placed(bad_field(error, JudgeModel)) from error
