"""What a record does not hold is not measured, and no other figure stands in for it."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from unlearnkit.data.rows import Row
from unlearnkit.metrics.membership_scores import membership_scores
from unlearnkit.metrics.memorization import memorization_scores, memorization_scores_open_unlearning
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.records.schema import Record, Tokens
from unlearnkit.suites.tofu.scores import tofu_scores


def record(split: str, number: int, tokens: Tokens | None, **measured: object) -> Record:
    row = Row(id=f"{split}-{number}", question="Who wrote it?", answer="Ada Lund wrote it.")
    return Record(split=split, row=row, tokens=tokens, **measured)


def sets(forget: list[Tokens], holdout: list[Tokens]) -> dict[str, list[Record]]:
    given = {"forget": forget, "holdout": holdout}
    return {name: [record(name, n, each) for n, each in enumerate(members)] for name, members in given.items()}


def whole(*logps: float) -> Tokens:
    size = len(logps)
    return Tokens(logps=list(logps), ranks=[0] * size, mean_logps=[0.0] * size, var_logps=[1.0] * size)


def measured(scores: dict[str, Score]) -> set[str]:
    return {name for name, score in scores.items() if score.value is not None}


def test_a_mean_per_answer_gives_the_loss_and_no_attack_on_tokens() -> None:
    """As in the logs of other implementations. Before, Min-K of one value was the loss itself."""
    means = sets([Tokens(logps=[-0.1]), Tokens(logps=[-0.3])], [Tokens(logps=[-2.0])])
    scores = membership_scores(means, means)
    assert measured(scores) == {"mia.loss.auc", "mia.zlib.auc", "mia.reference.auc"}
    assert scores["mia.loss.auc"].value == 1.0
    of_tokens = memorization_scores(means["forget"]) | memorization_scores_open_unlearning(means["forget"])
    assert set(of_tokens) == {"rouge1_recall", "rougeL_recall", "extraction_strength", "exact_memorization"}
    assert measured(of_tokens) == set()


def test_tokens_without_ranks_and_moments_give_min_k_alone() -> None:
    found = sets([Tokens(logps=[-0.1, -0.2])], [Tokens(logps=[-2.0, -1.0])])
    scores = membership_scores(found, {})
    assert scores["mia.min_k.auc"].value == scores["mia.min_k.auc_open_unlearning"].value == 1.0
    assert scores["mia.min_k_plus_plus.auc"] == scores["mia.min_k_plus_plus.auc_open_unlearning"] == NOT_MEASURED
    assert memorization_scores(found["forget"])["exact_memorization"] == NOT_MEASURED


def test_the_end_token_decides_and_open_unlearning_does_not_see_it() -> None:
    """The end token alone is surprising on forget rows; without it they look like members."""
    found = sets([whole(-0.1, -0.2, -9.0)], [whole(-1.0, -2.0, -0.1)])
    scores = membership_scores(found, {})
    assert scores["mia.min_k.auc"].value == scores["mia.min_k_plus_plus.auc"].value == 0.0
    assert scores["mia.min_k.auc_open_unlearning"].value == 1.0
    assert scores["mia.min_k_plus_plus.auc_open_unlearning"].value == 1.0
    assert scores["privleak"] == NOT_MEASURED
    assert scores["privleak_open_unlearning"].value == pytest.approx(-100.0)


def test_an_answer_of_one_token_has_no_token_for_open_unlearning() -> None:
    single, double = whole(-1.0), whole(-1.0, -2.0)
    scores = membership_scores(sets([single, double], [double]), {})
    assert scores["mia.min_k.auc"].count == 3 and scores["mia.min_k.auc_open_unlearning"].count == 2
    records = [record("forget", n, each) for n, each in enumerate((single, double))]
    assert memorization_scores(records)["extraction_strength"].count == 2
    assert memorization_scores_open_unlearning(records)["extraction_strength"].count == 1


def test_a_retrained_model_that_was_not_measured_is_not_taken_for_chance() -> None:
    ours = sets([whole(-0.1, -0.2)], [whole(-1.0, -2.0)])
    assert membership_scores(ours, {})["privleak_open_unlearning"].value is not None
    for theirs in (sets([whole(-1.0, -2.0)], []), sets([Tokens(logps=[-1.0])], [Tokens(logps=[-2.0])])):
        scores = membership_scores(ours, theirs)
        assert scores["privleak"] == scores["privleak_open_unlearning"] == NOT_MEASURED


def test_the_answer_itself_does_not_replace_its_paraphrase() -> None:
    """Only real authors and world facts have no paraphrase; elsewhere its absence is a missing measurement."""
    given = {"tokens": whole(-0.1, -0.1), "perturbed": [[-1.0], [-3.0]]}
    records = [record(name, 0, **given) for name in ("forget", "retain", "utility.real_authors")]
    scores = tofu_scores(records, records)
    missing = ("forget_quality", "forget.truth_ratio", "retain.truth_ratio", "retain_utility")
    for suffix in ("", "_tofu_code", "_open_unlearning"):
        assert {scores[f"tofu.{name}{suffix}"].value for name in missing} == {None}
    assert scores["tofu.forget.truth_share_open_unlearning"].value is None
    share = math.exp(-0.1) / (math.exp(-0.1) + math.exp(-2.0))
    assert scores["tofu.real_authors.truth_share_open_unlearning"].value == pytest.approx(share)


@pytest.mark.parametrize(
    "values", [{"ranks": [0]}, {"mean_logps": [-1.0]}, {"ranks": [0, 0], "var_logps": [1.0, 1.0, 1.0]}]
)
def test_values_of_another_number_of_tokens_are_refused(values: dict[str, list[float]]) -> None:
    with pytest.raises(ValidationError, match="as long as logps"):
        Tokens(logps=[-1.0, -2.0], **values)


def test_a_mean_survives_the_file() -> None:
    tokens = Record.model_validate_json(
        record("forget", 0, Tokens(logps=[-1.5])).model_dump_json(exclude_defaults=True)
    )
    assert tokens.tokens is not None and tokens.tokens.mean_only
    assert not whole(-1.5).mean_only and not Tokens(logps=[-1.0, -2.0]).mean_only
