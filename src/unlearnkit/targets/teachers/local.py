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

    It uses its own chat template; nothing is sent anywhere. Text between think tags is the trace, whether the output
    opens them or the template does. The model is in memory together with the target model only while it writes.
    """

    path: Place
    """Folder or hub id of the model."""
    dtype: Dtype = "float32"
    """Dtype of its weights."""
    batch_size: Annotated[int, Gt(0)] = 16
    """Number of rows answered together."""

    def ready(self, permission: Permission) -> None:
        """Check that the model can be used."""
        del permission  # nothing leaves this machine
        from unlearnkit.llm.local import look_at  # imported here because settings are read without loading torch

        look_at(self.path, "targets.path")

    def chat_model(self, permission: Permission, replies: ResponseCache, note: Callable[[str], None]) -> ChatModel:
        """Create the model without loading it."""
        del permission, note
        from unlearnkit.llm.local import LocalModel

        return LocalModel(self.path, replies, dtype=self.dtype, batch_size=self.batch_size, where="targets.path")
