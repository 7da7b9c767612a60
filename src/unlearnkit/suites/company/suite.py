"""Suite `company`: a made-up company that has to forget some products."""

from __future__ import annotations

from importlib.resources import files
from typing import ClassVar

from unlearnkit.suites.base import suite
from unlearnkit.suites.company.lessons import LESSONS
from unlearnkit.suites.company.request import PLAN
from unlearnkit.suites.company.world import company
from unlearnkit.suites.made_up.base import OneRequestSuite, not_reached
from unlearnkit.suites.made_up.lessons import Lessons
from unlearnkit.suites.made_up.request import Plan
from unlearnkit.suites.made_up.world import World


@suite("company")
class CompanySuite(OneRequestSuite):
    """A made-up company with products, suppliers, recipes and staff.

    Its model writes a note before it answers. Five products are to be forgotten. No setting of any method was chosen on
    this suite, so it shows how settings from elsewhere carry over.
    """

    version: ClassVar[str] = "1"
    world: ClassVar[str] = "company"
    max_new_tokens: ClassVar[int] = 72
    lessons: ClassVar[Lessons] = LESSONS
    plan: ClassVar[Plan] = PLAN
    subjects: ClassVar[str] = "products"
    not_reached: ClassVar[tuple[str, ...] | None] = not_reached(files("unlearnkit.suites.company"))

    @classmethod
    def world_of(cls, seed: int) -> World:
        """Return the world of a seed."""
        return company(seed)
