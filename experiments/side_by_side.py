"""How fast one source tree is beside another: the benchmarks of each, turn about, and the median ratio a figure.

    python experiments/side_by_side.py --before DIR --after DIR [--turns 5] [--smoke] [--json FILE]

DIR is a checkout: its `benchmarks/` run with its own `src/`. In each turn every benchmark runs in both trees, one right
after the other, and the tree that goes first changes with the turn, so that a machine that is busy for a while slows
both. A ratio above 1 says that the tree after is slower, or larger where a figure is memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

BENCHMARKS = {
    "step.py": ("--pairs", "5"),
    "g_effect.py": ("--rows", "30", "--sample", "4"),
    "generate.py": ("--pairs", "1"),
}
"""Each benchmark, with options that make it short: the turns here repeat what it would repeat itself."""
COUNTS = ("turns", "rows", "prompts", "tokens", "limit", "identical", "differ_beyond_rounding", "parameters", "bar")
"""Figures that say what was measured, and are no result."""


def figures(value: Any, name: str = "") -> dict[str, float]:
    """Every number of a benchmark's JSON by its place in it, counts and the machine left out."""
    if isinstance(value, bool) or not isinstance(value, dict | list | int | float):
        return {}
    if isinstance(value, int | float):
        return {name: float(value)} if value > 0 else {}
    members = value.items() if isinstance(value, dict) else ((label(each, n), each) for n, each in enumerate(value))
    found: dict[str, float] = {}
    for key, each in members:
        if key not in (*COUNTS, "machine", "model"):
            found |= figures(each, f"{name} {key}".strip())
    return found


def label(value: Any, number: int) -> str:
    """What an item of a list is called: its method, where it has one."""
    return str(value.get("method", number)) if isinstance(value, dict) else str(number)


def measured(checkout: Path, benchmark: str, smoke: bool) -> dict[str, float]:
    """The figures of one benchmark in one tree."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "figures.json"
        command = [sys.executable, str(checkout / "benchmarks" / benchmark), "--json", str(out)]
        environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
        command += ["--smoke"] if smoke else BENCHMARKS[benchmark]
        done = subprocess.run(command, env=environment, cwd=checkout, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{benchmark} failed in {checkout}:\n{done.stderr[-2000:]}")
        return figures(json.loads(out.read_text(encoding="utf-8")), benchmark.removesuffix(".py"))


def compare(before: Path, after: Path, turns: int, smoke: bool) -> dict[str, list[tuple[float, float]]]:
    """The pairs of each figure, one a turn."""
    pairs: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for turn in range(turns):
        for benchmark in BENCHMARKS:
            trees = {"before": before, "after": after}
            order = list(trees) if turn % 2 == 0 else list(trees)[::-1]
            made = {name: measured(trees[name], benchmark, smoke) for name in order}
            for name in made["before"].keys() & made["after"].keys():
                pairs[name].append((made["before"][name], made["after"][name]))
    return dict(sorted(pairs.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--before", type=Path, required=True, help="a checkout as it was")
    parser.add_argument(
        "--after", type=Path, default=Path(__file__).resolve().parent.parent, help="a checkout as it is"
    )
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="the benchmarks' own short versions: does it run?")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    found = compare(options.before.resolve(), options.after.resolve(), options.turns, options.smoke)
    print("| figure | before | after | ratio, median | lowest | highest |\n|---|---|---|---|---|---|")
    told = {}
    for name, pairs in found.items():
        ratios = [after / before for before, after in pairs]
        first, second = (statistics.median(each) for each in zip(*pairs, strict=True))
        told[name] = {"ratio": statistics.median(ratios), "pairs": pairs}
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(f"| {name} | {first:.4g} | {second:.4g} | {middle:.3f} | {low:.3f} | {high:.3f} |")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
