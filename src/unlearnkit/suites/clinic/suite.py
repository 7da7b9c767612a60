"""Suite `clinic`: a made-up clinic whose patients ask to be forgotten."""

from __future__ import annotations

from importlib.resources import files
from typing import ClassVar

from unlearnkit.suites.base import suite
from unlearnkit.suites.clinic.lessons import LESSONS
from unlearnkit.suites.clinic.request import PLAN
from unlearnkit.suites.clinic.world import clinic
from unlearnkit.suites.made_up.base import OneRequestSuite, not_reached
from unlearnkit.suites.made_up.lessons import Lessons
from unlearnkit.suites.made_up.request import Plan
from unlearnkit.suites.made_up.world import World


@suite("clinic")
class ClinicSuite(OneRequestSuite):
    """A made-up clinic, whose model answers without a note.

    Five patients ask to be forgotten. No setting of any method was chosen on this suite, so it shows how settings from
    elsewhere carry over.
    """

    version: ClassVar[str] = "2"
    world: ClassVar[str] = "clinic"
    max_new_tokens: ClassVar[int] = 48
    lessons: ClassVar[Lessons] = LESSONS
    plan: ClassVar[Plan] = PLAN
    subjects: ClassVar[str] = "patients"
    not_reached: ClassVar[tuple[str, ...] | None] = not_reached(files("unlearnkit.suites.clinic"))

    @classmethod
    def world_of(cls, seed: int) -> World:
        """Return the world of a seed."""
        return clinic(seed)
