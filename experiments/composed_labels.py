"""Count how many labels of composed rows out of scope are right.

    python experiments/composed_labels.py RUN [RUN ...]

A made-up world knows the right answers: a label is right if it contains the answer of a question of the world with the
same note ("Birthplace of Ada Lund"). Labels under other notes are not counted. The first share is over all composed
rows out of scope, as if every answer of the target model were learned; the second is over the rows that are learned,
which are not doubtful.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence

from unlearnkit.data.augment import ComposedRow, read_composed
from unlearnkit.data.rows import Row
from unlearnkit.metrics.intervals import exact_interval
from unlearnkit.recipe import make_suite
from unlearnkit.runs.folder import RunFolder
from unlearnkit.text.normalize import contains


def note_of(row: Row) -> str:
    """Return a trace up to the end of its note."""
    return row.trace.partition(",")[0].rstrip(".")


def answers_by_note(folder: RunFolder) -> Mapping[str, set[str]]:
    """Return the right answers to the questions with each note."""
    suite = make_suite(folder.state().suite)
    task = suite.task()
    known: dict[str, set[str]] = defaultdict(set)
    for rows in (suite.retain_corpus(), *task.splits.values(), *task.measured.values()):
        for row in rows:
            if row.trace:
                known[note_of(row)].update(row.answers)
    return known


def share(rows: Sequence[ComposedRow], known: Mapping[str, set[str]]) -> str:
    """Return the share of right labels, with its interval."""
    right = [any(contains(each.row.answer, answer) for answer in known[note_of(each.row)]) for each in rows]
    if not right:
        return "not measured"
    low, high = exact_interval(sum(right), len(right))
    return f"{sum(right) / len(right):.2f} [{low:.2f}, {high:.2f}] of {len(right)}"


def main() -> None:
    """Print both shares for each run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", help="folders of runs with composed rows")
    for path in parser.parse_args().runs:
        folder = RunFolder.existing(path)
        known = answers_by_note(folder)
        rows = [each for each in read_composed(folder.composed_file) if each.stays and note_of(each.row) in known]
        learned = [each for each in rows if not each.doubtful]
        print(f"{folder.name}: all labels {share(rows, known)}; learned labels {share(learned, known)}")


if __name__ == "__main__":
    main()
