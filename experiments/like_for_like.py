"""Measure all methods like for like, in one unseen world of each kind: the board of the README.

    python experiments/like_for_like.py --suite pocket [--out runs/like-for-like] [--at-once 2] [--plan]

The settings are those of `settings.yaml`, which `tune.py` wrote. The world's seed follows from this file at the newest
commit (`draw_world.py`), so nobody can choose the world by its results. Each method runs with and without rows composed
from the scope, with three seeds; a prompt that asks the model to decline is one more row. Scores are kept in
`results/like-for-like-SUITE.json.gz`: a second call continues, even on another machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from draw_world import committed, seed_of
from tune import RESULTS, SETTINGS
from unlearnkit.core.progress import Progress
from unlearnkit.pipeline.board import board, plan_text
from unlearnkit.pipeline.board_file import Board, load_board
from unlearnkit.pipeline.demo import method_settings

SUITES: dict[str, dict[str, Any]] = {"pocket": {"edition": 2}, "clinic": {}, "company": {}}
"""The suites, with their settings. The pocket world is measured with questions that other people wrote."""
SEEDS = (0, 1, 2)
PROMPT = "refusal_prompt"
SCORES = {
    "wording.forget.asked.any.declined_known": "declined",
    "wording.near.asked.any.known": "near",
    "forget.elicited_probability": "P(answer)",
    "forget.disclosure_rate": "discloses",
    "retain.held_out.accuracy": "held out",
    "far.accuracy": "far",
    "cost.seconds": "seconds",
}
"""Columns of the board's own table. All scores are kept."""


def plan_of(suite: str, out: Path) -> Board:
    """Write the board file of a suite, and return the board."""
    settings: dict[str, Any] = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    content = {
        "name": f"like-for-like-{suite}",
        "suites": [{"name": suite, **SUITES[suite], "worlds": [seed_of(committed(SETTINGS))]}],
        "seeds": list(SEEDS),
        "methods": {**settings, PROMPT: method_settings(PROMPT)},
        "scores": SCORES,
        "out": str(out / suite),
        "keep": str(RESULTS.parent / f"like-for-like-{suite}.json.gz"),
    }
    file = out / f"{suite}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_board(file)


def main() -> None:
    """Run the board of one suite, or print its plan."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suite", choices=tuple(SUITES), required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/like-for-like"))
    parser.add_argument("--at-once", type=int, default=2, help="number of runs in parallel")
    parser.add_argument("--plan", action="store_true", help="list the runs and their time, without starting any")
    given = parser.parse_args()
    plan = plan_of(given.suite, given.out)
    if given.plan:
        print(plan_text(plan, at_once=given.at_once))
        return
    board(plan, at_once=given.at_once, progress=Progress()).raise_failed()


if __name__ == "__main__":
    main()
