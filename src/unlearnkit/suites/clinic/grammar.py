"""Relations, answers and value pools of the clinic."""

from __future__ import annotations

from importlib.resources import files

from unlearnkit.suites.made_up.text import read_world

TEXT = read_world(files("unlearnkit.suites.clinic"))
GRAMMAR, POOLS = TEXT.grammar, TEXT.pools
VISITS = GRAMMAR.events
"""The relations of each visit: date, treatment and amount."""
