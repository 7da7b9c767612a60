"""Settings that select the language model of an LLM judge."""

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
    """The model of an LLM judge, either local or on a server.

    A server receives the questions, the correct answers and all outputs of the model under test, on forget sets and on
    sets to be retained. Using a server requires the user's consent (`--send-forget-data-to HOST`) and the package's
    extra `api`.
    """

    path: Place | None = None
    """Folder or hub id of a causal language model with a chat template. The model runs on this machine."""
    dtype: Dtype = "float32"
    """Dtype of the weights, if the model runs on this machine."""
    batch_size: Annotated[int, Gt(0)] = 16
    """Number of outputs that are judged in one batch, if the model runs on this machine."""
    server: ServerSettings | None = None
    """A model on a server, specified by `server.url` and `server.model`."""
    sampling: Sampling = Sampling()
    """Sampling settings that override the judge's default sampling settings."""

    @property
    def asked(self) -> Asked:
        """Name and host of the model.

        Raises:
            MissingDependency: neither a path nor a server is given.
            InputError: both a path and a server are given.
        """
        self._names_one_model()
        if self.server is not None:
            return Asked(model=self.server.model, host=self.server.host)
        return Asked(model=str(self.path))

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the chat model.

        No weights are loaded and nothing is sent yet.

        Args:
            permission: what may be sent to a server, and how much may be spent on requests.
            replies: the cache of the model's replies.
            note: callback that receives messages for the user.

        Raises:
            MissingDependency, InputError: no model is given, or the model's files, the user's consent, the prices, an
                API key or a package is missing.
        """
        self._names_one_model()
        if self.server is not None:
            return Server(self.server, permission, replies, where="server", note=note)
        from unlearnkit.llm.local import LocalModel  # imported here, so that other judges need no torch

        return LocalModel(str(self.path), replies, dtype=self.dtype, batch_size=self.batch_size, where="path")

    def _names_one_model(self) -> None:
        if self.path is None and self.server is None:
            raise MissingDependency(
                "an LLM judge needs a language model, but none is given",
                allowed=_ALLOWED,
                fix="add one of these settings, or judge offline by fixed rules: --judge rules",
            )
        if self.path is not None and self.server is not None:
            raise InputError(
                "an LLM judge uses one model, but two are given",
                allowed=_ALLOWED,
                fix="remove `path`, or remove the server settings",
            )


def read_judge_model(settings: Sequence[str]) -> JudgeModel:
    """Parse the settings of a judge's model from the command line.

    Each setting is text such as `server.model=NAME`.

    Raises:
        InputError: a setting is invalid.
    """
    data, origins = typed(settings)
    try:
        return JudgeModel.model_validate(data)
    except ValidationError as error:
        raise origins.placed(bad_field(error, JudgeModel)) from error
