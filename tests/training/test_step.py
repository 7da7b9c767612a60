import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import random_rows
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.objective import Step, Term
from unlearnkit.methods.quantities import entropy
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import (
    TrainData,
    count_units,
    drawn_rows,
    number_of_steps,
    objective_value,
    of_own_rows,
    portion,
    portions_per_process,
    split_of,
    step_indices,
    with_borrowed_rows,
)

# Labels 3 (of them trace 2) and 2 (trace 0); 1 and 4.
DATA = TrainData(
    {
        "forget": [Encoded((5, 6, 7), 1), Encoded((5, 6, 7, 8), 2)],
        "forget:target": [Encoded((5, 6, 7, 8), 1, 2), Encoded((5, 6, 7, 8), 2, 0)],
        "retain": [Encoded((5, 6), 1), Encoded((5, 6, 7, 8, 9), 1), Encoded((5, 6, 7), 2)],
    },
    0,
)


def test_units_are_counted_over_the_rows_of_the_step() -> None:
    counts = count_units(DATA, {"forget": [0, 1], "retain": [1, 1]})
    assert counts["forget", "token"] == 2 + 2
    assert counts["forget:target", "token"] == 3 + 2
    assert counts["forget:target", "trace_token"] == 2
    assert counts["forget:target", "response_token"] == 3
    assert counts["retain", "token"] == 4 + 4  # a row that comes twice counts twice
    assert counts["retain", "sequence"] == 2


def test_views_of_a_split_share_their_rows() -> None:
    settings = TrainSettings(batch_size=2, retain_batch_size=3)
    indices = step_indices(DATA, settings, seed=0, step=0)
    assert set(indices) == {"forget", "retain"}
    assert sorted(indices["forget"]) == [0, 1] and sorted(indices["retain"]) == [0, 1, 2]
    assert [split_of(view) for view in ("forget", "forget:target", "retain")] == ["forget", "forget", "retain"]
    assert DATA.sizes() == {"forget": 2, "retain": 3}


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 3))
def test_drawn_rows_are_those_of_all_steps(steps: int, retain: int, seed: int) -> None:
    views = {"forget": DATA.views["forget"], "forget:target": DATA.views["forget:target"]}
    data = TrainData({**views, "retain": [Encoded((5, 6), 1)] * retain}, 0)
    settings = TrainSettings(epochs=None, steps=steps, batch_size=1, retain_batch_size=2)
    each = [step_indices(data, settings, seed, step) for step in range(steps)]
    drawn = drawn_rows(data, settings, seed)
    assert drawn["forget"] == drawn["forget:target"] == sorted({i for indices in each for i in indices["forget"]})
    assert drawn["retain"] == sorted({i for indices in each for i in indices["retain"]})


def test_composed_rows_are_counted_by_split() -> None:
    rows = [Encoded((5, 6), 1), Encoded((5, 6, 7), 1, composed=True), Encoded((5, 7), 1, composed=True)]
    data = TrainData({"forget": rows, "forget:idk": rows, "retain": rows[:1]}, 0, share=0.5)
    assert data.composed() == {"forget": 2, "retain": 0} and data.sizes() == {"forget": 3, "retain": 1}
    assert DATA.composed() == {"forget": 0, "retain": 0}


@pytest.mark.parametrize(
    ("sizes", "composed", "share", "expected"),
    [
        ({"forget": 30, "retain": 90}, {"forget": 0, "retain": 0}, 0.0, 15),  # 2 * 30 / 4
        ({"forget": 130, "retain": 90}, {"forget": 100, "retain": 0}, 0.5, 30),  # 2 * 30 / 2
        ({"forget": 1030, "retain": 90}, {"forget": 1000, "retain": 0}, 0.5, 30),  # however many are composed
        ({"forget": 130, "retain": 990}, {"forget": 100, "retain": 900}, 0.2, 19),  # 2 * 30 / 3.2 = 18.75
        ({"forget": 30, "retain": 990}, {"forget": 0, "retain": 900}, 0.5, 15),  # all forget rows are given
        ({"retain": 130}, {"retain": 100}, 0.5, 20),  # 2 * 30 / 3: without forget rows, of the retain rows
        ({"forget": 30}, {"forget": 30}, 0.5, 15),  # all are composed
    ],
)
def test_an_epoch_is_a_pass_over_the_given_rows(
    sizes: dict[str, int], composed: dict[str, int], share: float, expected: int
) -> None:
    settings = TrainSettings(epochs=2.0, batch_size=4, retain_batch_size=6)
    assert number_of_steps(settings, sizes, composed, share) == expected
    fixed = TrainSettings(epochs=None, steps=7, batch_size=4)
    assert number_of_steps(fixed, sizes, composed, share) == 7


def test_empty_and_unequal_views_are_refused() -> None:
    with pytest.raises(InputError, match="is empty") as raised:
        TrainData({"forget": random_rows(2), "retain": []}, 0)
    assert raised.value.value == "retain"
    with pytest.raises(InputError, match="differ in their number of rows"):
        TrainData({"forget": random_rows(2), "forget:idk": random_rows(3)}, 0)


@given(
    forget=st.integers(1, 40),
    retain=st.integers(1, 40),
    micro=st.integers(1, 40) | st.none(),
    processes=st.integers(1, 4),
)
def test_portions_hold_every_row_once_and_respect_the_limit(
    forget: int, retain: int, micro: int | None, processes: int
) -> None:
    settings = TrainSettings(batch_size=forget, retain_batch_size=retain, micro_batch_size=micro)
    sizes = {"forget": 100, "retain": 100}
    try:
        each = portions_per_process(settings, sizes, processes)
    except InputError:
        # Only when one process would have more portions than rows of a split, even with the fewest allowed.
        assert min(forget, retain) < -(-max(forget, retain) // (micro or max(forget, retain)))
        return
    indices = {"forget": list(range(forget)), "retain": list(range(retain))}
    parts = [portion(indices, part, each * processes) for part in range(each * processes)]
    for split, rows in indices.items():
        assert [i for part in parts for i in part[split]] == rows
        sizes_of_parts = [len(part[split]) for part in parts]
        assert max(sizes_of_parts) - min(sizes_of_parts) <= 1
        assert micro is None or max(sizes_of_parts) <= micro
        assert processes > 1 or min(sizes_of_parts) >= 1


def test_impossible_portions_say_what_to_do() -> None:
    settings = TrainSettings(batch_size=2, retain_batch_size=32, micro_batch_size=4)
    with pytest.raises(InputError, match="more micro-batches than rows of the split") as raised:
        portions_per_process(settings, {"forget": 10, "retain": 90}, 1)
    assert raised.value.where == "split 'forget'"
    assert "micro_batch_size" in (raised.value.fix or "")
    # What one process can do, several can: some of them have no row of the split.
    assert portions_per_process(TrainSettings(batch_size=3), {"forget": 10}, 4) == 1


@pytest.mark.parametrize(
    ("forget", "retain", "micro", "processes", "expected"),
    [
        # Rows of forget and of retain that each process has in each of its micro-batches.
        (3, 5, None, 2, [[([0], [0, 1])], [([1, 2], [2, 3, 4])]]),
        (3, 5, 2, 2, [[([], [0]), ([0], [1])], [([1], [2]), ([2], [3, 4])]]),
        (1, 2, None, 3, [[([], [])], [([], [0])], [([0], [1])]]),
        (4, 4, 2, 1, [[([0, 1], [0, 1]), ([2, 3], [2, 3])]]),
    ],
)
def test_rows_of_a_step_over_processes(
    forget: int, retain: int, micro: int | None, processes: int, expected: list[list[tuple[list[int], list[int]]]]
) -> None:
    settings = TrainSettings(batch_size=forget, retain_batch_size=retain, micro_batch_size=micro)
    indices = {"forget": list(range(forget)), "retain": list(range(retain))}
    each = portions_per_process(settings, {"forget": 9, "retain": 9}, processes)
    found = [
        [portion(indices, rank * each + part, each * processes) for part in range(each)] for rank in range(processes)
    ]
    assert [[(part["forget"], part["retain"]) for part in rank] for rank in found] == expected


def test_a_borrowed_row_does_not_count() -> None:
    indices = {"forget": [7, 8], "retain": [5, 6]}
    rows = {"forget": [], "retain": [6]}
    assert with_borrowed_rows(rows, indices) == {"forget": [7], "retain": [6]}
    weights = torch.tensor([2.0, 3.0], requires_grad=True)
    terms = {"forget": Term(weights[0], "forget:idk", "token"), "retain": Term(weights[1], "retain", "token", 0.5)}
    counts = {("forget:idk", "token"): 4, ("retain", "token"): 6}
    value = objective_value(of_own_rows(terms, rows), counts)  # type: ignore[arg-type]
    value.backward()
    assert value.item() == 0.5 * 3 / 6
    # The borrowed row's weights have a gradient, of 0: the other processes wait for it.
    assert weights.grad is not None and weights.grad.tolist() == pytest.approx([0.0, 0.5 / 6])


def test_what_was_not_computed_is_reported_and_not_made_up() -> None:
    step = Step({}, pack({"forget": random_rows(2)}, 0).labels)
    message = r"the store has no .*of 'forget'.*; add this quantity to the objective's `needs`"
    for read in (step.logps, step.kl, step.entropy, step.reference.logps):
        with pytest.raises(RuntimeError, match=message):
            read("forget")
    with pytest.raises(RuntimeError, match=message):
        step.distribution("forget").map(entropy)
    with pytest.raises(RuntimeError, match="hidden states of layer 3 of 'retain'"):
        step.hidden("retain", 3)
    with pytest.raises(InputError, match=r"(?s)no such target distribution.*uniform, reference"):
        step.cross_entropy("forget", "teacher")
