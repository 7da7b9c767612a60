"""Plant faults in the reduced demo, one at a time: does a floor break?

    python experiments/planted_faults.py [--out runs/planted_faults] [--seeds 0,1,2]

The reduced demo (`tests/reduced_demo.py`) runs without a fault in each world, and with each fault in the first world.
The script prints the floors that break. It ends with exit code 1 if a fault breaks no floor, or if a floor breaks
without a fault. The scores are written to `OUT/planted_faults.json`, from which `docs/tables.yaml` makes a table. Runs
that are finished are kept: a second call continues.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.reduced_demo import FAULTS, FLOORS, broken, demo, reduced  # noqa: E402

Values = dict[str, dict[str, float]]


def with_fault(out: Path, seed: int, fault: str | None) -> Values:
    """The scores of the reduced demo with a fault."""
    with reduced(out / "cache"), pytest.MonkeyPatch.context() as patch:
        if fault is not None:
            FAULTS[fault](patch)
        return demo(out / f"{fault or 'right'}-{seed}", seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/planted_faults"))
    parser.add_argument("--seeds", default="0,1,2", help="worlds, each with its own seed")
    given = parser.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    # The first world is run without a fault first, so that its target model is in the cache when faults are planted.
    cells: list[tuple[int, str | None]] = [(seeds[0], None), *((seeds[0], fault) for fault in FAULTS)]
    cells += [(seed, None) for seed in seeds[1:]]
    runs, wrong, kept = {}, [], given.out / "planted_faults.json"
    for seed, fault in cells:
        values = with_fault(given.out, seed, fault)
        found = broken(values)
        name = fault or f"world {seed}"
        print(f"{name}: {'; '.join(found) or 'every floor holds'}", flush=True)
        runs[name] = {f"{f.method}.{f.score}": {"value": values[f.method][f.score]} for f in FLOORS}
        kept.write_text(json.dumps({"runs": runs}, indent=0, sort_keys=True) + "\n", encoding="utf-8")
        if bool(found) == (fault is None):
            wrong.append(name)
    if wrong:
        raise SystemExit(f"not as they should be: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
