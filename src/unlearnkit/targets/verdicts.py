"""Verdicts of reasoning traces in many words.

A verdict states whether a question is in scope, i.e. whether it asks for knowledge that must be forgotten. In a trace,
the wording of a verdict continues a note, that is, a phrase that states what the question asks for. The wordings for
training and the wordings for measuring are by different authors, so a model that follows the verdicts of the latter has
learned more than the words that it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import yaml

from unlearnkit.text.disclosure import states_request
from unlearnkit.text.trace_verdict import IN_SCOPE, OUT_OF_SCOPE, Verdict

_FILE = files("unlearnkit.targets") / "verdicts.yaml"


@lru_cache(maxsize=1)
def _read() -> Mapping[str, Mapping[Verdict, tuple[str, ...]]]:
    data = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        use: {IN_SCOPE: tuple(wordings["in_scope"]), OUT_OF_SCOPE: tuple(wordings["out_of_scope"])}
        for use, wordings in data.items()
    }


def wordings(use: Literal["training", "asking"]) -> Mapping[Verdict, tuple[str, ...]]:
    """Return the wordings of each verdict, for training or for measuring."""
    return _read()[use]


@lru_cache(maxsize=1)
def neutral_wordings() -> Mapping[Verdict, tuple[str, ...]]:
    """Return the training wordings that do not disclose a request.

    Anybody may read a trace that the model writes, so the model is only trained to write these wordings.
    """
    return {
        verdict: tuple(each for each in members if not states_request(continued("This", each)))
        for verdict, members in wordings("training").items()
    }


def continued(note: str, wording: str) -> str:
    """Return a note that the wording of a verdict continues.

    There is no space before a comma, a colon, a semicolon or a period.
    """
    return f"{note}{wording}" if wording[0] in ",:;." else f"{note} {wording}"
