"""Every objective's terms on leaf tensors, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.steps import LeafView, Store, loss, mean, step_of
from unlearnkit.core.errors import InputError
from unlearnkit.methods.composition import keeping_doubtful
from unlearnkit.methods.objective import Objective, Step
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.methods.objectives.forget.ga import GA
from unlearnkit.methods.objectives.forget.npo import NPO, npo
from unlearnkit.methods.objectives.forget.po import PO
from unlearnkit.methods.objectives.graddiff import GradDiff
from unlearnkit.methods.objectives.retain.kl import KL
from unlearnkit.methods.objectives.retain.nll import NLL
from unlearnkit.methods.objectives.retain.nll_kl import NLLOrKL
from unlearnkit.methods.objectives.tru import TRU

# Two rows of unlike length, so that a mean over tokens, a mean over rows and a mean of means all differ.
FORGET = [[-1.0, -2.0, -3.0], [-4.0]]  # sum -10 over 4 tokens; by row -6 and -4
RETAIN = [[-0.5], [-1.5, -1.0]]  # sum -3 over 3 tokens
TARGET = [[-1.0, -3.0, -0.5], [-2.0, -4.0, -0.5, -1.0]]  # first two of each: the trace; sum -12 over 7 tokens


def test_ascent_is_the_mean_log_likelihood_over_tokens() -> None:
    view = LeafView(FORGET)
    step = step_of({"forget": view})
    terms = GA().terms(step)
    assert set(terms) == {"forget"}
    assert mean(terms, "forget", step) == pytest.approx(-10 / 4)
    loss(terms, step).backward()
    assert view.leaf.grad.tolist() == [0.25] * 4  # descending lowers every log-probability alike


@pytest.mark.parametrize("kind", [NLL, Finetune])
def test_nll_is_minus_the_mean_over_tokens(kind: type[NLL]) -> None:
    view = LeafView(RETAIN)
    step = step_of({"retain": view})
    terms = kind().terms(step)
    assert mean(terms, "retain", step) == pytest.approx(3 / 3)
    loss(terms, step).backward()
    assert view.leaf.grad.tolist() == pytest.approx([-1 / 3] * 3)


def test_kl_is_the_mean_over_labeled_tokens() -> None:
    view = LeafView([[0.1], [0.2, 0.6]])
    step = step_of(kl={"retain": view})
    terms = KL().terms(step)
    assert mean(terms, "retain", step) == pytest.approx(0.9 / 3)
    loss(terms, step).backward()
    assert view.leaf.grad.tolist() == pytest.approx([1 / 3] * 3)


def test_nll_kl_is_nll_at_sure_labels_and_kl_at_doubtful_ones() -> None:
    """Two doubtful tokens of three: (0.5 + 0.25 + 3) / 3."""
    logps, kl = LeafView([[-1.0, -2.0, -3.0]], doubtful=2), LeafView([[0.5, 0.25, 9.0]], doubtful=2)
    step = step_of({"retain": logps}, kl={"retain": kl})
    terms = NLLOrKL().terms(step)
    assert mean(terms, "retain", step) == pytest.approx(3.75 / 3)
    loss(terms, step).backward()
    assert logps.leaf.grad.tolist() == pytest.approx([0, 0, -1 / 3])
    assert kl.leaf.grad.tolist() == pytest.approx([1 / 3, 1 / 3, 0])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NPO(retain="nll", beta=0.2), NPO(retain="nll_kl", beta=0.2)),
        (TRU(retain="nll"), TRU(retain="nll_kl")),
        (NLL(), NLLOrKL()),
        (Finetune(), NLLOrKL()),
        (NPO(retain="kl"), NPO(retain="kl")),
        (NPO(retain=None), NPO(retain=None)),
    ],
)
def test_doubtful_labels_are_kept_instead_of_learned(before: Objective, after: Objective) -> None:
    assert keeping_doubtful(before) == after


def test_graddiff_is_ascent_plus_weighted_nll() -> None:
    views = {"forget": LeafView(FORGET), "retain": LeafView(RETAIN)}
    step = step_of(views)
    assert loss(GradDiff().terms(step), step).item() == pytest.approx(-2.5 + 1.0)
    terms = GradDiff(retain_weight=0.4).terms(step)
    assert mean(terms, "retain", step) == pytest.approx(1.0)  # logged without its weight
    loss(terms, step).backward()
    assert views["forget"].leaf.grad.tolist() == [0.25] * 4
    assert views["retain"].leaf.grad.tolist() == pytest.approx([-0.4 / 3] * 3)


def test_graddiff_with_kl() -> None:
    step = step_of({"forget": LeafView(FORGET)}, kl={"retain": LeafView([[0.1], [0.2, 0.6]])})
    assert loss(GradDiff(retain="kl", retain_weight=2.0).terms(step), step).item() == pytest.approx(-2.5 + 2 * 0.3)


def test_po_teaches_the_idk_answers_and_leaves_the_true_ones_alone() -> None:
    views = {"forget:idk": LeafView([[-2.0, -1.0], [-3.0]]), "retain": LeafView(RETAIN)}
    step = step_of(views)
    assert loss(PO().terms(step), step).item() == pytest.approx(6 / 3 + 3 / 3)
    assert read(step) == {("logps", "forget:idk"), ("logps", "retain")}


# --- NPO -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.05, 0.1, 1.0, 4.5])
def test_npo_at_the_reference_model_is_2_ln_2_over_beta_and_pushes_as_ascent_does(beta: float) -> None:
    view = LeafView(FORGET)
    step = step_of({"forget": view}, {"forget": LeafView(FORGET)})
    terms = NPO(beta=beta).terms(step)
    assert mean(terms, "forget", step) == pytest.approx(2 / beta * math.log(2))
    assert terms["forget"].unit == "sequence"
    loss(terms, step).backward()
    # The weight 2 p^b / (p^b + p_ref^b) is 1 here; 1/2 is the mean over two sequences.
    assert view.leaf.grad.tolist() == pytest.approx([0.5] * 4)


@pytest.mark.parametrize("beta", [0.1, 2.0])
def test_npo_by_hand_away_from_the_reference_model(beta: float) -> None:
    view, reference = LeafView(FORGET), LeafView([[-1.0, -1.0, -1.0], [-5.0]])  # rows -3 and -5
    step = step_of({"forget": view}, {"forget": reference})
    terms = NPO(beta=beta).terms(step)
    # Ratios p / p_ref: e^-3 in the first row, e^1 in the second. The loss, with sigma written out as in the paper:
    losses = [-(2 / beta) * math.log(1 / (1 + math.exp(beta * ratio))) for ratio in (-3.0, 1.0)]
    assert mean(terms, "forget", step) == pytest.approx(sum(losses) / 2)
    loss(terms, step).backward()
    p, p_ref = (math.exp(-6), math.exp(-4)), (math.exp(-3), math.exp(-5))
    weights = [2 * a**beta / (a**beta + b**beta) for a, b in zip(p, p_ref, strict=True)]
    assert view.leaf.grad.tolist() == pytest.approx([weights[0] / 2] * 3 + [weights[1] / 2])


@given(logps=st.floats(-500, 0), reference=st.floats(-500, 0), beta=st.floats(0.01, 10))
def test_npos_gradient_is_ascents_times_its_weight(logps: float, reference: float, beta: float) -> None:
    x = torch.tensor([logps], dtype=torch.float64, requires_grad=True)
    npo(x, torch.tensor([reference], dtype=torch.float64), beta).sum().backward()
    # 2 p^b / (p^b + p_ref^b), divided by p^b.
    with_overflow_to_inf = beta * (reference - logps)
    want = 2 / (1 + math.exp(with_overflow_to_inf)) if with_overflow_to_inf < 700 else 0.0
    # torch's softplus is linear above 20, so that its derivative may be off by e^-20.
    assert x.grad is not None and x.grad.item() == pytest.approx(want, rel=2.1e-9, abs=1e-300)


def test_npo_tends_to_ascent_as_beta_goes_to_0() -> None:
    for beta in (1e-2, 1e-3, 1e-4):
        view = LeafView(FORGET)
        step = step_of({"forget": view}, {"forget": LeafView([[-1.0, -1.0, -1.0], [-5.0]])})
        terms = NPO(beta=beta).terms(step)
        loss(terms, step).backward()
        # Ascent per sequence has gradient 1 / 2 at every token here; the weight is 1 + beta * ratio / 2 + O(beta^2).
        assert view.leaf.grad.tolist() == pytest.approx([0.5 - beta * 3 / 4] * 3 + [0.5 + beta / 4], abs=5 * beta**2)
        # And the loss less its constant tends to the log-ratio, (-3 + 1) / 2.
        assert mean(terms, "forget", step) - 2 / beta * math.log(2) == pytest.approx(-1.0, abs=2 * beta)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_npo_does_not_overflow_and_is_bounded_below(dtype: torch.dtype) -> None:
    x = torch.tensor([0.0, -1e6, -3.0, -1e30], dtype=dtype, requires_grad=True)
    reference = torch.tensor([-1e6, 0.0, -1e30, 0.0], dtype=dtype)
    values = npo(x, reference, 0.5)
    assert torch.isfinite(values).all() and (values >= 0).all()
    values.sum().backward()
    assert x.grad is not None
    # p >> p_ref: the full weight 2; p << p_ref: no push at all.
    assert x.grad.tolist() == [2.0, 0.0, 2.0, 0.0]
    assert values[0].item() == pytest.approx(2 * 1e6)  # grows like 2 * log(p / p_ref)
    assert values[1].item() == 0.0


@pytest.mark.parametrize("beta", [0.0, -0.1])
def test_npo_wants_a_positive_beta(beta: float) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        NPO(beta=beta)


# --- TRU -----------------------------------------------------------------------------------------------------------


def read(step: Step) -> set[tuple[str, str]]:
    """Kind and view of everything that was read."""
    assert isinstance(step.store, Store)
    return {(quantity.kind, quantity.view) for quantity in step.store.read}


def tru_step() -> tuple[Step, dict[str, LeafView]]:
    views = {"forget": LeafView(FORGET), "retain": LeafView(RETAIN), "forget:target": LeafView(TARGET, trace=2)}
    return step_of(views), views


def test_tru_by_hand() -> None:
    step, views = tru_step()
    terms = TRU().terms(step)
    assert mean(terms, "target", step) == pytest.approx(12 / 7)
    assert mean(terms, "trace", step) == pytest.approx((1 + 3 + 2 + 4) / 4)
    assert mean(terms, "response", step) == pytest.approx((0.5 + 0.5 + 1.0) / 3)
    assert mean(terms, "forget", step) == pytest.approx(-2.5)
    assert mean(terms, "retain", step) == pytest.approx(1.0)
    # CE(target) + 0.1 * (1 * NLL(retain) - NLL(forget))
    total = loss(terms, step)
    assert total.item() == pytest.approx(12 / 7 + 0.1 * (1.0 - 2.5))
    total.backward()
    # Trace and response weigh alike, token by token: what is logged apart is not counted twice.
    assert views["forget:target"].leaf.grad.tolist() == pytest.approx([-1 / 7] * 7)
    assert views["forget"].leaf.grad.tolist() == pytest.approx([0.1 / 4] * 4)
    assert views["retain"].leaf.grad.tolist() == pytest.approx([-0.1 / 3] * 3)


def test_trus_alpha_scales_the_bracket_and_lambda_the_retain_term_in_it() -> None:
    step, _ = tru_step()
    terms = TRU(alpha=0.5, retain_weight=3.0).terms(step)
    assert {name: term.weight for name, term in terms.items()} == pytest.approx(
        {"target": 1.0, "trace": 0.0, "response": 0.0, "forget": 0.5, "retain": 1.5}
    )
    assert loss(terms, step).item() == pytest.approx(12 / 7 + 0.5 * (3.0 * 1.0 - 2.5))


def test_tru_without_the_bracket_is_cross_entropy_alone() -> None:
    step, _ = tru_step()
    assert loss(TRU(alpha=0.0).terms(step), step).item() == pytest.approx(12 / 7)
    assert read(step) == {("logps", "forget:target")}
    assert TRU(alpha=0.0).needs().views == {"forget:target"}


def test_tru_with_other_terms() -> None:
    views = {"forget": LeafView(FORGET), "forget:target": LeafView(TARGET, trace=2)}
    step = step_of(views, {"forget": LeafView(FORGET)}, {"retain": LeafView([[0.3], [0.3, 0.3]])})
    total = loss(TRU(forget="npo", retain="kl").terms(step), step).item()
    assert total == pytest.approx(12 / 7 + 0.1 * (0.3 + 2 / 0.1 * math.log(2)))


def test_trus_weights_of_trace_and_response() -> None:
    step, views = tru_step()
    terms = TRU(alpha=0.0, trace_weight=0.5, response_weight=3.0).terms(step)
    assert mean(terms, "target", step) == pytest.approx((0.5 * 10 + 3 * 2) / 7)
    assert mean(terms, "trace", step) == pytest.approx(10 / 4)  # what is logged is not weighed
    loss(terms, step).backward()
    weights = [0.5, 0.5, 3.0] if len(TARGET[0]) == 3 else [0.5, 0.5, 3.0, 3.0]
    grad = views["forget:target"].leaf.grad
    assert grad is not None
    assert grad.tolist()[: len(weights)] == pytest.approx([-w / 7 for w in weights])
    assert sorted(grad.tolist()) == pytest.approx([-3 / 7] * 3 + [-0.5 / 7] * 4)


def test_tru_without_targets_is_gradient_difference() -> None:
    step, views = tru_step()
    terms = TRU(alpha=1.0, trace_weight=0.0, response_weight=0.0).terms(step)
    assert loss(terms, step).item() == pytest.approx(1.0 - 2.5)
    loss(terms, step).backward()
    assert not views["forget:target"].leaf.grad.any()


def test_tru_without_a_forget_term_keeps_the_retain_term() -> None:
    step, _ = tru_step()
    assert loss(TRU(forget=None, retain_weight=3.0).terms(step), step).item() == pytest.approx(12 / 7 + 0.3)
    assert read(step) == {("logps", "forget:target"), ("logps", "retain")}
    assert TRU(forget=None).needs().views == {"forget:target", "retain"}


def test_tru_unpaired_draws_the_targets_from_a_split_of_their_own() -> None:
    views = {"forget": LeafView(FORGET), "retain": LeafView(RETAIN), "taught:target": LeafView(TARGET, trace=2)}
    step, paired = step_of(views), tru_step()[0]
    assert loss(TRU(paired=False).terms(step), step) == loss(TRU().terms(paired), paired)
    assert TRU(paired=False).needs().views == set(views)


def test_a_target_without_trace_is_all_response() -> None:
    views = {"forget": LeafView(FORGET), "retain": LeafView(RETAIN), "forget:target": LeafView(TARGET)}
    step = step_of(views)
    terms = TRU().terms(step)
    assert terms["trace"].sum.item() == 0.0
    assert mean(terms, "response", step) == mean(terms, "target", step) == pytest.approx(12 / 7)


# --- what is refused -----------------------------------------------------------------------------------------------


def test_a_forget_term_is_no_retain_term_and_the_other_way_round() -> None:
    # It would overwrite the term of the same name without a word.
    for wrong in (GradDiff(retain="npo"), NPO(retain="graddiff"), TRU(retain="ga"), PO(retain="tru")):
        with pytest.raises(InputError, match="not a retain term"):
            wrong.needs()
    with pytest.raises(InputError, match="not a forget term"):
        TRU(forget="nll").needs()
    with pytest.raises(InputError, match="there is no objective of that name"):
        GradDiff(retain="nil").needs()


@pytest.mark.parametrize("options", [{"retain_weight": -1}, {"alpha": -0.1}, {"lambda": 1.0}])
def test_settings_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        TRU(**options)
