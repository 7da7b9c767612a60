import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnkit.core.errors import InputError
from unlearnkit.training.settings import TrainSettings, learning_rate


def rates(total: int, **settings: object) -> list[float]:
    chosen = TrainSettings(lr=1.0, **settings)  # type: ignore[arg-type]
    return [learning_rate(chosen, step, total) for step in range(total)]


def test_shapes_by_hand() -> None:
    # Ten steps, two of them warm-up: a third and two thirds of the peak, then eight steps down to an eighth.
    warm = [1 / 3, 2 / 3]
    assert rates(10, warmup=0.2, schedule="constant") == pytest.approx([*warm, *[1.0] * 8])
    assert rates(10, warmup=0.2, schedule="linear") == pytest.approx([*warm, *[n / 8 for n in range(8, 0, -1)]])
    cosine = [(1 - math.cos(math.pi * n / 8)) / 2 for n in range(8, 0, -1)]
    assert rates(10, warmup=0.2, schedule="cosine") == pytest.approx([*warm, *cosine])
    assert cosine[0] == 1.0 and cosine[4] == pytest.approx(0.5)


def test_without_warmup_the_first_step_has_the_peak() -> None:
    for schedule in ("constant", "linear", "cosine"):
        assert rates(4, warmup=0.0, schedule=schedule)[0] == 1.0


@given(
    total=st.integers(1, 60),
    warmup=st.floats(0, 1),
    schedule=st.sampled_from(["constant", "linear", "cosine"]),
)
def test_every_step_moves_and_none_goes_beyond_the_peak(total: int, warmup: float, schedule: str) -> None:
    found = rates(total, warmup=warmup, schedule=schedule)
    assert all(0 < rate <= 1 for rate in found)
    top = found.index(max(found))
    assert found[: top + 1] == sorted(found[: top + 1]) and found[top:] == sorted(found[top:], reverse=True)


@pytest.mark.parametrize(
    ("epochs", "steps", "rows", "batch", "total"),
    [(10, None, 40, 16, 25), (1, None, 40, 16, 2), (0.1, None, 10, 16, 1), (2.5, None, 8, 4, 5), (None, 7, 40, 16, 7)],
)
def test_number_of_steps(epochs: float | None, steps: int | None, rows: int, batch: int, total: int) -> None:
    assert TrainSettings(epochs=epochs, steps=steps).total_steps(rows, batch) == total


@pytest.mark.parametrize(("epochs", "steps"), [(None, None), (3, 5)])
def test_steps_or_epochs_and_not_both(epochs: float | None, steps: int | None) -> None:
    with pytest.raises(InputError, match="either steps or epochs"):
        TrainSettings(epochs=epochs, steps=steps).total_steps(10, 2)


def test_rows_of_a_split() -> None:
    assert [TrainSettings(batch_size=12).rows(split) for split in ("forget", "retain")] == [12, 12]
    apart = TrainSettings(batch_size=12, retain_batch_size=36)
    assert [apart.rows(split) for split in ("forget", "retain", "scope")] == [12, 36, 36]
