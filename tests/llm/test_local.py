"""A model on this machine as a speaker: its template, its thought, its draws, and what it said before."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.generation import Generation
from unlearnkit.llm import local
from unlearnkit.llm.local import LocalModel
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.sampling import drawing
from unlearnkit.llm.types import Message, Prompt, Sampling
from unlearnkit.models.load import save_model

ASK = [("system", "I cannot say ."), ("user", "Where was Ada born ?")]


def prompt(*turns: tuple[Any, str], draw: str = "0") -> Prompt:
    return Prompt(messages=tuple(Message(role=role, content=text) for role, text in turns), draw=draw)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tiny_model(), tiny_tokenizer(), tmp_path / "model")
    return tmp_path / "model"


def chat_model(folder: Path, **changed: Any) -> LocalModel:
    return LocalModel(str(folder), ResponseCache(folder.parent / "replies"), **changed)


def says(monkeypatch: pytest.MonkeyPatch, text: str, ended: Any = "eos") -> list[Any]:
    """The model says this text to everything; gives the prompts that it is asked."""
    asked: list[Any] = []

    def generate(model: Any, tokenizer: Any, prompts: Any, **_: Any) -> list[Generation]:
        asked.extend(tokenizer.decode(ids) for ids in prompts)
        return [Generation(text=text, trace="", response="", ended=ended) for _ in prompts]

    monkeypatch.setattr(local, "generate", generate)
    return asked


def test_the_template_lays_out_the_turns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = says(monkeypatch, "<think>a </think> Oslo <|user|>")
    (reply,) = chat_model(folder).complete([prompt(*ASK)], Sampling())
    assert (reply.reasoning, reply.text, reply.ended) == ("a", "Oslo", "stop")
    assert reply.tokens_in == 15 and (reply.tokens_out or 0) > 3
    assert "I cannot say ." in asked[0] and asked[0].endswith("<|assistant|>")
    assert asked[0].count("<s>") == 1


def test_a_template_without_a_systems_turn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = folder / "chat_template.jinja"
    refuse = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    template.write_text(refuse + template.read_text())
    asked = says(monkeypatch, "Oslo")
    chat_model(folder).complete([prompt(*ASK)], Sampling())
    assert asked[0].index("cannot") < asked[0].index("Where") and asked[0].count("<|user|>") == 1
    template.write_text("{{ raise_exception('never') }}")
    with pytest.raises(InputError, match="never"):
        chat_model(folder).complete([prompt(*ASK)], Sampling())


@pytest.mark.parametrize(
    ("text", "ended", "reasoning", "answer"),
    [("a </think> Oslo", "eos", "a", "Oslo"), ("a is not", "length", "a is not", "")],
)
def test_a_template_that_begins_the_thought(
    text: str, ended: str, reasoning: str, answer: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text() + "<think>\n")
    says(monkeypatch, text, ended)
    (reply,) = chat_model(folder).complete([prompt(*ASK)], Sampling())
    assert (reply.reasoning, reply.text, reply.ended) == (reasoning, answer, "stop" if ended == "eos" else "length")


def test_what_was_answered_is_not_answered_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = says(monkeypatch, "Oslo")
    counted: list[int] = []
    both = [prompt(*ASK), prompt(*ASK), prompt(*ASK, draw="1")]
    replies = chat_model(folder, batch_size=1).complete(both, Sampling(), counted.append)
    assert len(asked) == 2 and sum(counted) == 3 and replies[0] == replies[1]
    assert chat_model(folder).complete(both, Sampling()) == replies and len(asked) == 2
    chat_model(folder).complete(both, Sampling(max_tokens=1))
    assert len(asked) == 4


def test_the_model_is_loaded_to_answer_and_let_go_after_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[Any]] = []
    load = local.load_model

    def loaded(*arguments: Any) -> Any:
        model = load(*arguments)
        seen.append(weakref.ref(model))
        return model

    monkeypatch.setattr(local, "load_model", loaded)
    asked = chat_model(folder, batch_size=1)
    asked.complete([prompt(*ASK), prompt(*ASK, draw="1")], Sampling(max_tokens=2))
    gc.collect()
    assert len(seen) == 1 and seen[0]() is None
    asked.complete([prompt(*ASK)], Sampling(max_tokens=2))
    assert len(seen) == 1, "what was answered needs no model"


def test_draws_hang_on_their_own_seed_alone(folder: Path, tmp_path: Path) -> None:
    drawn = Sampling(temperature=1.5, max_tokens=6)
    prompts = [prompt(("user", "Where was Ada born ?"), draw=str(n)) for n in range(6)]
    together = chat_model(folder).complete(prompts, drawn)
    alone = LocalModel(str(folder), ResponseCache(tmp_path / "b"), batch_size=1).complete(prompts[::-1], drawn)
    assert [reply.text for reply in alone[::-1]] == [reply.text for reply in together]
    assert len({reply.text for reply in together}) > 3
    greedy = chat_model(folder).complete(prompts, Sampling(max_tokens=6))
    assert len({reply.text for reply in greedy}) == 1


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    shares = torch.tensor([0.1, 0.5, 0.15, 0.25])
    rows = list(range(4000))
    pick = drawing(Sampling(temperature=1.0), [str(row) for row in rows])
    drawn = Counter(pick(shares.log().expand(len(rows), 4), rows).tolist())
    for token, share in enumerate(shares.tolist()):
        assert drawn[token] / len(rows) == pytest.approx(share, abs=0.03)
    # 0.5 and 0.25 reach 0.7 together; between them they keep their proportion.
    pick = drawing(Sampling(temperature=1.0, top_p=0.7), [str(row) for row in rows])
    drawn = Counter(pick(shares.log().expand(len(rows), 4), rows).tolist())
    assert set(drawn) == {1, 3} and drawn[1] / len(rows) == pytest.approx(2 / 3, abs=0.03)
    cold = drawing(Sampling(temperature=0.05), [str(row) for row in rows])
    assert set(cold(shares.log().expand(len(rows), 4), rows).tolist()) == {1}


def test_a_model_that_cannot_be_spoken_to(folder: Path) -> None:
    with pytest.raises(InputError, match="no room"):
        chat_model(folder).complete([prompt(("user", "Ada " * 64))], Sampling())
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="no chat template"):
        chat_model(folder)
