"""Exported models in a real llama.cpp server: tokens, layout and greedy answers are those of transformers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.models.gguf_files import SPLITS, TEXTS, byte_bpe, sentencepiece, small_model, with_sentencepiece, write
from tests.tiny import tiny_model
from unlearnkit.models.gguf_export import GGUFModel, write_gguf
from unlearnkit.models.load import load_model, load_tokenizer

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import llama_cpp  # noqa: E402

pytestmark = pytest.mark.extended

QUESTIONS = [
    "What is the capital of France?",
    "How many days are there in a week?",
    "Who wrote Romeo and Juliet?",
    "What is 12 + 30?",
    "In which year did World War II end?",
    "Name three colors.",
]


@pytest.fixture(scope="module", autouse=True)
def server_there() -> None:
    try:
        llama_cpp.package()
    except llama_cpp.Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def served(smollm2: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """SmolLM2, exported in its own data type and served."""
    file = tmp_path_factory.mktemp("served") / "smollm2.gguf"
    model, tokenizer = load_model(smollm2), load_tokenizer(smollm2)
    write_gguf(model, GGUFModel.of(model.config, tokenizer, smollm2), file, dtype="bfloat16", name="smollm2")
    with llama_cpp.running(file) as server:
        yield server


@pytest.mark.parametrize("bos", [False, True])
@pytest.mark.parametrize("split", SPLITS)
def test_llama_cpp_splits_text_as_the_tokenizer_does(split: str, bos: bool, tmp_path: Path) -> None:
    tokenizer = byte_bpe(split, bos=bos)
    file = write(small_model("llama, tied", tokenizer), tokenizer, tmp_path / "model.gguf")
    with llama_cpp.running(file) as server:
        for text in TEXTS:
            assert server.tokens(text) == tokenizer(text, add_special_tokens=False)["input_ids"], text


@pytest.mark.parametrize("prefix", [True, False])
def test_llama_cpp_splits_text_as_sentencepiece_does(prefix: bool, tmp_path: Path) -> None:
    backend = sentencepiece(prefix)
    model = tiny_model(vocab_size=backend.get_vocab_size(), max_position_embeddings=128)
    file = write(model, byte_bpe(), tmp_path / "model.gguf")
    file = with_sentencepiece(file, tmp_path / "llama2.gguf", backend, prefix)
    read = load_tokenizer(str(file))
    with llama_cpp.running(file) as server:
        for text in [*TEXTS, "  two  spaces", "hi</s>there </s> you"]:
            assert server.tokens(text) == read(text, add_special_tokens=False)["input_ids"], text


def test_the_layout_of_a_conversation_is_the_template_s(served: Any, smollm2: str) -> None:
    tokenizer = load_tokenizer(smollm2)
    for messages in (
        [{"role": "user", "content": "In 1969?"}],
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}],
        [
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": "Me."},
            {"role": "user", "content": "  And in 12345?"},
        ],
    ):
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert served.layout(messages) == text
        assert served.tokens(str(text)) == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_greedy_answers_are_those_of_transformers(served: Any, smollm2: str) -> None:
    """bfloat16 weights, in float32 here; llama.cpp rounds activations, so an answer may part at a near tie."""
    model, tokenizer = load_model(smollm2), load_tokenizer(smollm2)
    equal = 0
    for question in QUESTIONS:
        asked = [{"role": "user", "content": question}]
        ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        with torch.no_grad():
            made: Any = model.generate(**ids, max_new_tokens=24, do_sample=False)  # type: ignore[operator]
        ours = tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        theirs = served.answer(question, at_most=24)
        equal += ours.strip() == theirs.strip()
        assert ours.split()[0] == theirs.split()[0], f"{ours!r} != {theirs!r}"
    assert equal >= len(QUESTIONS) - 1, f"{equal} of {len(QUESTIONS)} answers are equal"
