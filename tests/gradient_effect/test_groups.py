"""Which group a weight belongs to, in every family; and boundaries that cannot be."""

from __future__ import annotations

import pytest

from tests.tiny import CONFIGS, adapted, tiny_model
from unlearnkit.core.errors import InputError
from unlearnkit.models.engine import Engine
from unlearnkit.models.parameter_groups import grouped


def names(engine: Engine) -> list[str]:
    return [name for name, _ in engine.named_parameters(remove_duplicate=False)]


@pytest.mark.parametrize("family", CONFIGS)
def test_every_weight_of_every_family_has_one_group(family: str) -> None:
    engine = Engine(tiny_model(family))
    layers, parts = grouped(engine, names(engine), "layers"), grouped(engine, names(engine), "parts")
    assert list(layers) == ["embedding", "block 0", "block 1", "final norm", "head"]
    for found in (layers, parts):
        assert sorted(name for members in found.values() for name in members) == sorted(names(engine))
    assert all("embed" in name or "wte" in name or "wpe" in name for name in layers["embedding"])
    assert all("norm" in name or "ln_f" in name for name in layers["final norm"])
    for part, inside in (("attention", ("attn", "attention")), ("MLP", ("mlp", "experts"))):
        assert all(any(word in name for word in inside) for name in parts[f"block 1 {part}"])


def test_an_adapter_lies_in_the_blocks_it_is_on() -> None:
    engine = Engine(adapted(tiny_model("llama")))
    trained = [name for name, parameter in engine.named_parameters() if parameter.requires_grad]
    found = grouped(engine, trained, "layers")
    assert list(found) == ["block 0", "block 1"]
    assert all("lora_" in name for members in found.values() for name in members)


@pytest.mark.parametrize("boundaries", [(0,), (2, 1), (1, 1), (2,)])
def test_boundaries_that_do_not_cut_the_blocks_are_refused(boundaries: tuple[int, ...]) -> None:
    engine = Engine(tiny_model("llama"))
    with pytest.raises(InputError, match="do not divide the model's blocks") as told:
        grouped(engine, names(engine), "layers", boundaries)
    assert "from 1 to 1" in told.value.render()
