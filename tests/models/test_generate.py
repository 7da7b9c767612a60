from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import EOS, PAD, adapted, random_rows, tiny_model, tiny_tokenizer
from unlearnkit.models.generate import _decode, as_generation, end_tokens, generate

TOKENIZER = tiny_tokenizer()
LIMIT = 12


def prompts(seed: int, number: int = 8) -> list[tuple[int, ...]]:
    return [row.ids[: row.prompt] for row in random_rows(number, seed=seed, prompt=(1, 9))]


def theirs(model: Any, ids: list[tuple[int, ...]], limit: int = LIMIT) -> list[list[int]]:
    """transformers' own greedy generation, one prompt at a time, so without any padding."""
    found = []
    for prompt in ids:
        whole = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            do_sample=False, max_new_tokens=limit, eos_token_id=EOS, pad_token_id=PAD,
        )  # fmt: skip
        found.append(whole[0, len(prompt) :].tolist())
    return found


def ready(family: str, seed: int = 0) -> Any:
    """A model that ends some of its outputs early: the end token is made likelier."""
    model = tiny_model(family, seed=seed)
    with torch.no_grad():
        model.get_output_embeddings().weight[EOS] *= 2.5
    return model


@pytest.mark.parametrize("family", ["llama", "llama_tied", "qwen2", "gemma2", "gpt2", "mistral", "phi3"])
def test_outputs_are_transformers_own_greedy_ones(family: str) -> None:
    lengths = set()
    for seed in range(3):
        model, ids = ready(family, seed), prompts(seed)
        assert len({len(p) for p in ids}) > 2  # so there is left padding
        expected = theirs(model, ids)
        assert _decode(model, TOKENIZER, ids, LIMIT, (EOS,)) == expected  # type: ignore[arg-type]
        lengths |= {len(output) for output in expected}
    assert len(lengths) > 2 and LIMIT in lengths and min(lengths) < LIMIT  # rows ended at different times


def test_order_and_batch_size_change_nothing() -> None:
    model, ids = ready("llama"), prompts(5, 11)
    expected = [as_generation(TOKENIZER, output, (EOS,)) for output in theirs(model, ids)]
    seen: list[int] = []
    for size in (1, 3, 256):
        seen.clear()
        assert generate(model, TOKENIZER, ids, max_new_tokens=LIMIT, batch_size=size, on_rows=seen.append) == expected
        assert sum(seen) == 11 and max(seen) <= size
    backwards = generate(model, TOKENIZER, ids[::-1], max_new_tokens=LIMIT)
    assert backwards == expected[::-1]


def test_what_is_begun_is_gone_on_with_and_is_part_of_the_output() -> None:
    model, ids = ready("llama"), prompts(2)
    begun = [prompt[:at] for at, prompt in enumerate(prompts(3))]  # of every length from none on
    found = generate(model, TOKENIZER, ids, begun=begun, max_new_tokens=LIMIT)  # type: ignore[arg-type]
    longer = [(*prompt, *start) for prompt, start in zip(ids, begun, strict=True)]
    expected = [[*start, *more] for start, more in zip(begun, theirs(model, longer), strict=True)]
    assert found == [as_generation(TOKENIZER, output, (EOS,)) for output in expected]  # type: ignore[arg-type]


def test_no_prompts_give_no_outputs() -> None:
    assert generate(ready("llama"), TOKENIZER, [], max_new_tokens=LIMIT) == []


def encode(text: str) -> list[int]:
    return list(TOKENIZER(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize(
    ("text", "trace", "response", "ended"),
    [
        ("Ada was born in Oslo<end>", "", "Ada was born in Oslo", "eos"),
        ("Ada was born in Oslo", "", "Ada was born in Oslo", "length"),
        ("<think>It asked</think>I cannot say<end>", "It asked", "I cannot say", "eos"),
        ("<think>It asked</think>I cannot", "It asked", "I cannot", "length"),
        ("<think>It asked Ada", "It asked Ada", "", "length"),
        ("<think>It asked Ada<end>", "It asked Ada", "", "eos"),
        ("<think></think>Oslo<end>", "", "Oslo", "eos"),
        ("Oslo<think>It asked</think>Kyiv<end>", "It asked", "Oslo\nKyiv", "eos"),
        ("<think>It</think>Oslo</think>Kyiv<end>", "It", "Oslo\nKyiv", "eos"),
        ("<end>", "", "", "eos"),
        ("", "", "", "length"),
    ],
)
def test_segments(text: str, trace: str, response: str, ended: str) -> None:
    # The tiny tokenizer decodes with blanks between tokens; segments are compared without them.
    got = as_generation(TOKENIZER, encode(text), (EOS,))
    assert got.trace.replace(" ", "") == trace.replace(" ", "")
    assert got.response.replace(" ", "") == response.replace(" ", "")
    assert got.ended == ended
    assert "<end>" not in got.text


@given(ids=st.lists(st.integers(0, len(TOKENIZER) - 1), max_size=12))
def test_every_output_is_split_without_loss(ids: list[int]) -> None:
    # Whatever a collapsed model says: each word of the output is in trace or response, and markers divide them.
    got = as_generation(TOKENIZER, ids, (EOS,))
    words = got.text.replace("<think>", " ").replace("</think>", " ").split()
    kept = (got.trace + " " + got.response).replace("<think>", " ").replace("</think>", " ").split()
    assert sorted(kept) == sorted(words)
    assert got.ended == ("eos" if ids and ids[-1] == EOS else "length")


def test_any_of_several_end_tokens_ends_an_output() -> None:
    model, ids = ready("llama"), prompts(1)
    alone = theirs(model, ids)
    # What is said often, and is not the end token, becomes a second one.
    said = [token for output in alone for token in output if token not in (EOS, PAD)]
    other = max(set(said), key=said.count)
    model.generation_config.eos_token_id = [other, EOS]
    assert end_tokens(model, TOKENIZER) == {EOS, other}
    cut = [output[: output.index(other) + 1] if other in output else output for output in alone]
    assert cut != alone
    found = generate(model, TOKENIZER, ids, max_new_tokens=LIMIT)
    assert found == [as_generation(TOKENIZER, output, (EOS, other)) for output in cut]
    ended = [output for output in cut if output[-1] == other]
    assert ended and all(as_generation(TOKENIZER, output, (EOS, other)).ended == "eos" for output in ended)
    # transformers, with the same settings of the model, stops at the same places.
    for prompt, output in zip(ids, cut, strict=True):
        whole = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            do_sample=False, max_new_tokens=LIMIT, pad_token_id=PAD,
        )  # fmt: skip
        assert whole[0, len(prompt) :].tolist() == output


@pytest.mark.parametrize("named", [None, EOS, [EOS], [7, 9]])
def test_the_tokenizers_end_token_always_ends(named: Any) -> None:
    model = ready("llama")
    model.generation_config.eos_token_id = named
    assert EOS in end_tokens(model, TOKENIZER)
    assert EOS in end_tokens(adapted(model), TOKENIZER)  # under an adapter too


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_an_output_ends_where_the_models_positions_do(family: str) -> None:
    model, tokenizer = tiny_model(family), tiny_tokenizer()
    prompts = [[1, *range(10, 10 + count)] for count in (3, 9, 40)]
    without_end = _decode(model, tokenizer, prompts, 200, {10**6})  # type: ignore[arg-type]
    # The last token that is chosen needs no position of its own.
    assert [len(prompt) + len(ids) for prompt, ids in zip(prompts, without_end, strict=True)] == [65, 65, 65]
    short = _decode(model, tokenizer, prompts, 10, {10**6})  # type: ignore[arg-type]
    assert short == [ids[:10] for ids in without_end]
