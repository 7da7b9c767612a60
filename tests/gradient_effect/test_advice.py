"""Each rule of the advice on tables made up for it, with figures that are worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from unlearnkit.gradient_effect.rules import harm_p, nonzero_p
from unlearnkit.gradient_effect.table import EVERYTHING, WHOLE, EffectRow, EffectTable, StepRow
from unlearnkit.report.gradient_effect.advice import advice, together


def effect(
    risk: str, value: float, half: float = 0.5, *, step: int = 0, group: str = EVERYTHING, cosine: float | None = None
) -> EffectRow:
    """An effect whose interval reaches `half` to both sides."""
    return EffectRow(step, "npo", WHOLE, risk, group, value, value - half, value + half, 1.0, 2.0, cosine)


def said(*rows: EffectRow) -> list[str]:
    return advice(EffectTable(rows))


def over_steps(risk: str, values: Sequence[float], half: float = 0.5) -> list[EffectRow]:
    """Effects at steps 0, 5, 10 and so on."""
    return [effect(risk, value, half, step=5 * place) for place, value in enumerate(values)]


def about(words: str, sentences: Sequence[str]) -> list[str]:
    return [sentence for sentence in sentences if words in sentence]


def test_nothing_measured_nothing_said() -> None:
    assert advice(EffectTable([])) == []


def test_terms_apart_and_effects_that_broke_give_no_advice() -> None:
    term = EffectRow(0, "npo", "retain", "forget", EVERYTHING, 9.0, 8.0, 10.0, 1.0, 2.0)
    assert said(term, effect("forget", float("nan")), effect("near", float("-inf"))) == []


def test_relearning_is_told_from_the_step_on_from_which_its_interval_is_above_0() -> None:
    rows = over_steps("forget", [-10, 0.4, 6, 17])  # at step 5 the interval is -0.1 to 0.9
    assert said(*rows) == [
        "npo: from step 10 on, it relearns forget: steps lower the risk instead of raising it (step 15: effect "
        "on forget 17.0, interval 16.5 to 17.5)."
    ]


def test_p_values_of_effects_by_hand() -> None:
    """A half-width of 1.96 is a standard error of 1; the p-value of z = 3 is 0.0027, and of z = 1.5 it is 0.1336."""
    half = 1.959964
    assert nonzero_p(effect("near", -3, half)) == pytest.approx(0.0027, abs=5e-5)
    assert nonzero_p(effect("near", 1.96, half)) == pytest.approx(0.05, abs=5e-5)
    uneven = EffectRow(0, "npo", WHOLE, "near", EVERYTHING, 3.0, 3.0 - 2 * half, 3.0 + half, 1.0, 2.0)
    assert nonzero_p(uneven) == pytest.approx(0.1336, abs=5e-5)  # the side of 0 counts
    assert nonzero_p(effect("near", -3, 0.0)) == 1  # one row: the error is unknown
    # The difference of -7 and -1 has an error of at most 1 + 1, so z = 3; the effect itself has z = 7.
    assert harm_p(effect("near", -7, half), effect("forget", -1, half)) == pytest.approx(0.0027, abs=5e-5)
    assert harm_p(effect("near", -3, half), effect("forget", 90, half)) == pytest.approx(0.0027, abs=5e-5)
    assert harm_p(effect("near", -1, half), effect("forget", -7, half)) == 1
    assert harm_p(effect("near", 3, half), effect("forget", 9, half)) == 1
    assert harm_p(effect("near", -7, half), effect("forget", -1, 0.0)) == 1


def test_among_many_effects_one_that_barely_differs_from_0_is_chance() -> None:
    """The effect of 3 standard errors has p = 0.0027: shown among 10 effects, and not among 40."""
    rows = over_steps("forget", [-0.1] * 9 + [3], 1.959964)
    assert len(said(*rows)) == 1
    assert said(*over_steps("forget", [-0.1] * 39 + [3], 1.959964)) == []
    other = [replace(row, objective="ga") for row in over_steps("forget", [-0.1] * 30, 1.959964)]
    assert said(*rows, *other) == []  # effects of all objectives count


def test_an_interval_that_holds_0_is_no_relearning() -> None:
    assert said(*over_steps("forget", [-10, 0.4, 0.5])) == []  # the last one is 0 to 1


def test_probes_that_are_relearned_at_the_same_steps_share_a_sentence() -> None:
    probes = over_steps("forget.paraphrased", [-4, 3]) + over_steps("forget.translated", [-4, -3])
    (sentence,) = about("relearns", said(*over_steps("forget", [-10, 6]), *probes))
    assert "at step 5, it relearns forget and forget.paraphrased:" in sentence


def test_harm_beyond_forgetting_is_told_from_its_first_step_on() -> None:
    rows = over_steps("forget", [-10, -8, -4, -2]) + over_steps("near", [-1, -8.5, -6, -6])
    # Step 5: near -9.0 to -8.0 and forget -8.5 to -7.5 overlap. Step 10: -6.5 to -5.5 lies below -4.5.
    (sentence,) = about("more than it forgets", said(*rows))
    assert sentence == (
        "npo: from step 10 on, it harms near more than it forgets (step 15: effect on near -6.00, interval -6.50 to "
        "-5.50; effect on forget -2.00)."
    )


def test_harm_that_ends_is_told_with_its_steps() -> None:
    rows = over_steps("forget", [-4, -4, -4, -4, -4])
    (sentence,) = about("more than it forgets", said(*rows, *over_steps("near", [-1, -9, -9, -1, -1])))
    assert "from step 5 to 10, it harms near" in sentence
    (sentence,) = about("more than it forgets", said(*rows, *over_steps("near", [-1, -9, -1, -9, -1])))
    assert "at 2 of 5 measured steps (first at 5, last at 15), it harms near" in sentence


def test_harm_less_than_forgetting_or_unsure_is_not_told() -> None:
    assert about("more than", said(*over_steps("forget", [-10]), *over_steps("near", [-9]))) == []
    # Below the effect on forget, which is positive, but its interval holds 0.
    assert about("more than", said(*over_steps("forget", [5]), *over_steps("near", [-0.4]))) == []
    assert about("more than", said(*over_steps("near", [-9]))) == []  # what is to be forgotten was not measured


def test_the_fewest_groups_that_carry_most_of_the_greatest_harm_are_named() -> None:
    # At step 5, harm to near is greatest. Below 0 there: 1 + 5 + 4 = 10; blocks 1 and 2 have 9 of it.
    at_five = {"embedding": -1.0, "block 0": 2.0, "block 1": -5.0, "block 2": -4.0}
    rows = [effect("near", value, 0.1, step=5, group=group) for group, value in at_five.items()]
    whole = [effect("near", -8, step=5), effect("near", -3, step=10), effect("near", -3, step=10, group="embedding")]
    assert said(*whole, *rows) == [
        "npo: blocks 1-2 account for 90\u202f% of the harm to near at step 5, where harm is greatest."
    ]


def test_a_group_whose_interval_holds_0_carries_nothing() -> None:
    # Without block 1, unsure, the others have 5 of 10: less than most.
    groups = {"block 0": (-5.0, 0.1), "block 1": (-5.0, 6.0)}
    rows = [effect("near", value, half, group=group) for group, (value, half) in groups.items()]
    assert said(effect("near", -10), *rows) == []


def test_groups_are_not_named_where_it_takes_all_of_them_or_there_is_no_harm() -> None:
    even = [effect("near", -5, 0.1, group=group) for group in ("block 0", "block 1")]
    assert said(effect("near", -10), *even) == []
    assert said(effect("near", -0.3), *even[:1], effect("near", 4, group="block 1")) == []


def test_the_risk_harmed_most_is_that_of_the_lowest_cosine() -> None:
    rows = [effect("near", -4, cosine=-0.3), effect("far", -9, cosine=-0.1), effect("retain", -0.1, cosine=-0.9)]
    # retain's interval holds 0.
    assert said(*rows) == [
        "npo: at step 0, it harms near most among the sets to keep (cosine -0.300), followed by far (cosine -0.100)."
    ]


def test_without_cosines_it_is_that_of_the_greatest_share() -> None:
    rows = [effect("near", -3), effect("far", -9, cosine=-0.1)]
    assert said(*rows) == [
        "npo: at step 0, it harms far most among the sets to keep (75\u202f% of the harm), followed by near "
        "(25\u202f% of the harm)."
    ]


def test_harmed_most_needs_two_risks_and_harm_at_the_last_step() -> None:
    assert said(effect("near", -4, cosine=-0.3)) == []
    assert said(*over_steps("near", [-4, 4]), *over_steps("far", [-4, 0.1])) == []
    assert about("measurably", said(effect("near", -4, cosine=-0.3), effect("far", 4, cosine=0.3)))


def steps(*pairs: tuple[float, float]) -> list[str]:
    rows = [StepRow(place, "near", predicted, measured) for place, (predicted, measured) in enumerate(pairs)]
    return advice(EffectTable([], (), rows))


def test_steps_off_by_more_than_a_factor_of_two_are_told() -> None:
    assert steps((1.0, 1.9), (1.0, 2.1), (1.0, 0.51), (1.0, 0.4), (1.0, -1.0)) == [
        "near: at 3 of 5 measured steps (first at 1, last at 4), the measured change differed from the predicted "
        "change by more than a factor of 2, so the G-effects predict these steps poorly (largest difference at "
        "step 4: predicted 1.00, measured -1.00 nats per token)."
    ]


def test_steps_within_a_factor_of_two_and_slight_ones_are_not() -> None:
    assert steps((1.0, 2.0), (1.0, 0.5), (-0.2, -0.3)) == []
    assert steps((1.0, 1.0), (0.001, -0.009)) == []  # below a hundredth of 1
    assert steps((0.0, 0.0)) == []
    assert len(steps((1.0, 1.0), (0.001, -0.02))) == 1


def test_blocks_that_follow_one_another_are_named_as_one() -> None:
    assert together(["embedding", "block 1", "block 2", "block 3", "head"]) == "embedding, blocks 1-3 and head"
    assert together(["block 1", "block 3"]) == "block 1 and block 3"
    assert together(["blocks 0-3", "block 4 MLP"]) == "blocks 0-3 and block 4 MLP"
