"""A teacher that is a causal language model on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from annotated_types import Gt

from unlearnkit.core.settings import Place
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import ChatModel
from unlearnkit.models.settings import Dtype
from unlearnkit.targets.base import teacher
from unlearnkit.targets.llm_teacher import ChatTeacher


@teacher("local")
class LocalTeacher(ChatTeacher):
    """A causal language model on this machine.

    The model is used with its own chat template, and nothing is sent to other machines. Text between think tags is the
    trace. The opening tag may be part of the output or of the chat template. The teacher is in memory only while it
    writes targets; during that time, the model to unlearn is in memory too.
    """

    path: Place
    """Folder or Hub id of the model."""
    dtype: Dtype = "float32"
    """Dtype of the model's weights."""
    batch_size: Annotated[int, Gt(0)] = 16
    """Maximum number of rows answered in one batch."""

    def ready(self, permission: Permission) -> None:
        """Check that the model exists and can be used, without loading weights."""
        del permission  # nothing leaves this machine
        from unlearnkit.llm.local import look_at  # imported here because settings are read without loading torch

        look_at(self.path, "targets.path")

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the chat model without loading its weights."""
        del permission, note
        from unlearnkit.llm.local import LocalModel

        return LocalModel(self.path, replies, dtype=self.dtype, batch_size=self.batch_size, where="targets.path")
