"""Where the model comes from that a model judge asks."""

from __future__ import annotations

from typing import NoReturn

from unlearnkit.errors import Missing


def make_speaker(*, temperature: float) -> NoReturn:
    """The language model that judges.

    Args:
        temperature: at which its answers are drawn.

    Raises:
        Missing: always, as long as the models of `unlearnkit.chat` are not offered to the judge: to send outputs away
            needs the user's consent first, as it does for a teacher.
    """
    raise Missing(
        "a model judge needs a language model to ask, and from the command line none can be named yet",
        where="--judge",
        allowed="from Python, judge_outputs(run, judge, speaker=...) takes any object with say(messages) -> str; its "
        f"answers should be drawn at temperature {temperature:g}",
        fix="judge offline by stated rules: --judge rules",
    )
