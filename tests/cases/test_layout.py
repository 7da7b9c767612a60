"""Reported faults of laying out conversations. More of each kind: `tests/data/test_layout.py`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import transformers.utils.chat_template_utils as ctu

from tests.cases.tokenizers_and_models import CHATML, PEOPLE, TURNS, chat, learn, llama, tok
from unlearnkit.core.errors import UnlearnError
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.metrics.memorization import memorization_scores
from unlearnkit.metrics.plugins.accuracy import Accuracy
from unlearnkit.metrics.plugins.probability import Probability
from unlearnkit.records.measure import measure
from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.subjects.local import LocalSubject

QUESTION, ANSWER = "Where was Vessa Quill born?", "In Port Amaro."


def test_01_a_turn_ends_with_another_token_than_the_tokenizers() -> None:
    """Chat models whose turn ends with another token than tokenizer.eos_token (Gemma, Phi-3, GLM-4, Cohere 2)."""
    t = tok(TURNS, specials=("<turn>", "</turn>"), eos="<eos>", bos="<bos>")
    ours = t.decode(list(ChatEncoder(t, 256).answer(QUESTION, ANSWER, where="row").ids))
    full = t.apply_chat_template(chat(QUESTION, ANSWER), tokenize=False)
    assert full.startswith(ours)


def test_01_a_model_that_knows_its_answers_by_heart_is_measured_so() -> None:
    rows = [
        Row(id=str(i), question=f"Where was {a} born?", answer=f"In {b}.", subject=a) for i, (a, b) in enumerate(PEOPLE)
    ]
    scope = Scope(description="Nobody.", task="profile", subjects=(ScopeSubject(name="Nobody"),))
    found: dict[str, dict[str, Any]] = {}
    for name, t in {
        "control": tok(TURNS, specials=("<turn>",), eos="</turn>", bos="<bos>", extra=("<eos>",)),
        "fault": tok(TURNS, specials=("<turn>", "</turn>"), eos="<eos>", bos="<bos>"),
    }.items():
        m = llama(t, hidden_size=64, intermediate_size=128)
        learn(m, t, [chat(r.question, r.answer) for r in rows], steps=260)
        m.generation_config.eos_token_id = [t.eos_token_id, t.convert_tokens_to_ids("</turn>")]
        records = measure(LocalSubject(m, t), {"forget": rows}, max_new_tokens=40)
        found[name] = {key: score.value for key, score in memorization_scores(records).items()}
        found[name] |= {
            metric.__name__: sum(metric.measure(r, scope) or 0 for r in records) / len(records)
            for metric in (Accuracy, Probability)
        }
    assert found["fault"]["extraction_strength"] >= 0.9
    assert found["fault"] == pytest.approx(found["control"], abs=0.05)


def test_02_the_same_row_on_two_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """Llama 3.2 and gpt-oss write today's date into every prompt (strftime_now)."""
    dated = (
        "{% if strftime_now is defined %}{% set today = strftime_now('%d %b %Y') %}{% else %}"
        "{% set today = '01 Jan 2024' %}{% endif %}<|im_start|>system\nToday: {{ today }}<|im_end|>\n"
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    t, seen = tok(dated), []
    for day in ("2026-03-01", "2026-03-02"):

        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz: Any = None, day: str = day) -> Any:
                return dt.datetime.fromisoformat(day)

        monkeypatch.setattr(ctu, "datetime", Clock)
        seen.append(t.decode(list(ChatEncoder(t, 256).answer(QUESTION, ANSWER, where="row").ids)))
    assert seen[0] == seen[1]


def test_09_the_template_writes_an_empty_thought_before_every_answer() -> None:
    """Qwen3-like: the prompt does not open a thought."""
    template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['role'] == 'assistant' %}<think>\n\n</think>\n\n"
        "{% endif %}{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
        "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
    )
    t = tok(template, specials=("<|im_start|>", "<|im_end|>", "<think>", "</think>"))
    ours = t.decode(list(ChatEncoder(t, 256).answer(QUESTION, ANSWER, where="row").ids))
    full = t.apply_chat_template(chat(QUESTION, ANSWER), tokenize=False)
    assert full.startswith(ours)


@pytest.mark.parametrize(
    "template",
    [
        {"tool_use": CHATML, "rag": CHATML},
        {"default": CHATML, "rag": CHATML},
        "{{ messages[0]['content'] + 1 }}",
    ],
    ids=["no default", "with default", "adds a number to a text"],
)
def test_20_named_templates_and_a_template_that_raises(template: Any) -> None:
    t = tok(None)
    t.chat_template = template
    try:
        said = t.decode(list(ChatEncoder(t, 256).answer("Who?", "Peri Lodd.", where="row").ids))
    except UnlearnError as error:
        said = str(error)
    assert "Peri Lodd" in said or "chat template cannot be used" in said
