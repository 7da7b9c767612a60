"""Relations, answers and further questions of edition 2."""

from __future__ import annotations

from importlib.resources import files

import yaml

from unlearnkit.suites.made_up.grammar import Grammar
from unlearnkit.suites.pocket.phrases import Phrase

_DATA = yaml.safe_load((files("unlearnkit.suites.pocket") / "grammar.yaml").read_text(encoding="utf-8"))
_QUESTIONS = {name: _DATA.pop(name) for name in ("other_work", "called", "hops", "nobody")}

GRAMMAR = Grammar.model_validate(_DATA)
OTHER_WORK = Phrase.model_validate({**_QUESTIONS["other_work"], "answers": GRAMMAR.relations["second_title"].answers})
"""Questions about a person's second work."""
CALLED = Phrase.model_validate({**_QUESTIONS["called"], "answers": GRAMMAR.identities["title"].answers})
"""Questions about who is meant by a part of a name, or by a name in other letters."""
HOPS: dict[str, dict[str, str]] = _QUESTIONS["hops"]
"""Questions that name a person by a contact detail, by form and relation."""
NOBODY: dict[str, dict[str, str]] = _QUESTIONS["nobody"]
"""Questions about nobody: for each trait, one for validation and one for the test."""
