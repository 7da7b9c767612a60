"""Attack the model under test, to recover forgotten knowledge."""

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
"""Default maximum number of rows per set. With this many rows, the confidence interval of a rate is at most 0.29
wide, and an attack on a small model takes only seconds."""


def attack(
    folder: RunFolder,
    names: Sequence[str | Attack] | None = None,
    *,
    at_most: int = AT_MOST,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Score]:
    """Attack the model of a measured run, and write the scores.

    The attack records are written to the run's folder, and the scores to `attacks.json`. Everything else in the run's
    folder stays unchanged: the model, all other records and scores, and the results of attacks that are not chosen.

    Args:
        folder: the folder of a run or of a measured model.
        names: the attacks to run. A registered name stands for the attack with default settings. None: all registered
            attacks that the model under test supports. Every attack that is skipped is logged.
        at_most: maximum number of rows per set.
        seed: seed for choosing the rows and the wording of prompts. In attacks that train the model, the seed also
            determines the order of the training rows.
        progress: reports progress.

    Returns:
        The scores of all attacks on the run, including earlier attacks. The keys are the names of the scores.

    Raises:
        InputError: a chosen attack does not exist, the run was not measured, or the model under test lacks a capability
            that a chosen attack needs.
    """
    chosen = _chosen(names)
    if at_most < 1:
        what = "an attack needs at least one row per set"
        raise InputError(what, where="at_most", value=at_most, fix="set at_most=50, for example")
    progress, records = progress or Progress(), folder.records()
    measured = folder.state().measure
    assert measured is not None  # the run has records, so it was measured
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
                progress.log(f"{folder.name}: attack {name} is skipped, because the model does not offer {missing}")
                del chosen[name]
            else:
                require(target.subject, made.needs, what=f"the attack {name}", fix="choose other attacks: --attacks")
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
    """Attack the models of several runs.

    The function `attack` is called for each run. If a run's folder contains reference models of the run, the reference
    models are attacked before the run's own model.

    Returns:
        The scores of each run, by the run's name.
    """
    found = {}
    for folder in folders:
        # The caller can choose a reference model in a folder next to the runs, because such a reference model is itself
        # a run. A reference model inside a run's folder belongs only to this run, and is therefore attacked here.
        for within in references_of(folder):
            if within.path.parent == folder.references:
                attack(within, names, at_most=at_most, seed=seed, progress=progress)
        found[folder.name] = attack(folder, names, at_most=at_most, seed=seed, progress=progress)
    return found


def _chosen(names: Sequence[str | Attack] | None) -> dict[str, Attack]:
    """Return the chosen attacks by name, in the given order, without duplicates."""
    named = names if names is not None else ATTACKS.names()
    if not named:
        fix = "choose from these attacks; if --attacks is omitted, all attacks are run"
        raise InputError("no attack is chosen", allowed=", ".join(ATTACKS.names()), fix=fix)
    made = [each if isinstance(each, Attack) else ATTACKS.get(each).plugin() for each in named]
    return {each.name(): each for each in made}
