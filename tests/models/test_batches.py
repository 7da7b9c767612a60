import pytest
import torch

from tests.tiny import PAD, random_rows, tiny_model
from unlearnkit.data.batching import pack
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.batches import batches, by_row, values_of_rows
from unlearnkit.models.engine import Engine

ROWS = random_rows(7, seed=4, trace=3)
WANT = [Quantity("v", kind) for kind in ("logps", "statistics", "states")]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_batches_hold_every_row_and_token_once_in_order(size: int) -> None:
    found = list(batches("v", ROWS, pad_id=PAD, device=torch.device("cpu"), size=size))
    assert [i for batch in found for i in batch.rows] == list(range(7))
    assert all(len(batch.rows) <= size for batch in found)
    tokens = torch.cat([batch.pack.labels["v"].token for batch in found]).tolist()
    assert tokens == [token for row in ROWS for token in row.ids[row.prompt :]]
    assert [i for batch in found for i in range(batch.tokens.start, batch.tokens.stop)] == list(range(len(tokens)))


def test_values_are_those_of_one_pass_and_are_split_by_row() -> None:
    engine = Engine(tiny_model(attention_dropout=0.5)).train()
    found = values_of_rows(engine, ROWS, WANT, pad_id=PAD, size=3)
    assert engine.training and set(found) == set(WANT)
    engine.eval()
    with torch.no_grad():
        whole = engine(pack({"v": ROWS}, PAD), WANT)
    for quantity in WANT:
        torch.testing.assert_close(found[quantity], whole[quantity])
        assert not found[quantity].requires_grad
    assert [len(part) for part in by_row(found[WANT[0]], ROWS)] == [row.labels for row in ROWS]
    assert values_of_rows(engine, [], WANT, pad_id=PAD) == {}
