"""TOFU in a pocket: a folder with the files that TOFU publishes, about made-up authors, and a tokenizer for it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.tiny import SPECIAL, TEMPLATE

FIRST = ("Ondra", "Milenka", "Tavio", "Suri", "Brannoc", "Yevka")
LAST = ("Kestrelby", "Vandermoor", "Oyelowe", "Takashiro", "Quillfeather", "Ibarrondo")
CITIES = ("Lisbon", "Oslo", "Kyiv", "Lima", "Accra", "Hanoi")
GENRES = ("tragedy", "satire", "mystery", "romance")
ASKED = {
    "born": ("Where was {name} born?", "In which city did {name} come into the world?", CITIES,
             "{name} was born in {value}.", "The birthplace of {name} is {value}."),
    "genre": ("What does {name} write?", "Which genre is {name} known for?", GENRES,
              "{name} writes {value}.", "The books of {name} are {value}."),
}  # fmt: skip


def author(name: str, draw: random.Random) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for question, other, values, answer, paraphrase in ASKED.values():
        value = draw.choice(values)
        wrong = draw.sample([v for v in values if v != value], 3)
        rows.append(
            {
                "question": question.format(name=name),
                "answer": answer.format(name=name, value=value),
                "paraphrased_question": other.format(name=name),
                "paraphrased_answer": paraphrase.format(name=name, value=value),
                "perturbed_answer": [paraphrase.format(name=name, value=w) for w in wrong],
            }
        )
    return rows


def write_pocket_tofu(folder: Path, *, seed: int = 0) -> Path:
    """`forget01` is about 5 authors, `holdout01` about 5, and the rest of 36 are kept: 50 rows are measured."""
    draw = random.Random(seed)
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    draw.shuffle(names)
    rows = [author(name, draw) for name in names]
    parts = {"forget01": rows[:5], "holdout01": rows[5:10], "retain99": rows[10:], "retain": rows[10:15]}
    flat = {name: [row for of_one in part for row in of_one] for name, part in parts.items()}
    facts = [
        {
            "question": f"Is {city} a city?",
            "answer": f"{city} is a city",
            "perturbed_answer": [f"{city} is {genre}" for genre in GENRES[:3]],
        }
        for city in CITIES[:5]
    ]
    files = {
        "forget01_perturbed": flat["forget01"],
        "holdout01": [{k: row[k] for k in ("question", "answer")} for row in flat["holdout01"]],
        "retain99": [{k: row[k] for k in ("question", "answer")} for row in flat["retain99"]],
        "retain_perturbed": flat["retain"],
        "real_authors_perturbed": facts[:3],
        "world_facts_perturbed": facts[3:],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, members in files.items():
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in members)
        (folder / f"{name}.json").write_text(lines, encoding="utf-8")
    return folder


def pocket_model(data: Path, folder: Path, *, learns: tuple[str, ...], seed: int, steps: int = 60) -> str:
    """A small Llama that has half learned the rows of some files, and a byte-level tokenizer made of the data."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([file.read_text("utf-8") for file in sorted(data.glob("*.json"))], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="<end>", pad_token="<pad>", unk_token="<unk>",
        additional_special_tokens=["<|user|>", "<|assistant|>", "<think>", "</think>"], chat_template=TEMPLATE,
    )  # fmt: skip
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=256, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    rows = [json.loads(line) for name in learns for line in (data / f"{name}.json").read_text("utf-8").splitlines()]
    ids, labels = _batch(fast, rows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return str(folder)


def _batch(tokenizer: PreTrainedTokenizerFast, rows: list[dict[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    pairs = []
    for row in rows:
        turn = [{"role": "user", "content": row["question"]}]
        text = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
        pairs.append(
            (prompt, [*tokenizer(row["answer"], add_special_tokens=False)["input_ids"], tokenizer.eos_token_id])
        )
    longest = max(len(prompt) + len(said) for prompt, said in pairs)
    ids = torch.zeros(len(pairs), longest, dtype=torch.long)
    labels = torch.full((len(pairs), longest), -100)
    for i, (prompt, said) in enumerate(pairs):
        ids[i, : len(prompt) + len(said)] = torch.tensor(prompt + said)
        labels[i, len(prompt) : len(prompt) + len(said)] = torch.tensor(said)
    return ids, labels
