"""Compare how two source trees score the same outputs, row by row.

    python experiments/same_rows.py --before DIR RUN... [--out FILE]

DIR is a folder that holds the package (`src` of a checkout), and each RUN is the folder of a run. No model is loaded:
each tree reads the stored outputs and computes every metric of the board on every row. The Markdown table lists each
row set and metric for which a row changes, with the means and the number of rows; for leaks also what today's scanner
finds in the rows that change. No row is quoted, in the table or in FILE.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent / "src"
LEAKS = {"leak_rate": "response", "trace_leak_rate": "trace"}
Values = dict[str, dict[str, float | None]]
"""The values of a run's rows: by split and id, then by metric."""


def score_rows(run: str) -> Values:
    """Compute the metrics of every row, and what the scanner finds, with the imported tree."""
    try:
        from unlearnkit.runs.folder import RunFolder
    except ModuleNotFoundError:  # the tree before rooms
        from unlearnkit.runfolder import RunFolder  # type: ignore[import-not-found, no-redef]

        from unlearnkit import metrics

        measures = {name: metric.measure for name, metric in metrics.METRICS.items()}  # type: ignore[attr-defined]
    else:
        from unlearnkit.metrics.base import board_metrics

        measures = {name: metric.measure for name, metric in board_metrics().items()}
    folder = RunFolder(Path(run))
    records, scope = folder.records(), folder.scope()
    return {f"{r.split} {r.row.id}": {name: m(r, scope) for name, m in measures.items()} for r in records}


def findings(run: str) -> dict[str, dict[str, str]]:
    """Return what today's scanner finds in every row, by place."""
    from unlearnkit.metrics.leakage import find_leaks
    from unlearnkit.runs.folder import RunFolder

    folder = RunFolder(Path(run))
    scope, found = folder.scope(), {}
    for record in folder.records():
        if (output := record.generation) is not None:
            texts = {"leak_rate": output.response, "trace_leak_rate": output.trace}
            leaks = {name: find_leaks(text, record.row, scope, LEAKS[name]) for name, text in texts.items()}
            found[f"{record.split} {record.row.id}"] = {
                name: "; ".join(sorted({str(leak) for leak in each})) for name, each in leaks.items()
            }
    return found


def changes(before: Values, after: Values, found: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield each row set and metric for which a row changes."""
    if before.keys() != after.keys():
        raise SystemExit("the two trees read different rows")
    for split in dict.fromkeys(key.partition(" ")[0] for key in after):
        keys = [key for key in after if key.partition(" ")[0] == split]
        for metric in after[keys[0]]:
            pairs = [(before[key].get(metric), after[key][metric], key) for key in keys]
            changed = [(old, new, key) for old, new, key in pairs if not _same(old, new)]
            if not changed:
                continue
            yield {
                "set": split,
                "metric": metric,
                "rows": len(pairs),
                "changed": len(changed),
                "before": _mean([old for old, _, _ in pairs]),
                "after": _mean([new for _, new, _ in pairs]),
                "finds": dict(Counter(found[key].get(metric, "") or "nothing" for _, _, key in changed))
                if metric in LEAKS
                else {},
            }


def _same(old: float | None, new: float | None) -> bool:
    return old is new is None or (old is not None and new is not None and abs(old - new) <= 1e-6)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def in_tree(tree: Path, run: Path) -> Values:
    """Score a run's rows in a process that imports the package from `tree`."""
    command = [sys.executable, __file__, "--rows", str(run.resolve())]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tree.resolve())}, stdout=subprocess.PIPE, check=True
    )
    values: Values = json.loads(done.stdout)
    return values


def main() -> None:
    """Compare the trees on each run, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--before", type=Path, metavar="DIR")
    parser.add_argument("--rows", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.rows:
        print(json.dumps(score_rows(str(options.runs[0]))))
        return
    if options.before is None:
        parser.error("--before is required")
    results = {}
    print("| run | set | metric | rows | changed | before | after | found in the rows that change |")
    print("|---|---|---|---|---|---|---|---|")
    for run in options.runs:
        before, after = in_tree(options.before, run), in_tree(SOURCE, run)
        results[run.name] = {"rows": len(after), "changes": list(changes(before, after, findings(str(run))))}
        for each in results[run.name]["changes"]:
            finds = "; ".join(f"{count}: {what}" for what, count in each["finds"].items())
            means = " | ".join("" if each[tree] is None else f"{each[tree]:.4f}" for tree in ("before", "after"))
            cells = (run.name, each["set"], each["metric"], each["rows"], each["changed"], means, finds)
            print(f"| {' | '.join(map(str, cells))} |")
        print(f"| {run.name} | all others | | {len(after)} | 0 | | | |")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
