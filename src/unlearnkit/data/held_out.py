"""Hold out a part of the retain rows.

A method is trained to keep its retain rows, so a score on these rows says little about the rest of what the model knew.
The held-out rows are not trained on, and show what the model keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import zip_longest
from random import Random
from typing import Annotated

from annotated_types import Ge, Le

from unlearnkit.data.near_duplicates import near_pairs
from unlearnkit.data.rows import Row
from unlearnkit.text.normalize import normalize

Share = Annotated[float, Ge(0), Le(0.5)]
"""Share of the retain rows to hold out; 0: none."""
SHARE: Share = 0.2
"""Default share of the retain rows to hold out."""
MOST = 100
"""Maximum number of held-out rows."""
FEWEST = 5
"""With fewer retain rows, none is held out."""


def hold_out(
    rows: Sequence[Row], share: float, *, trained: Collection[str] = ()
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Divide retain rows into rows to train on and held-out rows.

    At least one row is held out if `share` is above 0 and there are at least `FEWEST` rows. At most `MOST` rows are
    held out. The division does not depend on the seed of a run, so that all methods and seeds are measured on the same
    rows. The held-out rows are balanced over subjects.

    Rows that ask the same question, and near-duplicates (see `near_duplicates`), stay together: no held-out row has a
    near-duplicate among the rows to train on. A group of such rows that is larger than the number of rows to hold out
    is trained on. Therefore fewer rows, or none, may be held out.

    Args:
        rows: the retain rows.
        share: share of the rows to hold out.
        trained: ids of rows that are always trained on.

    Returns:
        The rows to train on and the held-out rows, each in the order of `rows`.
    """
    wanted = 0 if share == 0 or len(rows) < FEWEST else min(MOST, max(1, int(share * len(rows) + 1e-9)))
    held: set[int] = set()
    if wanted:
        draw, queues = Random("held-out retain rows"), defaultdict[str | None, list[list[int]]](list)
        groups = [group for group in _groups(rows) if not any(rows[at].id in trained for at in group)]
        for group in draw.sample(groups, len(groups)):
            queues[rows[group[0]].subject].append(group)
        for group in (each for turn in zip_longest(*queues.values()) for each in turn if each is not None):
            if len(held) + len(group) <= wanted:
                held.update(group)
    return (
        tuple(row for at, row in enumerate(rows) if at not in held),
        tuple(row for at, row in enumerate(rows) if at in held),
    )


def _groups(rows: Sequence[Row]) -> list[list[int]]:
    """Return the indices of the rows, grouped.

    Near-duplicates and rows with the same question are in one group.
    """
    pairs = near_pairs([f"{row.prompt}\n{row.answer}" for row in rows])
    first: dict[str, int] = {}
    for at, row in enumerate(rows):
        if row.question:
            pairs.append((first.setdefault(normalize(row.prompt), at), at))
    leader = list(range(len(rows)))

    def find(at: int) -> int:
        while leader[at] != at:
            leader[at] = at = leader[leader[at]]
        return at

    for one, other in pairs:
        leader[find(other)] = find(one)
    groups: dict[int, list[int]] = defaultdict(list)
    for at in range(len(rows)):
        groups[find(at)].append(at)
    return list(groups.values())
