import math
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from unlearnkit.methods.quantities import CROSS_ENTROPIES, entropy
from unlearnkit.models import logprob
from unlearnkit.models.logprob import (
    Head,
    statistics_of_logits,
    token_functions,
    token_kl,
    token_logps,
    token_statistics,
)

# torch's own rules for forward derivatives are compiled by what torch has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

VOCABULARY, WIDTH, TOKENS = 11, 5, 9
HEADS = {
    "plain": {},
    "bias": {"bias": True},
    "scale": {"scale": 0.37},
    "softcap": {"softcap": 1.5},
    "all": {"bias": True, "scale": 1.7, "softcap": 2.5},
}
CHUNKS = (2, 1000)  # five chunks, the last one cut short; one chunk


@pytest.fixture(params=CHUNKS, ids=lambda rows: f"{rows} rows at once")
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(logprob, "CHUNK_ELEMENTS", request.param * VOCABULARY)
    assert [part.stop for part in logprob.chunks(1, VOCABULARY)] == [request.param]
    return int(request.param)


def made_up(kind: str, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[Tensor, Head, Tensor]:
    options = dict(HEADS[kind])
    draw = torch.Generator().manual_seed(seed)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype).requires_grad_()

    bias = leaf(VOCABULARY) if options.pop("bias", False) else None
    labels = torch.randint(VOCABULARY, (TOKENS,), generator=draw)
    return leaf(TOKENS, WIDTH), Head(leaf(VOCABULARY, WIDTH), bias, **options), labels


def leaves(hidden: Tensor, head: Head) -> list[Tensor]:
    return [hidden, head.weight] + ([head.bias] if head.bias is not None else [])


def plain(hidden: Tensor, weight: Tensor, bias: Tensor | None, head: Head) -> Tensor:
    """All log-probabilities in float64, by autograd's own operations."""
    logits = hidden.double() @ weight.double().T
    if bias is not None:
        logits = logits + bias.double()
    logits = logits * head.scale
    if head.softcap is not None:
        logits = head.softcap * torch.tanh(logits / head.softcap)
    return logits - logits.exp().sum(-1, keepdim=True).log()


def plain_logps(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    return plain(hidden, head.weight, head.bias, head)[torch.arange(len(labels)), labels]


def test_a_value_by_hand() -> None:
    # Logits 0, ln 3 and ln 4 are probabilities 1/8, 3/8 and 4/8.
    head = Head(torch.tensor([[0.0], [math.log(3)], [math.log(4)]]))
    values = token_logps(torch.ones(3, 1), head, torch.tensor([0, 1, 2]))
    assert values.tolist() == pytest.approx([math.log(1 / 8), math.log(3 / 8), math.log(4 / 8)], abs=1e-6)
    # Bias ln 2 on the first, logits doubled: 4, 9 and 16 of 29.
    head = Head(head.weight, torch.tensor([math.log(2), 0.0, 0.0]), scale=2.0)
    assert token_logps(torch.ones(1, 1), head, torch.tensor([0])).item() == pytest.approx(math.log(4 / 29), abs=1e-6)


@pytest.mark.parametrize("kind", HEADS)
def test_values_and_gradients_equal_float64_autograd(kind: str, chunk: int) -> None:
    hidden, head, labels = made_up(kind)
    weights = torch.linspace(-1, 2, TOKENS)
    ours = token_logps(hidden, head, labels)
    expected = plain_logps(hidden, head, labels)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), expected, rtol=1e-5, atol=1e-5)
    got = torch.autograd.grad((ours * weights).sum(), leaves(hidden, head))
    want = torch.autograd.grad((expected * weights.double()).sum(), leaves(hidden, head))
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", HEADS)
def test_gradcheck_in_float64_first_and_second_derivatives(kind: str, chunk: int) -> None:
    hidden, head, labels = made_up(kind, torch.float64)

    def values(hidden: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return token_logps(hidden, Head(weight, bias, head.scale, head.softcap), labels)

    assert torch.autograd.gradcheck(values, leaves(hidden, head))
    assert torch.autograd.gradgradcheck(values, leaves(hidden, head))


@pytest.mark.parametrize(
    ("kind", "moved"),
    [(kind, moved) for kind in HEADS for moved in ("hidden", "weight", "all")] + [("bias", "bias"), ("all", "bias")],
)
def test_jvp_equals_float64_jvp(kind: str, moved: str, chunk: int) -> None:
    hidden, head, labels = made_up(kind)
    inputs = {"hidden": hidden.detach(), "weight": head.weight.detach()}
    if head.bias is not None:
        inputs["bias"] = head.bias.detach()
    names = list(inputs) if moved == "all" else [moved]
    primals = tuple(inputs[name] for name in names)
    tangents = tuple(torch.randn_like(primal) for primal in primals)

    def at(*values: Tensor) -> tuple[Tensor, Head]:
        now = {**inputs, **dict(zip(names, values, strict=True))}
        return now["hidden"], Head(now["weight"], now.get("bias"), head.scale, head.softcap)

    with torch.no_grad():  # with a graph, there is no forward mode
        ours = torch.func.jvp(lambda *v: token_logps(*at(*v), labels), primals, tangents)[1]
    want = torch.func.jvp(lambda *v: plain_logps(*at(*v), labels), primals, tangents)[1]
    torch.testing.assert_close(ours.double(), want.double(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", HEADS)
def test_without_a_graph_forward_mode_makes_the_logits_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, head, labels = made_up(kind)
    primals = tuple(leaf.detach() for leaf in leaves(hidden, head))
    tangents = tuple(torch.randn_like(primal) for primal in primals)
    made, logits = [], Head.logits
    monkeypatch.setattr(Head, "logits", lambda head, hidden: made.append(len(hidden)) or logits(head, hidden))

    def ours(hidden: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return token_logps(hidden, Head(weight, bias, head.scale, head.softcap), labels)

    def expected(hidden: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return plain_logps(hidden, Head(weight, bias, head.scale, head.softcap), labels)

    with torch.no_grad():
        got = torch.func.jvp(ours, primals, tangents)
        assert made == [TOKENS]
        want = torch.func.jvp(expected, primals, tangents)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a.double(), b.double(), rtol=1e-4, atol=1e-5)


def test_a_tied_weight_gets_both_its_gradients(chunk: int) -> None:
    _, head, labels = made_up("plain")
    tied = head.weight
    ids = torch.arange(TOKENS) % VOCABULARY
    got = torch.autograd.grad(token_logps(tied[ids] * 2, Head(tied), labels).sum(), tied)[0]
    want = torch.autograd.grad(plain_logps(tied.double()[ids] * 2, Head(tied), labels).sum(), tied)[0]
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


def test_only_what_needs_a_gradient_gets_one(chunk: int) -> None:
    hidden, head, labels = made_up("all")
    frozen = head.frozen()  # as under LoRA
    token_logps(hidden, frozen, labels).sum().backward()
    assert hidden.grad is not None and frozen.weight.grad is None
    still = hidden.detach()
    token_logps(still, head, labels).sum().backward()
    want = torch.autograd.grad(plain_logps(still, head, labels).sum(), [head.weight, head.bias])  # type: ignore[list-item]
    torch.testing.assert_close([head.weight.grad, head.bias.grad], list(want), rtol=1e-4, atol=1e-5)  # type: ignore[union-attr]


def test_bfloat16_inputs_give_float32_values_near_the_float64_ones(chunk: int) -> None:
    hidden, head, labels = made_up("all", torch.bfloat16)
    ours = token_logps(hidden, head, labels)
    expected = plain_logps(hidden, head, labels)
    assert ours.dtype == torch.float32
    # One rounding of the products (relative 2^-9 of logits of size about 5) and no further ones.
    torch.testing.assert_close(ours.double(), expected, rtol=0, atol=0.06)
    got = torch.autograd.grad(ours.sum(), leaves(hidden, head))
    want = torch.autograd.grad(expected.sum(), leaves(hidden, head))
    for a, b in zip(got, want, strict=True):
        assert a.dtype == torch.bfloat16
        torch.testing.assert_close(a.double(), b.double(), rtol=0.05, atol=0.05)


def test_bfloat16_gradients_of_many_chunks_are_summed_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    # A thousand equal parts: bfloat16 sums stop growing when a part is below half a unit in the last place.
    monkeypatch.setattr(logprob, "CHUNK_ELEMENTS", 1)
    hidden = torch.ones(1000, 1, dtype=torch.bfloat16)
    weight = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    token_logps(hidden, Head(weight), torch.zeros(1000, dtype=torch.int64)).sum().backward()
    assert weight.grad is not None
    assert weight.grad[:, 0].tolist() == [500.0, -500.0]  # 1000 times 1 - 1/2, and 1000 times -1/2


def test_far_apart_logits_neither_overflow_nor_lose_their_gradient() -> None:
    head = Head(torch.tensor([[1e4], [-1e4], [0.0]], requires_grad=True))
    values = token_logps(torch.ones(2, 1), head, torch.tensor([0, 1]))
    assert values.tolist() == [0.0, -2e4]
    values.sum().backward()
    assert head.weight.grad is not None and head.weight.grad[:, 0].tolist() == [-1.0, 1.0, 0.0]


@pytest.mark.parametrize("kind", HEADS)
def test_no_labels_give_no_values_and_zero_gradients(kind: str) -> None:
    hidden, head, labels = made_up(kind)
    hidden, labels = hidden.detach()[:0].requires_grad_(), labels[:0]
    for values in (token_logps(hidden, head, labels), token_kl(hidden, head, hidden.detach(), head.frozen())):
        assert values.shape == (0,) and values.dtype == torch.float32
    token_logps(hidden, head, labels).sum().backward()
    assert head.weight.grad is not None and not head.weight.grad.any()
    assert token_statistics(hidden, head, labels).shape == (0, 4)


@given(seed=st.integers(0, 999), kind=st.sampled_from(list(HEADS)), order=st.permutations(range(TOKENS)))
def test_order_of_tokens_changes_only_the_order(seed: int, kind: str, order: list[int]) -> None:
    hidden, head, labels = made_up(kind, seed=seed)
    shuffled = token_logps(hidden[order], head, labels[order])
    torch.testing.assert_close(shuffled, token_logps(hidden, head, labels)[order], rtol=1e-6, atol=1e-6)


# --- KL ------------------------------------------------------------------------------------------------------------


def test_a_kl_divergence_by_hand() -> None:
    # Reference (1/2, 1/2), model (1/4, 3/4): KL = 1/2 ln 2 + 1/2 ln 2/3 = 1/2 ln 4/3.
    model, reference = Head(torch.tensor([[0.0], [math.log(3)]])), Head(torch.zeros(2, 1))
    value = token_kl(torch.ones(1, 1), model, torch.ones(1, 1), reference)
    assert value.item() == pytest.approx(0.5 * math.log(4 / 3), abs=1e-6)
    # The other way round: 1/4 ln 1/2 + 3/4 ln 3/2. The order of the arguments matters.
    value = token_kl(torch.ones(1, 1), reference, torch.ones(1, 1), model)
    assert value.item() == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5), abs=1e-6)


@pytest.mark.parametrize("kind", HEADS)
def test_kl_and_its_gradients_equal_float64(kind: str, chunk: int) -> None:
    hidden, head, _ = made_up(kind)
    other, reference_head, _ = made_up(kind, seed=1)
    reference_head, other = reference_head.frozen(), other.detach()
    ours = token_kl(hidden, head, other, reference_head)
    reference = plain(other, reference_head.weight, reference_head.bias, reference_head)
    expected = (reference.exp() * (reference - plain(hidden, head.weight, head.bias, head))).sum(-1)
    torch.testing.assert_close(ours.double(), expected, rtol=1e-5, atol=1e-5)
    assert (ours > 0).all()
    for a, b in zip(
        torch.autograd.grad(ours.sum(), leaves(hidden, head)),
        torch.autograd.grad(expected.sum(), leaves(hidden, head)),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", HEADS)
def test_kl_from_itself_and_its_gradient_are_zero(kind: str) -> None:
    hidden, head, _ = made_up(kind)
    values = token_kl(hidden, head, hidden.detach(), head.frozen())
    assert values.abs().max() < 1e-6
    for gradient in torch.autograd.grad(values.sum(), leaves(hidden, head)):
        assert gradient.abs().max() < 1e-5


# --- functions of the distribution ---------------------------------------------------------------------------------


def rank_free_gap(logits: Tensor, labels: Tensor, reference: Tensor | None) -> Tensor:
    """A function of everything that a function may read: the label's lead over the mean, and a distance of logits."""
    assert reference is not None
    chosen = logits.gather(1, labels[:, None])[:, 0] - logits.mean(-1)
    return chosen.tanh() * (logits.log_softmax(-1) - reference.log_softmax(-1)).square().mean(-1)


FUNCTIONS = (
    lambda logits, labels, reference: entropy(logits),
    lambda logits, labels, reference: CROSS_ENTROPIES["uniform"](logits),
    lambda logits, labels, reference: CROSS_ENTROPIES["reference"](logits, reference),
    rank_free_gap,
)


def plain_functions(hidden: Tensor, head: Head, labels: Tensor, reference: Tensor, other: Head) -> Tensor:
    """The same in float64 with all logits at once: (functions, tokens)."""
    logps = plain(hidden, head.weight, head.bias, head)
    theirs = plain(reference, other.weight, other.bias, other)
    chosen = logps[torch.arange(len(labels)), labels] - logps.mean(-1)
    gap = chosen.tanh() * (logps - theirs).square().mean(-1)
    rows = (-(logps.exp() * logps).sum(-1), -logps.mean(-1), -(theirs.exp() * logps).sum(-1), gap)
    return torch.stack(rows)


def ours_of(hidden: Tensor, head: Head, labels: Tensor, reference: Tensor, other: Head) -> Tensor:
    values = token_functions(
        FUNCTIONS, hidden, labels, head.logits, reference, other.logits, vocabulary=head.weight.shape[0]
    )
    return torch.stack(values)


def test_entropy_and_cross_entropy_by_hand() -> None:
    # Model (1/4, 3/4), reference (1/2, 1/2).
    logits, reference = torch.tensor([[0.0, math.log(3)]]), torch.zeros(1, 2)
    assert entropy(logits).item() == pytest.approx(0.25 * math.log(4) + 0.75 * math.log(4 / 3))
    half = 0.5 * (math.log(4) + math.log(4 / 3))
    assert CROSS_ENTROPIES["uniform"](logits).item() == pytest.approx(half)
    assert CROSS_ENTROPIES["reference"](logits, reference).item() == pytest.approx(half)
    # KL(reference || model) is what is left of the cross-entropy without the reference's entropy.
    assert half - math.log(2) == pytest.approx(0.5 * math.log(4 / 3))


@pytest.mark.parametrize("kind", HEADS)
def test_functions_and_their_gradients_equal_float64_with_all_logits(kind: str, chunk: int) -> None:
    hidden, head, labels = made_up(kind)
    reference, other, _ = made_up(kind, seed=1)
    reference, other = reference.detach(), other.frozen()
    got, want = (f(hidden, head, labels, reference, other) for f in (ours_of, plain_functions))
    assert got.dtype == torch.float32 and got.shape == (len(FUNCTIONS), TOKENS)
    torch.testing.assert_close(got.double(), want, rtol=1e-4, atol=1e-5)
    weights = torch.randn(got.shape)
    for a, b in zip(
        torch.autograd.grad((got * weights).sum(), leaves(hidden, head)),
        torch.autograd.grad((want * weights.double()).sum(), leaves(hidden, head)),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", HEADS)
def test_gradcheck_of_functions_in_float64(kind: str, chunk: int) -> None:
    hidden, head, labels = made_up(kind, torch.float64)
    reference, other, _ = made_up(kind, torch.float64, seed=1)

    def values(hidden: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return ours_of(hidden, Head(weight, bias, head.scale, head.softcap), labels, reference.detach(), other.frozen())

    assert torch.autograd.gradcheck(values, leaves(hidden, head))


@pytest.mark.parametrize("kind", HEADS)
def test_functions_have_a_forward_mode_where_no_graph_is_kept(kind: str, chunk: int) -> None:
    hidden, head, labels = made_up(kind)
    reference, other, _ = made_up(kind, seed=1)
    primals = tuple(leaf.detach() for leaf in leaves(hidden, head))
    tangents = tuple(torch.randn_like(primal) for primal in primals)
    constants = (labels, reference.detach(), other.frozen())

    def at(function: Callable[..., Tensor], hidden: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return function(hidden, Head(weight, bias, head.scale, head.softcap), *constants)

    with torch.no_grad():
        got = torch.func.jvp(partial(at, ours_of), primals, tangents)
        want = torch.func.jvp(partial(at, plain_functions), primals, tangents)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a.double(), b.double(), rtol=1e-3, atol=1e-4)


class _Widest(TorchDispatchMode):
    """Notes the most rows of any tensor as wide as the vocabulary."""

    rows = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, Tensor) and tensor.ndim == 2 and tensor.shape[1] == VOCABULARY:
                self.rows = max(self.rows, tensor.shape[0])
        return made


@pytest.mark.parametrize(("rows", "most"), [(WIDTH, WIDTH), (1000, TOKENS)])
def test_no_tensor_of_all_tokens_by_the_vocabulary_is_made_or_kept(
    rows: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logprob, "CHUNK_ELEMENTS", rows * VOCABULARY)
    hidden, head, labels = made_up("all")
    reference, other, _ = made_up("all", seed=1)
    kept: list[torch.Size] = []

    def note(tensor: Tensor) -> Tensor:
        kept.append(tensor.shape)
        return tensor

    with _Widest() as widest, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        ours_of(hidden, head, labels, reference.detach(), other.frozen()).sum().backward()
    assert widest.rows == most
    assert not [shape for shape in kept if shape[-1:] == (VOCABULARY,) and len(shape) == 2]


def test_functions_of_no_tokens_give_no_values() -> None:
    hidden, head, labels = made_up("plain")
    values = ours_of(hidden[:0], head, labels[:0], hidden[:0].detach(), head.frozen())
    assert values.shape == (len(FUNCTIONS), 0)


# --- statistics ----------------------------------------------------------------------------------------------------


def by_name(statistics: Tensor) -> SimpleNamespace:
    return SimpleNamespace(
        **dict(zip(("logps", "ranks", "mean_logps", "var_logps"), statistics.unbind(1), strict=True))
    )


def test_statistics_by_hand() -> None:
    # Probabilities 1/8, 3/8, 4/8; the label is the second most likely.
    logits = torch.tensor([[0.0, math.log(3), math.log(4)]])
    got = by_name(statistics_of_logits(logits, torch.tensor([1])))
    p = np.array([1, 3, 4]) / 8
    mean = float((p * np.log(p)).sum())
    assert got.ranks.tolist() == [1]
    assert got.logps.item() == pytest.approx(math.log(3 / 8), abs=1e-6)
    assert got.mean_logps.item() == pytest.approx(mean, abs=1e-6)
    assert got.var_logps.item() == pytest.approx(float((p * (np.log(p) - mean) ** 2).sum()), abs=1e-6)


@pytest.mark.parametrize("kind", HEADS)
def test_statistics_equal_numpys(kind: str, chunk: int) -> None:
    hidden, head, labels = made_up(kind)
    got = by_name(token_statistics(hidden, head, labels))
    logps = plain(hidden, head.weight, head.bias, head).detach().numpy()
    p, chosen = np.exp(logps), logps[np.arange(TOKENS), labels.numpy()]
    mean = (p * logps).sum(1)
    np.testing.assert_allclose(got.logps.numpy(), chosen, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(got.mean_logps.numpy(), mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(got.var_logps.numpy(), (p * (logps - mean[:, None]) ** 2).sum(1), rtol=1e-4, atol=1e-5)
    ranks = [
        int(np.flatnonzero(np.argsort(-row) == label)[0]) for row, label in zip(logps, labels.tolist(), strict=True)
    ]
    assert got.ranks.tolist() == ranks
    assert not got.logps.requires_grad


def test_the_variance_of_a_nearly_certain_token_is_small_and_not_lost() -> None:
    # p = (1 - e^-12, e^-12) nearly: the variance is about 12^2 e^-12, far below the rounding of a difference of squares
    # of values near 0 only if it is computed from the mean.
    got = by_name(statistics_of_logits(torch.tensor([[0.0, -12.0]]), torch.tensor([0])))
    q = math.exp(-12) / (1 + math.exp(-12))
    mean = (1 - q) * math.log1p(-q) + q * math.log(q)
    want = (1 - q) * (math.log1p(-q) - mean) ** 2 + q * (math.log(q) - mean) ** 2
    assert got.var_logps.item() == pytest.approx(want, rel=1e-3)


def test_statistics_of_equal_logits() -> None:
    got = by_name(statistics_of_logits(torch.zeros(1, 8), torch.tensor([5])))
    assert got.ranks.tolist() == [0]  # nothing is more likely
    assert got.var_logps.item() == pytest.approx(0.0, abs=1e-12)
    assert got.mean_logps.item() == pytest.approx(-math.log(8), abs=1e-6)
