"""Where the model comes from that a model judge asks."""

from __future__ import annotations

from typing import NoReturn

from unlearnkit.errors import Missing


def make_speaker(*, temperature: float) -> NoReturn:
    """The language model that judges.

    Args:
        temperature: at which its answers are drawn.

    Raises:
        Missing: always, as long as no client for a server or a local model is part of the package.
    """
    raise Missing(
        "a model judge needs a language model to ask, and this version can reach none by itself",
        where="--judge",
        allowed="from Python, judge_outputs(run, judge, speaker=...) takes any object with say(messages) -> str; its "
        f"answers should be drawn at temperature {temperature:g}",
        fix="judge offline by stated rules: --judge rules",
    )
