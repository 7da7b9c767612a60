"""Precision and recall of the leak and accuracy checks on labeled pairs, by language and by notation.

    python experiments/scripts_and_notations.py FOLDER [--wrong]

FOLDER holds the JSONL files that `tests/scope/labeled.py` describes. Each check is measured twice: once with the
language of the pair stated in the row and the scope, and once with `en` stated, so that the language must be detected.
`--wrong` also lists the ids of the pairs that a check got wrong.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.scope.labeled import BAR, CHECKS, rates, read_pairs, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wrong", action="store_true")
    arguments = parser.parse_args()
    pairs = read_pairs(arguments.folder)
    for check in CHECKS:
        for declared in (True, False):
            print(f"\n{check}, language {'stated' if declared else 'detected'}")
            for group, found in rates(pairs, check, declared=declared).items():
                low = "" if min(found.precision, found.recall) >= BAR else f"  below {BAR}"
                print(f"  {group:8} {found}{low}")
            if arguments.wrong:
                print("  wrong:", ", ".join(pair.id for pair in wrong(pairs, check, declared=declared)))


if __name__ == "__main__":
    main()
