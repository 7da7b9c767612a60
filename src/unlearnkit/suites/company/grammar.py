"""Relations, answers and value pools of the company."""

from __future__ import annotations

from importlib.resources import files

from unlearnkit.suites.made_up.text import read_world

TEXT = read_world(files("unlearnkit.suites.company"))
GRAMMAR, POOLS = TEXT.grammar, TEXT.pools
RECIPE = GRAMMAR.events
"""The relations of the two additives of a recipe: the additive and its amount."""
