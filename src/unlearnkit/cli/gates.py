"""Parse gates, i.e. conditions on scores, and check them after a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlearnkit.runs.folder import RunFolder


def check_gates(gates: Sequence[str]) -> list[str]:
    """Parse all gates, and replace outdated metric names in the gates.

    The entry `default`, which stands for the default gates, is returned unchanged.

    Call this function before any work starts, so that an invalid gate is reported early.

    Raises:
        InputError: a gate is invalid.
    """
    from unlearnkit.metrics.default_gates import DEFAULT
    from unlearnkit.metrics.gates import Gate

    return [gate if gate == DEFAULT else str(Gate.parse(gate, where="--gate")) for gate in gates]


def hold_to(folder: RunFolder, gates: Sequence[str]) -> None:
    """Raise `GateMissed` if a run misses a gate.

    A gate on a score that was not measured counts as missed.
    """
    from unlearnkit.core.errors import GateMissed
    from unlearnkit.report.build import judge_run

    results = judge_run(folder, gates)
    failed = [result for result in results if result.outcome != "met"]
    if failed:
        lines = [
            f"{g.name}: {g.why}" + ("" if g.score is None or g.score.value is None else f" ({g.score.value:.3f})")
            for g in failed
        ]
        raise GateMissed(f"{len(failed)} of {len(results)} gates were not met\n  " + "\n  ".join(lines))
