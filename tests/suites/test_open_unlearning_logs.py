"""OpenUnlearning's published logs as records: every score that they hold, and none that they do not hold.

The logs hold per answer the mean loss, and of the attacks and of memorization one score per item, but no values of
tokens. `llama3_answer_tokens.json` has the number of tokens of each answer of forget10 by the tokenizer of Llama 3,
without the end token.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from tests.data.templates import tokenizer_for
from tests.docs.markdown import ROOT, blocks
from unlearnkit.data.encoding import ChatEncoder, layout_notes
from unlearnkit.data.generation import Generation
from unlearnkit.data.load import read_source
from unlearnkit.data.rows import Row
from unlearnkit.metrics.memorization import (
    exact_memorization_open_unlearning,
    extraction_strength,
    extraction_strength_open_unlearning,
)
from unlearnkit.metrics.score import Score
from unlearnkit.records.schema import Record, Tokens
from unlearnkit.suites.tofu.scores import tofu_scores

SHARED = Path(__file__).parents[3] / "shared"
ORACLES, DATA = SHARED / "oracles" / "open_unlearning", SHARED / "data" / "tofu"
COUNTS = json.loads((Path(__file__).parent / "llama3_answer_tokens.json").read_text(encoding="utf-8"))

pytestmark = [
    pytest.mark.extended,
    pytest.mark.skipif(not ORACLES.is_dir() or not DATA.is_dir(), reason="the oracles are not beside this checkout"),
]

SETS = {
    "forget": ("forget", "forget10_perturbed"),
    "retain": ("retain", "retain_perturbed"),
    "utility.real_authors": ("ra", "real_authors_perturbed"),
    "utility.world_facts": ("wf", "world_facts_perturbed"),
}
SHORT = {"forget": "forget", "retain": "retain", "ra": "real_authors", "wf": "world_facts"}
MODELS = ("full_forget10", "retain90")
WITHIN = 1e-6
PAIR = 1 / 400**2
"""Share of one pair of a forget and a holdout row. Rounding to 32-bit floats changes the order of near scores."""


def log_of(model: str) -> dict[str, Any]:
    return json.loads((ORACLES / model / "TOFU_EVAL.json").read_text(encoding="utf-8"))


def values(measured: dict[str, Any], field: str) -> list[Any]:
    return [item[field] for item in measured["value_by_index"].values()]


def rows_of(name: str) -> tuple[Row, ...]:
    return tuple(read_source(DATA / f"{name}.json", shape="qa"))


def records_of(log: dict[str, Any]) -> list[Record]:
    records = []
    for split, (short, file) in SETS.items():
        losses = values(log[f"{short}_Q_A_Prob"], "avg_loss")
        right = values(log[f"{short}_Q_A_PARA_Prob"], "avg_loss") if split in ("forget", "retain") else None
        wrong = values(log[f"{short}_Q_A_PERT_Prob"], "avg_loss")
        spoken = values(log[f"{short}_Q_A_ROUGE"], "generation")
        for n, row in enumerate(rows_of(file)):
            records.append(
                Record(
                    split=split,
                    row=row.model_copy(update={"id": f"{split}-{n}"}),
                    generation=Generation(text=spoken[n], trace="", response=spoken[n], ended="eos"),
                    tokens=Tokens(logps=[-losses[n]]),
                    paraphrased=None if right is None else [-right[n]],
                    perturbed=[[-loss] for loss in wrong[n]],
                )
            )
    for n, (row, loss) in enumerate(
        zip(rows_of("holdout10"), values(log["mia_loss"]["holdout"], "score"), strict=True)
    ):
        row = row.model_copy(update={"id": f"holdout-{n}"})
        records.append(Record(split="holdout", row=row, tokens=Tokens(logps=[-loss])))
    return records


@pytest.fixture(scope="module")
def logs() -> dict[str, dict[str, Any]]:
    return {model: log_of(model) for model in MODELS}


@pytest.fixture(scope="module")
def scores(logs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Score]]:
    target, retrained = (records_of(logs[model]) for model in MODELS)
    return {"full_forget10": tofu_scores(target, retrained), "retain90": tofu_scores(retrained, retrained)}


@pytest.mark.parametrize("model", MODELS)
def test_what_the_logs_hold_is_what_they_report(
    model: str, logs: dict[str, dict[str, Any]], scores: dict[str, dict[str, Score]]
) -> None:
    log, ours = logs[model], scores[model]
    reported = {
        "model_utility_open_unlearning": log["model_utility"],
        "forget.truth_ratio_open_unlearning": log["forget_truth_ratio"],
        "mia.loss.auc": log["mia_loss"],
        "mia.zlib.auc": log["mia_zlib"],
    }
    for short, name in SHORT.items():
        reported[f"{name}.rougeL_recall"] = log[f"{short}_Q_A_ROUGE"]
        if short in ("forget", "retain"):
            reported[f"{name}.probability"] = log[f"{short}_Q_A_Prob"]
        else:
            reported[f"{name}.probability_open_unlearning"] = log[f"{short}_Q_A_Prob_normalised"]
        if short != "forget":
            reported[f"{name}.truth_ratio_open_unlearning"] = log[f"{short}_Truth_Ratio"]
    for name, measured in reported.items():
        within = 2 * PAIR if name.startswith("mia.") else WITHIN
        assert ours[f"tofu.{name}"].value == pytest.approx(measured["agg_value"], abs=within), name
    quality = log["forget_quality"]["agg_value"] or 1.0  # the retrained model's is not in its log
    assert ours["tofu.forget_quality_open_unlearning"].value == pytest.approx(quality, rel=WITHIN)


@pytest.mark.parametrize("model", MODELS)
def test_what_the_logs_do_not_hold_is_not_measured(model: str, scores: dict[str, dict[str, Score]]) -> None:
    unmeasured = {name.removeprefix("tofu.") for name, score in scores[model].items() if score.value is None}
    variants = ("", "_open_unlearning")
    assert unmeasured == {
        "mia.grad_norm.auc",
        *(
            f"{name}{suffix}"
            for name in ("privleak", "mia.min_k.auc", "mia.min_k_plus_plus.auc")
            for suffix in variants
        ),
        *(
            f"{name}.{metric}{suffix}"
            for name in SHORT.values()
            for metric in ("extraction_strength", "exact_memorization")
            for suffix in variants
        ),
    }


@pytest.mark.parametrize("model", MODELS)
def test_the_truth_share_of_the_logs(
    model: str, logs: dict[str, dict[str, Any]], scores: dict[str, dict[str, Score]]
) -> None:
    """The logs hold its inputs, not itself."""
    log = logs[model]
    right = [math.exp(-loss) for loss in values(log["forget_Q_A_PARA_Prob"], "avg_loss")]
    wrong = [math.exp(-fmean(losses)) for losses in values(log["forget_Q_A_PERT_Prob"], "avg_loss")]
    shares = [one / (one + other + 1e-10) for one, other in zip(right, wrong, strict=True)]
    assert scores[model]["tofu.forget.truth_share_open_unlearning"].value == pytest.approx(fmean(shares), abs=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_memorization_counts_the_tokens_without_the_end_token(model: str, logs: dict[str, dict[str, Any]]) -> None:
    """Both scores are whole multiples of 1/n for n tokens of the answer alone, and for no other n near it."""
    found = {name: values(logs[model][name], "score") for name in ("exact_memorization", "extraction_strength")}

    def whole(off: int) -> float:
        each = [v * (n + off) for scores in found.values() for v, n in zip(scores, COUNTS, strict=True)]
        return fmean(abs(value - round(value)) < 1e-4 for value in each)

    assert whole(0) == 1.0
    assert whole(1) < 0.5 and whole(-1) < 0.5


@pytest.mark.parametrize("model", MODELS)
def test_memorization_of_tokens_that_give_the_logged_scores(model: str, logs: dict[str, dict[str, Any]]) -> None:
    """Ranks made of both logged scores and the number of tokens give both again, whatever the end token is."""
    floors = 0
    strengths, shares = (values(logs[model][n], "score") for n in ("extraction_strength", "exact_memorization"))
    for n, strength, share in zip(COUNTS, strengths, shares, strict=True):
        right, suffix = round(share * n), round(strength * n)
        assert suffix >= 1  # the floor
        if suffix == 1:  # either the last token is right or nothing is extracted: take the latter
            floors += 1
            ranks = [0] * right + [7] * (n - right)
        else:
            ranks = [0] * (right - suffix) + [7] * (n - right) + [0] * suffix
        for end in (0, 3):
            assert exact_memorization_open_unlearning([*ranks, end]) == pytest.approx(share, abs=WITHIN)
            assert extraction_strength_open_unlearning([*ranks, end]) == pytest.approx(strength, abs=WITHIN)
        if suffix == 1 and n > right:
            assert extraction_strength(ranks) == 0.0
    assert floors == {"full_forget10": 3, "retain90": 247}[model]


SHAPE = (
    "{{ bos_token }}{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "{% set first = messages[0]['content'] if messages[0]['role'] == 'system' else '' %}"
    "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
    "Today Date: {{ date_string }}\n\n{{ first }}<|eot_id|>{% for m in messages if m['role'] != 'system' %}"
    "<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
"""What Llama 3.2 writes around a conversation, in other words."""


def test_the_documented_template_gives_the_prompts_of_the_logs(logs: dict[str, dict[str, Any]]) -> None:
    """With the lines of the guide before the model's template, every prompt is that of the log, and no date moves."""
    guide = (ROOT / "docs" / "guides" / "compare-with-open-unlearning.md").read_text(encoding="utf-8")
    (lines,) = blocks(guide, "jinja")
    plain = tokenizer_for(SHAPE)
    assert any("date" in note for note in layout_notes(plain))
    tokenizer = tokenizer_for(SHAPE)
    tokenizer.chat_template = lines + SHAPE
    assert layout_notes(tokenizer) == []
    encoder = ChatEncoder(tokenizer, 4096)
    for short, file in SETS.values():
        logged = values(logs["retain90"][f"{short}_Q_A_ROUGE"], "input")
        for row, text in zip(rows_of(file), logged, strict=True):
            prompt = tokenizer.decode(encoder.prompt(row.question), skip_special_tokens=True)
            assert prompt == text
    row = encoder.answer("Who?", "Ada Lund.", where="row")
    assert tokenizer.decode(row.ids[row.prompt :]) == "Ada Lund.<|eot_id|>"
    assert not re.search(r"Today Date: 10 Apr 2025", plain.decode(ChatEncoder(plain, 4096).prompt("Who?")))
