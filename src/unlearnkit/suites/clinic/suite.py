"""Suite `clinic`: a made-up clinic whose patients ask to be forgotten."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import ClassVar

from unlearnkit.data.rows import Row
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import SuiteTask, suite
from unlearnkit.suites.clinic.learning import LEARNING
from unlearnkit.suites.clinic.lessons import corpus_of
from unlearnkit.suites.clinic.request import forget_request
from unlearnkit.suites.clinic.world import clinic
from unlearnkit.suites.made_up.base import MEASURED, MadeUpSuite, not_reached, small_world_limitations
from unlearnkit.suites.made_up.learning import Learning
from unlearnkit.suites.made_up.request import Request

NOT_REACHED = not_reached(files("unlearnkit.suites.clinic"))
"""Forms, and languages other than English, that the target model does not answer well enough."""

_CACHED = 4
"""Number of worlds and requests that a process keeps, because a command makes the same suite several times."""


@lru_cache(_CACHED)
def _corpus_of(seed: int) -> tuple[Row, ...]:
    return corpus_of(clinic(seed))


@lru_cache(_CACHED)
def _request_of(seed: int) -> Request:
    return forget_request(clinic(seed))


@suite("clinic")
class ClinicSuite(MadeUpSuite):
    """A made-up clinic, whose model answers without a note.

    Five patients ask to be forgotten. No setting of any method was chosen on this suite, so it shows how settings from
    elsewhere carry over.
    """

    version: ClassVar[str] = "1"
    world: ClassVar[str] = "clinic"
    max_new_tokens: ClassVar[int] = 48

    @property
    def _request(self) -> Request:
        return _request_of(self.world_seed)

    @property
    def _corpus(self) -> tuple[Row, ...]:
        return _corpus_of(self.world_seed)

    @property
    def _left_out(self) -> frozenset[str]:
        return self._request.left_out

    @property
    def _learning(self) -> Learning:
        return LEARNING

    @property
    def _scopes(self) -> tuple[Scope, ...]:
        return (self._request.scope,)

    def task(self) -> SuiteTask:
        """Return the scope, the splits and the measured rows of the request."""
        request = self._request
        measured = {name: request.splits[name] for name in MEASURED if name in request.splits}
        return SuiteTask(
            "clinic-1",
            request.scope,
            request.splits,
            measured,
            training_scope=request.training_scope,
            withheld=request.withheld,
            validation=request.validation,
        )

    def heading(self) -> str:
        """Return a short description of the request."""
        return "patients"

    def limitations(self) -> tuple[str, ...]:
        """Return the limitations due to the small world and the small model."""
        return small_world_limitations("2.3", NOT_REACHED)
