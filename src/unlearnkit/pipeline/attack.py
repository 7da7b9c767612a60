"""Attack the subject of a run to recover what it should forget."""

from __future__ import annotations

import time
from collections.abc import Sequence

from unlearnkit.attacks.base import ATTACKS, Attack
from unlearnkit.attacks.store import write_attempt
from unlearnkit.attacks.target import SubjectUnderAttack
from unlearnkit.core.environment import device_errors
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.metrics.score import Score
from unlearnkit.pipeline.score import score_attacks
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.references import references_of
from unlearnkit.runs.state import Attempted
from unlearnkit.subjects.base import require

AT_MOST = 50
"""Rows per set. The interval around a rate is at most 0.28 wide, and a small model needs seconds per attack."""


def attack(
    folder: RunFolder,
    names: Sequence[str | Attack] | None = None,
    *,
    at_most: int = AT_MOST,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Score]:
    """Attack the subject of a measured run and write the scores.

    The records are written to the run's folder and the scores to `attacks.json`. The run's model, records and scores
    do not change, and neither do earlier attacks that are not named.

    Args:
        folder: the run, or a model that was measured.
        names: registered attacks, each at its own settings, or attacks with others; None for all registered attacks
            that the subject's capabilities allow. The others are logged.
        at_most: rows of each set that are asked.
        seed: seeds the choice of rows and wordings and the order of training.
        progress: reports progress.

    Returns:
        Every score of the run's attacks by flat name, earlier attacks included.

    Raises:
        InputError: there is no such attack, the run was not measured, or its subject lacks what a named attack needs.
    """
    chosen = _chosen(names)
    if at_most < 1:
        raise InputError("an attack asks at least one row of a set", where="at_most", value=at_most, fix="at_most=50")
    progress, records = progress or Progress(), folder.records()
    measured = folder.state().measure
    assert measured is not None  # there are records
    with progress.task(f"attacking {folder.name}") as shown, device_errors():
        target = SubjectUnderAttack(
            lambda: open_subject(folder),
            records,
            folder.scope(),
            at_most=at_most,
            max_new_tokens=measured.max_new_tokens,
            seed=seed,
            on_rows=shown.advance,
        )
        for name, made in list(chosen.items()):
            lacking = made.needs - target.subject.capabilities
            if lacking and names is None:
                missing = ", ".join(sorted(lacking))
                progress.log(f"{folder.name}: {name} is left out, because the subject does not offer {missing}")
                del chosen[name]
            else:
                require(target.subject, made.needs, what=f"the attack {name}", fix="name other attacks: --attacks")
        for name, made in chosen.items():
            began = time.monotonic()
            attempts = made.attempt(target)
            for each in attempts:
                write_attempt(folder.attack_records, each)
            done = Attempted(
                seconds=time.monotonic() - began,
                summary=ATTACKS.get(name).summary,
                budget=made.budget(),
                settings={**made.model_dump(mode="json"), "at_most": at_most, "seed": seed},
                left_out={each.name: each.left_out for each in attempts},
            )
            folder.update(attacks={**folder.state().attacks, name: done})
    score_attacks(folder)
    return folder.attack_scores()


def attack_runs(
    folders: Sequence[RunFolder],
    names: Sequence[str | Attack] | None = None,
    *,
    at_most: int = AT_MOST,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, dict[str, Score]]:
    """Attack several runs; see `attack`.

    The references in a run's own folder are attacked before it.

    Returns:
        Every run's scores, by the run's name.
    """
    found = {}
    for folder in folders:
        # References next to runs are runs that the caller may name; those in a run's folder belong to it alone.
        for within in references_of(folder):
            if within.path.parent == folder.references:
                attack(within, names, at_most=at_most, seed=seed, progress=progress)
        found[folder.name] = attack(folder, names, at_most=at_most, seed=seed, progress=progress)
    return found


def _chosen(names: Sequence[str | Attack] | None) -> dict[str, Attack]:
    """Return the attacks by name, in the given order, each once."""
    named = names if names is not None else ATTACKS.names()
    if not named:
        fix = "name one of these; or omit the option, for all attacks"
        raise InputError("no attack is named", allowed=", ".join(ATTACKS.names()), fix=fix)
    made = [each if isinstance(each, Attack) else ATTACKS.get(each).plugin() for each in named]
    return {each.name(): each for each in made}
