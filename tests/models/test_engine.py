import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.tiny import CONFIGS, PAD, SIZE, adapted, random_rows, tiny_model
from unlearnkit.core.errors import InputError
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.engine import Engine

ROWS = random_rows(5, seed=3, trace=4)
LOGPS, KL, STATES, STATISTICS = (Quantity("v", kind) for kind in ("logps", "kl", "states", "statistics"))
REFERENCE = replace(STATES, of_reference=True)
ALL = (LOGPS, STATES, STATISTICS)


def plain(model: Any, rows: list[Encoded]) -> Tensor:
    """Log-probabilities at the labeled tokens in float64, row by row, from the model's own logits."""
    found = []
    for row in rows:
        logits = model(input_ids=torch.tensor([row.ids])).logits[0].double()
        found.append(logits.log_softmax(-1)[row.prompt - 1 : -1])
    return torch.cat(found)


class _AlwaysDouble:
    """torch, to a module that computes in float32 whatever its weights are."""

    float32 = torch.float64

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@pytest.fixture
def in_double(monkeypatch: pytest.MonkeyPatch) -> None:
    """GPT-J attends in float64 too: on some processors the rounding of float32 products hangs on the number of rows."""
    monkeypatch.setattr(transformers.models.gptj.modeling_gptj, "torch", _AlwaysDouble())


def tokens(rows: list[Encoded]) -> Tensor:
    return torch.tensor([token for row in rows for token in row.ids[row.prompt :]])


def run(engine: Engine, rows: list[Encoded], want: Sequence[Quantity] = ALL, **more: Any) -> dict[Quantity, Tensor]:
    values: dict[Quantity, Tensor] = engine(pack({"v": rows}, PAD), want, **more)
    return values


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_equal_the_models_own(
    family: str, dtype: torch.dtype, tied: bool, request: pytest.FixtureRequest
) -> None:
    if dtype == torch.float64:
        request.getfixturevalue("in_double")
    model = tiny_model(family, dtype=dtype, tie_word_embeddings=tied)
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) == tied
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none of these families may need the fallback
        engine = Engine(model)
    assert engine.own_head
    got = run(engine, ROWS)
    bound = 2e-5 if dtype == torch.float32 else 1e-10
    all_logps = plain(model, ROWS)
    expected = all_logps.gather(1, tokens(ROWS)[:, None])[:, 0]
    _, ranks, mean_logps, _ = got[STATISTICS].unbind(1)
    torch.testing.assert_close(got[LOGPS].double(), expected, rtol=bound, atol=bound)
    mean = (all_logps.exp() * all_logps).sum(-1)
    torch.testing.assert_close(mean_logps.double(), mean, rtol=10 * bound, atol=10 * bound)
    assert torch.equal(ranks.long(), (all_logps > expected[:, None]).sum(-1))
    parameters = list(model.parameters())
    ours = torch.autograd.grad(got[LOGPS].square().sum(), parameters, allow_unused=True)
    theirs = torch.autograd.grad(expected.square().sum(), parameters, allow_unused=True)
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            # transformers' norms compute in float32 whatever the model's dtype, which rounds their weights' gradients.
            assert float((a - b).abs().max()) <= max(20 * bound, 1e-6) * max(1.0, float(b.abs().max()))


class OddHead(nn.Module):
    """Stands in for an unknown model: its logits are `change` of the usual ones, and nothing says so."""

    def __init__(self, model: Any, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.change, self.config = model, change, model.config

    def get_output_embeddings(self) -> nn.Module:
        return self.inner.get_output_embeddings()

    def get_decoder(self) -> nn.Module:
        return self.inner.get_decoder()

    def forward(self, **options: Any) -> Any:
        outputs = self.inner(**options)
        outputs.logits = self.change(outputs.logits)
        return outputs


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("initial", [1.0, 0.02], ids=["trained", "fresh"])
@pytest.mark.parametrize(
    "change", [lambda x: x * 0.9, lambda x: x * 1.1, lambda x: torch.tanh(x * 2), lambda x: x.roll(1, -1)]
)
def test_a_model_whose_logits_differ_falls_back_with_a_warning(
    change: Callable[[Tensor], Tensor], initial: float, dtype: torch.dtype
) -> None:
    inner = tiny_model(dtype=dtype)
    with torch.no_grad():
        inner.get_output_embeddings().weight.mul_(initial)
    model = OddHead(inner, change)
    with pytest.warns(UserWarning, match="OddHead: the engine cannot apply the head in chunks"):
        engine = Engine(model)
    assert not engine.own_head
    got = run(engine, ROWS)
    expected = plain(model, ROWS)
    bound = 2e-5 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(
        got[LOGPS].double(), expected.gather(1, tokens(ROWS)[:, None])[:, 0], rtol=bound, atol=bound
    )
    assert got[STATISTICS][:, 0].tolist() == got[LOGPS].tolist()


def test_a_decoder_that_cannot_be_had_apart_falls_back() -> None:
    config = transformers.Llama4TextConfig(**SIZE, head_dim=8, num_local_experts=2, intermediate_size_mlp=16)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with pytest.warns(UserWarning, match="Llama4ForCausalLM: the engine cannot apply the head in chunks"):
        engine = Engine(model)
    expected = plain(model, ROWS).gather(1, tokens(ROWS)[:, None])[:, 0]
    torch.testing.assert_close(run(engine, ROWS)[LOGPS], expected.float(), rtol=2e-5, atol=2e-5)


def test_an_adapter_on_the_head_falls_back_and_still_gives_its_values() -> None:
    model = adapted(tiny_model(), target_modules=("lm_head", "q_proj"))
    with pytest.warns(UserWarning, match="the engine cannot apply the head in chunks"):
        engine = Engine(model)
    expected = plain(model, ROWS).gather(1, tokens(ROWS)[:, None])[:, 0]
    torch.testing.assert_close(run(engine, ROWS)[LOGPS], expected.float(), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.usefixtures("in_double")
def test_with_lora_values_and_gradients_equal_the_models_own(family: str, tied: bool) -> None:
    model = adapted(tiny_model(family, tie_word_embeddings=tied))
    engine = Engine(model.double())
    assert engine.own_head
    got = run(engine, ROWS)[LOGPS]
    expected = plain(model, ROWS).gather(1, tokens(ROWS)[:, None])[:, 0]
    torch.testing.assert_close(got.double(), expected, rtol=2e-5, atol=2e-5)
    trained = [p for p in model.parameters() if p.requires_grad]
    ours = torch.autograd.grad(got.sum(), trained)
    theirs = torch.autograd.grad(expected.sum(), trained)
    assert len(trained) > 0
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@given(seed=st.integers(0, 99), overhead=st.sampled_from([0, 10, 10_000]), order=st.permutations(range(4)))
def test_padding_and_order_change_no_value(seed: int, overhead: int, order: list[int]) -> None:
    rows = random_rows(4, seed=seed, prompt=(1, 9), answer=(1, 9))
    alone = torch.cat([run(ENGINE, [rows[i]])[LOGPS] for i in order])
    packed = pack({"v": [rows[i] for i in order]}, PAD, overhead)
    together = ENGINE(packed, ALL)[LOGPS]
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", CONFIGS)
def test_hidden_states_of_a_layer_are_what_its_block_gives(family: str) -> None:
    model = tiny_model(family)
    engine = Engine(model)
    blocks = next(m for m in engine.causal().get_decoder().children() if isinstance(m, nn.ModuleList))
    given: list[Tensor] = []
    hook = blocks[0].register_forward_hook(lambda _m, _a, out: given.append(out[0] if isinstance(out, tuple) else out))
    for row in ROWS:
        model(input_ids=torch.tensor([row.ids]))
    hook.remove()
    expected = torch.cat([out[0, row.prompt - 1 : -1] for out, row in zip(given, ROWS, strict=True)])
    first, last = Quantity("v", "hidden", 0), Quantity("v", "hidden", -1)
    got = run(engine, ROWS, [first, last, STATES])
    torch.testing.assert_close(got[first], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(got[last], got[STATES])


@pytest.mark.parametrize("layer", [-2, 2, 40])
def test_a_layer_that_is_not_there_is_told(layer: int) -> None:
    with pytest.raises(InputError, match=r"(?s)no such layer.*0 to 1, or -1"):
        run(Engine(tiny_model()), ROWS, [Quantity("v", "hidden", layer)])


ENGINE = Engine(tiny_model())


def test_only_what_is_wanted_is_made() -> None:
    want = {Quantity("a", "logps"), Quantity("b", "states")}
    got = ENGINE(pack({"a": ROWS, "b": ROWS}, PAD), want)
    assert got.keys() == want
    assert got[Quantity("b", "states")].shape == (len(tokens(ROWS)), 16)
    (only,) = ENGINE(pack({"a": ROWS}, PAD), want)
    assert only == Quantity("a", "logps")


@pytest.mark.parametrize("fallback", [False, True])
def test_kl_is_that_of_the_plain_distributions(fallback: bool) -> None:
    model, other = tiny_model(), tiny_model(seed=1)
    if fallback:
        model, other = OddHead(model, lambda x: x * 0.5), OddHead(other, lambda x: x * 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine, reference = Engine(model), Engine(other)
    assert engine.own_head != fallback
    engine._reference_head = None if fallback else reference.head().frozen()
    hidden = run(reference, ROWS)[STATES]
    got = run(engine, ROWS, [KL], reference={REFERENCE: hidden.detach()})[KL]
    p, q = plain(other, ROWS), plain(model, ROWS)
    torch.testing.assert_close(got.double(), (p.exp() * (p - q)).sum(-1), rtol=1e-4, atol=1e-5)


def test_kl_is_zero_before_the_first_update_and_knows_the_old_head_after_it() -> None:
    model = tiny_model("llama_tied")
    before = copy.deepcopy(model)
    engine = Engine(model)
    want = [KL]
    hidden = run(engine, ROWS)[STATES]
    reference = {REFERENCE: hidden.detach()}
    with pytest.raises(RuntimeError, match="freeze_reference_head"):
        run(engine, ROWS, want, reference=reference)
    engine.freeze_reference_head()
    zero = run(engine, ROWS, want, reference=reference)[KL]
    assert zero.abs().max() < 1e-5
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    got = run(engine, ROWS, want, reference=reference)[KL]
    p, q = plain(before, ROWS), plain(model, ROWS)
    assert got.min() > 1e-4
    torch.testing.assert_close(got.double(), (p.exp() * (p - q)).sum(-1), rtol=1e-4, atol=1e-5)


def test_autocast_gives_float32_values_near_the_float32_ones() -> None:
    exact = run(ENGINE, ROWS)[LOGPS]
    with torch.autocast("cpu", torch.bfloat16):
        rough = run(ENGINE, ROWS)[LOGPS]
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).detach().abs().max()) < 0.3


def test_the_check_leaves_the_models_mode_as_it_was() -> None:
    assert Engine(tiny_model().train()).model.training
    assert not Engine(tiny_model().eval()).model.training


def test_the_engine_adds_no_parameters_and_no_buffers_to_save() -> None:
    model = tiny_model("llama_tied")
    engine = Engine(model)
    engine.freeze_reference_head()
    assert [f"model.{name}" for name in model.state_dict()] == list(engine.state_dict())
    assert {id(p) for p in engine.parameters()} == {id(p) for p in model.parameters()}
