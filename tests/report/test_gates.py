import warnings

import pytest

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import RenamedWarning
from unlearnkit.metrics.gates import Gate, current_gate, judge, judge_all
from unlearnkit.metrics.score import NOT_MEASURED, Score


def score(value: float, low: float | None = None, high: float | None = None) -> Score:
    return Score(value=value, count=40, low=low, high=high)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("forget.accuracy<=0.03", "forget.accuracy <= 0.03"),
        ("  near.accuracy >= .97 ", "near.accuracy >= 0.97"),
        ("forget.rougeL<1e-1", "forget.rougeL < 0.1"),
        ("mia_auc > -0.5", "mia_auc > -0.5"),
        ("near.accuracy>=target.near.accuracy*0.97", "near.accuracy >= target.near.accuracy * 0.97"),
        ("near.accuracy>=0.97 * target.near.accuracy", "near.accuracy >= target.near.accuracy * 0.97"),
        ("forget.accuracy <= retrained.forget.accuracy", "forget.accuracy <= retrained.forget.accuracy"),
        ("forget.accuracy<=retrained.forget.accuracy+0.05", "forget.accuracy <= retrained.forget.accuracy + 0.05"),
        ("near.accuracy >= target.near.accuracy - .05", "near.accuracy >= target.near.accuracy - 0.05"),
        ("m>=target.m*0.97-1e-2", "m >= target.m * 0.97 - 0.01"),
        ("m >= 0.5*target.top-5 + 1", "m >= target.top-5 * 0.5 + 1"),
        ("m<=retrained.m + 0", "m <= retrained.m"),
        ("m<=retrained.m + 0.005", "m <= retrained.m + 0.005"),
    ],
)
def test_a_gate_is_read_and_spelled_in_one_way(text: str, spelling: str) -> None:
    gate = Gate.parse(text)
    assert str(gate) == spelling
    assert Gate.parse(spelling) == gate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "forget.accuracy",
        "forget.accuracy = 0.03",
        "forget.accuracy == 0.03",
        "<= 0.03",
        "0.1 <= forget.accuracy",
        "forget.accuracy <= ",
        "forget.accuracy <= low",
        "forget.accuracy <= 3%",
        "forget.accuracy <= nan",
        "forget.accuracy <= inf",
        "forget.accuracy <= 1e999",
        "forget.accuracy <= 0.1 <= 0.2",
        "forget.accuracy <= near.accuracy",
        "forget.accuracy <= target",
        "forget.accuracy <= target.forget.accuracy / 2",
        "forget.accuracy <= 0.05 + target.forget.accuracy",
        "forget.accuracy <= target.forget.accuracy + ",
        "forget.accuracy <= target.forget.accuracy + -0.05",
        "forget.accuracy <= target.forget.accuracy + 0.05 + 0.05",
        "forget.accuracy <= target.forget.accuracy + 0.05 * 2",
        "forget.accuracy <= target.forget.accuracy + target.near.accuracy",
        "forget.accuracy <= target.forget.accuracy + 1e999",
        "forget.accuracy <= 0.1 + 0.05",
        "forget..accuracy <= 0.1",
        "forget accuracy <= 0.1",
    ],
)
def test_nonsense_is_refused_with_a_fix(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Gate.parse(text, where="--gate")
    assert caught.value.where == "--gate"
    assert caught.value.fix == ("write the gate like forget.accuracy<=0.03 or near.accuracy>=target.near.accuracy*0.97")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("gate", "value", "outcome", "why"),
    [
        ("m<=0.03", score(0.01, 0.0, 0.02), "met", "met"),
        ("m<=0.03", score(0.01, 0.0, 0.05), "met", "met, but the score's interval reaches 0.050"),
        ("m<=0.03", score(0.03), "met", "met"),
        ("m<0.03", score(0.03), "missed", "missed"),
        ("m<=0.03", score(0.1, 0.02, 0.2), "missed", "missed, but the score's interval reaches 0.020"),
        ("m>=0.95", score(0.97, 0.93, 1.0), "met", "met, but the score's interval reaches 0.930"),
        ("m>=0.95", score(0.5, 0.4, 0.6), "missed", "missed"),
        ("m>0.95", score(0.95), "missed", "missed"),
    ],
)
def test_the_point_value_decides_and_the_interval_is_told(gate: str, value: Score, outcome: str, why: str) -> None:
    result = judge(Gate.parse(gate), "tru", {"tru": {"m": value}})
    assert (result.outcome, result.why, result.score) == (outcome, why, value)


@pytest.mark.parametrize(
    ("op", "met"),
    [("<=", [0.1, 0.2]), ("<", [0.1]), (">=", [0.2, 0.3]), (">", [0.3])],
    ids=["at most", "below", "at least", "above"],
)
def test_each_operator_decides_at_the_threshold(op: str, met: list[float]) -> None:
    gate = Gate.parse(f"m{op}0.2")
    assert [v for v in (0.1, 0.2, 0.3) if judge(gate, "tru", {"tru": {"m": score(v)}}).outcome == "met"] == met


def test_a_relative_gate_multiplies_the_references_score() -> None:
    gate = Gate.parse("near.accuracy>=target.near.accuracy*0.97")
    scores = {"target": {"near.accuracy": score(0.99)}, "tru": {"near.accuracy": score(0.9603)}}
    result = judge(gate, "tru", scores)  # 0.97 * 0.99 is 0.9603, and a little more or less in floating point
    assert result.outcome == "met"
    assert result.threshold == pytest.approx(0.9603)
    assert result.why == "met, with a threshold of 0.960"


def test_a_minus_without_spaces_is_not_taken_for_a_part_of_the_name() -> None:
    for where, stated in (("--gate", "--gate"), (None, "near.accuracy>=target.near.accuracy-0.05")):
        with pytest.raises(InputError) as caught:
            Gate.parse("near.accuracy>=target.near.accuracy-0.05", where=where)
        assert caught.value.where == stated
        assert caught.value.what == "the minus in the threshold reads as a part of the score's name"
        assert caught.value.fix == "write spaces around the minus: target.near.accuracy - 0.05"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("forget.accuracy", "the text is not a gate"),
        ("forget.accuracy <= 3%", "the right side of the gate is not a threshold"),
        ("forget.accuracy <= 1e999", "the threshold of the gate is not finite"),
    ],
)
def test_it_is_said_what_is_wrong_with_a_gate(text: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        Gate.parse(text)
    assert caught.value.what == what
    assert caught.value.allowed is None or caught.value.allowed.endswith("or both, in this order")


def test_a_gate_that_is_built_equals_one_that_is_read() -> None:
    assert Gate.parse("m<=0.5") == Gate(metric="m", op="<=", number=0.5)
    assert Gate.parse("m<=target.m") == Gate(metric="m", op="<=", number=1.0, reference=("target", "m"))


def test_an_outdated_name_is_warned_of_if_it_is_asked_for() -> None:
    old, new = "forget.exact_memorisation<=0.1", "forget.exact_memorization<=0.1"
    with pytest.warns(RenamedWarning) as warned:
        assert Gate.parse(old) == Gate.parse(new)
    assert [str(each.message) for each in warned] == [
        f"the gate {old!r} has an outdated metric name, which will stop working: write {new!r} instead"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert current_gate(old, warn=False) == current_gate(new, warn=True) == new


@pytest.mark.parametrize(
    ("gate", "value", "outcome", "threshold"),
    [
        ("m <= retrained.m + 0.05", 0.15, "met", 0.15),  # 0.1 + 0.05 is a little more in floating point
        ("m < retrained.m + 0.05", 0.15, "missed", 0.15),
        ("m <= retrained.m + 0.05", 0.16, "missed", 0.15),
        ("m >= retrained.m - 0.05", 0.05, "met", 0.05),
        ("m >= retrained.m * 2 - 0.05", 0.149, "missed", 0.15),
    ],
)
def test_a_number_is_added_to_the_references_score(gate: str, value: float, outcome: str, threshold: float) -> None:
    result = judge(Gate.parse(gate), "tru", {"retrained": {"m": score(0.1)}, "tru": {"m": score(value)}})
    assert (result.outcome, result.threshold) == (outcome, pytest.approx(threshold))


def test_few_questions_about_the_worst_subject_decide_nothing_without_a_retrained_model() -> None:
    gate = Gate.parse("worst_subject.tells_limit <= 0.3")
    few, enough = (Score(value=0.26, count=count, subject=2) for count in (59, 60))
    result = judge(gate, "mine", {"mine": {gate.metric: few}})
    assert (result.outcome, result.score) == ("not measured", few)
    assert result.why == "59 questions, but without a retrained model, at least 60 are needed"
    assert judge(gate, "mine", {"mine": {gate.metric: enough}}).outcome == "met"
    assert judge(gate, "mine", {"retrained": {}, "mine": {gate.metric: few}}).outcome == "met"


def test_what_is_missing_is_never_met() -> None:
    absolute, relative = Gate.parse("forget.accuracy<=0.03"), Gate.parse("forget.accuracy<=retrained.forget.accuracy")
    measured = {"tru": {"forget.accuracy": score(0.0)}}
    cases = [
        (absolute, {"tru": {"forget.accuracy": NOT_MEASURED}}, "the model tru has no score forget.accuracy"),
        (absolute, {"tru": {"forget.accuracy": score(float("nan"))}}, "the model tru has no score forget.accuracy"),
        (absolute, {"tru": {}}, "the model tru has no score forget.accuracy"),
        (relative, measured, "there is no retrained model to compare with"),
        (relative, {**measured, "retrained": {}}, "the model retrained has no score forget.accuracy"),
    ]
    for gate, scores, why in cases:
        result = judge(gate, "tru", scores)
        assert (result.outcome, result.why) == ("not measured", why)


def test_a_misspelled_metric_gets_a_hint() -> None:
    result = judge(Gate.parse("forgot.accuracy<=0.03"), "tru", {"tru": {"forget.accuracy": score(0.0)}})
    assert result.outcome == "not measured"
    assert result.why == "the model tru has no score forgot.accuracy; did you mean forget.accuracy?"


def test_references_are_not_judged() -> None:
    scores = {name: {"m": score(0.5)} for name in ("target", "retrained", "tru", "npo")}
    results = judge_all([Gate.parse("m<=0.5"), Gate.parse("m<0.5")], scores)
    assert [(r.subject, r.outcome) for r in results] == [
        ("tru", "met"),
        ("tru", "missed"),
        ("npo", "met"),
        ("npo", "missed"),
    ]
