"""Faults that public code for unlearning and its metrics is known to have, each beside ours.

A case gives a number worked out from the paper, the faulty formula and ours, on the same small input: ours must be the
number and the faulty one must not. Every case names where the fault was seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch

from tests.methods.steps import LeafView, counts, step_of
from tests.tiny import EOS, random_rows, tiny_model
from unlearnkit.data.batching import pack
from unlearnkit.methods.objective import Objective, Quantity, Term
from unlearnkit.methods.objectives.forget.idkdpo import dpo
from unlearnkit.methods.objectives.forget.npo import NPO, npo
from unlearnkit.methods.objectives.forget.po import PO
from unlearnkit.methods.objectives.forget.rmu import unit_vector
from unlearnkit.methods.objectives.forget.simnpo import simnpo
from unlearnkit.methods.objectives.forget.tnpo import tnpo_weight
from unlearnkit.methods.objectives.forget.wga import WGA, wga_weight
from unlearnkit.methods.objectives.forget.wtnpo import WTNPO
from unlearnkit.methods.objectives.retain.kl import KL
from unlearnkit.metrics import membership as mia
from unlearnkit.metrics.memorization import exact_memorization, extraction_strength
from unlearnkit.models.engine import Engine
from unlearnkit.models.logprob import Head, token_kl
from unlearnkit.suites.tofu import formulas as tofu


class Fault(NamedTuple):
    """What is right, and what two implementations make of it."""

    right: float
    faulty: Callable[[], float]
    ours: Callable[[], float]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def scalar(value: torch.Tensor) -> float:
    return float(value.detach())


LOGPS, REFERENCE = [-1.0, -3.0], [-0.5, -1.0]
"""Of one answer's two tokens, under the model and before unlearning."""
LOGITS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0]], dtype=torch.float64)
TOKENS = torch.tensor([0, 1])


P, Q = LOGITS.softmax(-1)[:1], LOGITS.softmax(-1)[1:]
"""What the reference model and the model think of the next token."""


def value(term_of: object, logps: Sequence[Sequence[float]], reference: Sequence[Sequence[float]] = ()) -> float:
    """An objective's forget term as the loop would take it: the sum over its count."""
    step = step_of({"forget": LeafView(logps)}, {"forget": LeafView(reference)} if reference else None)
    term = term_of.forget_term(step)  # type: ignore[attr-defined]
    return scalar(term.sum) / counts(step)[term.view, term.unit]


OBJECTIVES = {
    # MUSE's baselines and the MUSE code of Unlearn-Simple feed NPO and SimNPO whole logits.
    "npo-of-raw-logits": Fault(
        -(2 / 0.1) * math.log(sigmoid(-0.1 * (sum(LOGPS) - sum(REFERENCE)))),
        lambda: scalar(-(2 / 0.1) * torch.nn.functional.logsigmoid(-0.1 * (LOGITS - LOGITS.flip(0))).mean()),
        lambda: scalar(npo(torch.tensor([sum(LOGPS)]), torch.tensor([sum(REFERENCE)]), 0.1).double().mean()),
    ),
    "simnpo-of-summed-log-probabilities": Fault(
        -(2 / 2.5) * math.log(sigmoid(-2.5 * sum(LOGPS) / 2)),
        lambda: -(2 / 2.5) * math.log(sigmoid(-2.5 * sum(LOGPS))),
        lambda: scalar(simnpo(torch.tensor([sum(LOGPS) / 2], dtype=torch.float64), 2.5, 0.0).mean()),
    ),
    # The G-effect release averages over padding: 12 % answer tokens make every mean eight times too small.
    "weighted-ascent-averaged-over-padding": Fault(
        (math.exp(-1) * -1 + math.exp(-3) * -3) / 2,
        lambda: (math.exp(-1) * -1 + math.exp(-3) * -3) / 8,
        lambda: value(WGA(alpha=1.0), [LOGPS]),
    ),
    # The G-effect release writes WTNPO's one hyper-parameter over both of its exponents.
    "wtnpo-with-one-exponent-for-two": Fault(
        sum(2 * sigmoid(2 * (p - r)) * math.exp(0.5 * p) * p for p, r in zip(LOGPS, REFERENCE, strict=True)) / 2,
        lambda: sum(2 * sigmoid(2 * (p - r)) * math.exp(2 * p) * p for p, r in zip(LOGPS, REFERENCE, strict=True)) / 2,
        lambda: value(WTNPO(beta=2.0, alpha=0.5), [LOGPS], [REFERENCE]),
    ),
    # A weight that is differentiated through is another objective: its gradient vanishes, or turns.
    "a-weight-that-carries-gradient": Fault(
        math.exp(-3.0),
        lambda: scalar(_gradient(lambda x: torch.exp(x) * x, -3.0)),
        lambda: scalar(_gradient(lambda x: wga_weight(x, 1.0) * x, -3.0)),
    ),
    "a-preference-weight-that-carries-gradient": Fault(
        2 * sigmoid(2 * (-3.0 + 1.0)),
        lambda: scalar(_gradient(lambda x: 2 * torch.sigmoid(2 * (x + 1.0)) * x, -3.0)),
        lambda: scalar(_gradient(lambda x: tnpo_weight(x, torch.tensor([-1.0], dtype=torch.float64), 2.0) * x, -3.0)),
    ),
    # The G-effect release adds 1e-5 below TNPO's quotient, which silences tokens that were improbable all along.
    "tnpo-with-an-epsilon": Fault(
        1.0,
        lambda: 2 * 0.05**4 / (2 * 0.05**4 + 1e-5),
        lambda: scalar(tnpo_weight(*(torch.tensor(0.05, dtype=torch.float64).log(),) * 2, beta=4.0)),
    ),
    # MUSE's KL retain term is fed whole logits; another's "KL" is cross-entropy; Quark's has its sides changed over.
    "kl-of-raw-logits": Fault(
        float((P * (P / Q).log()).sum(1)[0]),
        lambda: scalar(torch.nn.functional.kl_div(LOGITS[1:], LOGITS[:1], reduction="batchmean", log_target=True)),
        lambda: _kl()[0],
    ),
    "kl-that-is-cross-entropy": Fault(
        float((P * (P / Q).log()).sum(1)[0]), lambda: float(-(P * Q.log()).sum(1)[0]), lambda: _kl()[0]
    ),
    "kl-with-its-sides-changed-over": Fault(
        float((P * (P / Q).log()).sum(1)[0]), lambda: float((Q * (Q / P).log()).sum(1)[0]), lambda: _kl()[0]
    ),
    # TOFU, OpenUnlearning and the G-effect release average KL over every position, prompt and padding too.
    "kl-averaged-over-prompt-and-padding": Fault(
        (0.2 + 0.6) / 2,
        lambda: (1.5 + 0.3 + 0.2 + 0.6 + 0.0 + 0.0) / 6,
        lambda: _retained(KL()).sum.item() / 2,
    ),
    # The G-effect release takes NPO's beta for the weight of its KL retain term, too.
    "a-retain-term-weighted-by-npos-beta": Fault(
        (0.2 + 0.6) / 2,
        lambda: 0.1 * (0.2 + 0.6) / 2,
        lambda: (term := _retained(NPO(beta=0.1, retain="kl"))).weight * term.sum.item() / 2,
    ),
    # "PO" of TOFU teaches refusals by cross-entropy; it is often coded as DPO.
    "po-as-dpo": Fault(
        0.7,
        lambda: scalar(dpo(torch.tensor([0.3]), torch.tensor([-1.2]), 0.1).mean()),
        lambda: _po([[-0.4, -1.0]]),
    ),
    # DPO without the reference's part: the pair's own odds are taken for what was learned.
    "idkdpo-without-a-reference": Fault(
        -(2 / 0.1) * math.log(sigmoid(0.1 * (0.3 - (-1.2)))),
        lambda: -(2 / 0.1) * math.log(sigmoid(0.1 * (-4.0 - (-2.0)))),
        lambda: scalar(
            dpo(torch.tensor([0.3], dtype=torch.float64), torch.tensor([-1.2], dtype=torch.float64), 0.1)[0]
        ),
    ),
}


def _gradient(function: Callable[[torch.Tensor], torch.Tensor], at: float) -> torch.Tensor:
    x = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(function(x).sum(), x)
    return found


def _kl() -> list[float]:
    """KL of two heads on the same states, as the engine makes it: each logit is a state of its own."""
    head = Head(torch.eye(3, dtype=torch.float64))
    return [float(each) for each in token_kl(LOGITS[1:], head, LOGITS[:1], head)]


def _retained(objective: Objective) -> Term:
    """The retain term on an answer of two tokens; prompt and padding are not in a step at all."""
    leaf = LeafView([LOGPS])
    return objective.terms(step_of({"forget": leaf}, {"forget": leaf}, kl={"retain": LeafView([[0.2, 0.6]])}))["retain"]


def _po(refusals: Sequence[Sequence[float]]) -> float:
    step = step_of({"forget:idk": LeafView(refusals)})
    term = PO().forget_term(step)
    return scalar(term.sum) / counts(step)[term.view, term.unit]


RIGHT, WRONG = -1.0, [-2.0, -6.0]
"""Mean log-probabilities of a paraphrased answer and of two perturbed ones."""

METRICS = {
    # TOFU's code and OpenUnlearning average the losses first: the geometric mean of the wrong answers.
    "truth-ratio-of-averaged-losses": Fault(
        (math.exp(-2) + math.exp(-6)) / 2 / math.exp(-1),
        lambda: math.exp(sum(WRONG) / 2 - RIGHT),
        lambda: tofu.truth_ratio(RIGHT, WRONG),
    ),
    # TOFU's code logs the inverse; taken for the ratio, it makes utility 0 where the model knows.
    "utility-of-the-inverse-ratio": Fault(
        1 - tofu.truth_ratio(RIGHT, WRONG),
        lambda: max(0.0, 1 - 1 / tofu.truth_ratio(RIGHT, WRONG)),
        lambda: tofu.truth_utility([tofu.truth_ratio(RIGHT, WRONG)]),
    ),
    "utility-of-the-mean-ratio": Fault(
        0.25,
        lambda: max(0.0, 1 - (0.5 + 3.0) / 2),
        lambda: tofu.truth_utility([0.5, 3.0]),
    ),
    # OpenUnlearning adds 1e-10 to every denominator: an unlearned model's ratios all go to 0.
    "truth-ratio-with-an-epsilon": Fault(
        math.exp(2.0),
        lambda: math.exp(-40.0) / (math.exp(-42.0) + 1e-10),
        lambda: tofu.truth_ratio(-42.0, [-40.0]),
    ),
    "option-probability-with-an-epsilon": Fault(
        sigmoid(2.0),
        lambda: math.exp(-40.0) / (math.exp(-40.0) + math.exp(-42.0) + 1e-10),
        lambda: tofu.option_probability(-40.0, [-42.0]),
    ),
    # log(0) ends TOFU's evaluation once the p-value underflows.
    "a-p-value-that-underflows": Fault(
        math.log(2) - (math.lgamma(1401) - 2 * math.lgamma(701)),
        lambda: float("-inf"),
        lambda: tofu.log_forget_quality([2.0 + i for i in range(700)], [-1.0 - i for i in range(700)]),
    ),
    # Helpers for memorization and membership drop the last label, taking it for the end token.
    "exact-memorization-without-the-last-token": Fault(
        2 / 3, lambda: exact_memorization([0, 0]), lambda: exact_memorization([0, 0, 5])
    ),
    "loss-without-the-last-token": Fault(
        4.0, lambda: mia.loss_score([-1.0, -2.0]), lambda: mia.loss_score([-1.0, -2.0, -9.0])
    ),
    "extraction-strength-without-the-last-token": Fault(
        0.0, lambda: extraction_strength([0, 0]), lambda: extraction_strength([0, 0, 5])
    ),
    # OpenUnlearning's search for the suffix ends at the last token whether that was right or not.
    "extraction-strength-that-is-never-0": Fault(
        0.0,
        lambda: 1 - next(k for k in range(4) if k == 3 or not any([4, 9, 0, 1][k:])) / 4,
        lambda: extraction_strength([4, 9, 0, 1]),
    ),
    # The G-effect release takes an empty rest for a match: a model that ends at once would have memorized everything.
    "extraction-strength-of-silence": Fault(
        0.0,
        lambda: 1.0 - 0 / 3,
        lambda: extraction_strength([4, 9, 1]),
    ),
    # Min-K++ divides by the standard deviation; the variance is at hand and is taken instead.
    "min-k-plus-plus-over-the-variance": Fault(
        -(-4.0 + 2.0) / 3.0,
        lambda: -(-4.0 + 2.0) / 9.0,
        lambda: mia.min_k_plus_plus_score([-4.0], [-2.0], [9.0]),
    ),
    # PrivLeak counts the area the other way round than most code does.
    "privleak-of-the-area-the-wrong-way": Fault(
        100 * ((1 - 0.9) - (1 - 0.5)) / (1 - 0.5),
        lambda: 100 * (0.9 - 0.5) / 0.5,
        lambda: mia.privleak(0.9, 0.5) or 0.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [*OBJECTIVES, *METRICS])
def test_ours_is_right_where_others_are_not(name: str) -> None:
    fault = {**OBJECTIVES, **METRICS}[name]
    assert fault.ours() == pytest.approx(fault.right, rel=1e-6, abs=1e-9)
    assert fault.faulty() != pytest.approx(fault.right, rel=1e-3, abs=1e-6)


def test_rmus_direction_is_of_the_models_width_positive_fixed_and_of_length_one() -> None:
    """Elsewhere it is 4096 wide whatever the model, Gaussian, drawn anew by every process, or not normalized."""
    for width in (16, 2048):
        drawn = unit_vector(width, 0)
        assert drawn.shape == (width,) and bool((drawn >= 0).all()) and float(drawn.norm()) == pytest.approx(1.0)
        assert torch.equal(drawn, unit_vector(width, 0))


def test_a_missing_retrained_model_is_not_taken_for_chance() -> None:
    """OpenUnlearning's PrivLeak holds the model against an area of 0.5 then; ours has no value without one."""
    from unlearnkit.metrics.membership_scores import membership_scores

    scores = membership_scores({}, {})
    assert scores["privleak"].value is None and mia.privleak_open_unlearning(0.9) is not None


def test_values_are_of_labeled_tokens_alone() -> None:
    """Elsewhere KL is averaged over prompt and padding, and the mask's -100 is used as an index.

    The pad token equals the end token here, which is a label: masking by token would drop it.
    """
    model, other, rows = tiny_model(), tiny_model(seed=1), random_rows(3, answer=(1, 4))
    batch, labels = pack({"rows": rows}, pad_id=EOS), sum(row.labels for row in rows)
    engine = Engine(model)
    with torch.no_grad():
        engine.freeze_reference_head()
        states, logps, kl = (Quantity("rows", kind) for kind in ("states", "logps", "kl"))
        of_reference = replace(states, of_reference=True)
        found = engine(batch, [logps, kl], {of_reference: Engine(other)(batch, [states])[states]})
        plain = [model(torch.tensor([row.ids])).logits[0].double().log_softmax(-1) for row in rows]
    at = [(n, place) for n, row in enumerate(rows) for place in range(row.prompt, len(row.ids))]
    expected = torch.stack([plain[n][place - 1, rows[n].ids[place]] for n, place in at])
    assert len(found[logps]) == len(found[kl]) == labels
    torch.testing.assert_close(found[logps].double(), expected, rtol=0, atol=1e-5)
