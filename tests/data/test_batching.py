import itertools
from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import random_rows
from unlearnkit.data.batching import cut_by_length, pack
from unlearnkit.data.encoding import Encoded

PAD = 0


def cost(groups: list[list[int]], lengths: list[int], overhead: int) -> int:
    return sum(len(group) * max(lengths[i] for i in group) + overhead for group in groups)


def partitions(items: list[int]) -> list[list[list[int]]]:
    """Every way to split items into groups."""
    if not items:
        return [[]]
    first, rest = items[0], items[1:]
    found = []
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            left = [i for i in rest if i not in others]
            found += [[[first, *others], *more] for more in partitions(left)]
    return found


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=7), overhead=st.integers(0, 60))
def test_cut_is_the_cheapest_of_all_partitions(lengths: list[int], overhead: int) -> None:
    groups = cut_by_length(lengths, overhead)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    best = min(cost(partition, lengths, overhead) for partition in partitions(list(range(len(lengths)))))
    assert cost(groups, lengths, overhead) == best


def test_cut_by_hand() -> None:
    # Apart: 3 * 10 + 2 * 100 + 2 * 50 = 330; together: 5 * 100 + 50 = 550; with a dearer call, together wins.
    assert cut_by_length([100, 10, 10, 100, 10], 50) == [[1, 2, 4], [0, 3]]
    assert cut_by_length([100, 10, 10, 100, 10], 300) == [[1, 2, 4, 0, 3]]
    assert cut_by_length([], 50) == []


@given(
    seed=st.integers(0, 999),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    overhead=st.sampled_from([0, 9, 999]),
)
def test_every_label_points_at_the_state_before_its_token(seed: int, sizes: tuple[int, int], overhead: int) -> None:
    views = {
        "forget": random_rows(sizes[0], seed=seed, answer=(1, 9)),
        "forget:target": random_rows(sizes[1], seed=seed + 1, answer=(1, 9), trace=5),
    }
    views["forget"] = [replace(row, doubtful=n % (row.labels + 1)) for n, row in enumerate(views["forget"])]
    packed = pack(views, PAD, overhead)
    flat = torch.cat([ids.flatten() for ids in packed.calls])
    lines = [(call.tolist(), line) for call in packed.calls for line in range(len(call))]
    padded_rows = [call[line] for call, line in lines]
    for view, rows in views.items():
        labels = packed.labels[view]
        assert labels.rows == len(rows)
        assert labels.row.tolist() == [n for n, row in enumerate(rows) for _ in range(row.labels)]
        assert labels.token.tolist() == [token for row in rows for token in row.ids[row.prompt :]]
        assert labels.in_trace.tolist() == [n < row.trace for row in rows for n in range(row.labels)]
        assert labels.doubtful.tolist() == [n >= row.labels - row.doubtful for row in rows for n in range(row.labels)]
        # The token after each position, in the calls as they are, is the label; before the first stands the prompt.
        assert flat[labels.position + 1].tolist() == labels.token.tolist()
        starts = [0, *itertools.accumulate(row.labels for row in rows)]
        for row, start in zip(rows, starts, strict=False):
            at = int(labels.position[start])
            assert flat[at - row.prompt + 1 : at + 1].tolist() == list(row.ids[: row.prompt])
    for rows_of_view in views.values():
        for row in rows_of_view:
            assert any(
                line[: len(row.ids)] == list(row.ids) and set(line[len(row.ids) :]) <= {PAD} for line in padded_rows
            )


@given(seed=st.integers(0, 999), order=st.permutations(range(5)))
def test_order_of_rows_changes_only_the_order(seed: int, order: list[int]) -> None:
    rows = random_rows(5, seed=seed, trace=3)
    packed = pack({"forget": [rows[i] for i in order]}, PAD)
    labels = packed.labels["forget"]
    for new, old in enumerate(order):
        assert labels.token[labels.row == new].tolist() == list(rows[old].ids[rows[old].prompt :])


def test_views_keep_their_device_and_values_when_moved() -> None:
    packed = pack({"forget": random_rows(3)}, PAD)
    moved = packed.to(torch.device("cpu"))
    assert all(torch.equal(a, b) for a, b in zip(packed.calls, moved.calls, strict=True))
    assert torch.equal(packed.labels["forget"].position, moved.labels["forget"].position)


def test_two_lengths_far_apart_are_run_apart_and_alike_ones_together() -> None:
    short = [Encoded((5, 6, 7), 1) for _ in range(20)]
    long = [Encoded((5, *range(3, 58)), 1) for _ in range(20)]
    assert len(pack({"forget": short, "forget:target": long}, PAD).calls) == 2
    assert len(pack({"forget": short, "retain": short}, PAD).calls) == 1
