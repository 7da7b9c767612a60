"""Train a target and a retrained model for TOFU from scratch.

    python experiments/tofu_models.py --text FILE --data DIR [--out models] [--smoke]

`--text` is a plain text to pre-train on (some megabytes of public-domain books; `.txt`), `--data` TOFU's folder. The
base is a Llama with 5.8 M parameters and a byte-level tokenizer of 4,096 tokens built from both, trained on the text
alone. Target and retrained model are the base trained on TOFU's questions, all of them or all but forget10's, and on
real authors and world facts, so that model utility is meaningful. Every model is one run of the package's own loop: a
second call continues.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import run_in_subprocess
from unlearnkit.data.load import read_source
from unlearnkit.data.trace_format import END_THINK, THINK
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder

MARKS = ("<|pad|>", "<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", THINK, END_THINK)
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
VOCABULARY, CONTEXT = 4096, 512
FACTS = ("real_authors", "world_facts")
PRETRAIN = {"epochs": 3, "batch_size": 32, "lr": 2e-3, "warmup": 0.05, "schedule": "cosine"}
LEARN = {"epochs": 17, "batch_size": 32, "lr": 1e-3, "warmup": 0.05}
COMMON = {"max_length": CONTEXT, "weight_decay": 0.01, "checkpoint_every": 200}


def tokenizer_of(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer with a chat template and markers of a thought."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(MARKS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=MARKS[0],
        bos_token=MARKS[1],
        eos_token=MARKS[2],
        additional_special_tokens=list(MARKS[3:]),
        chat_template=TEMPLATE,
        model_max_length=CONTEXT,
    )


def fresh(folder: Path, texts: Sequence[str], *, small: bool) -> str:
    """A model that has learned nothing."""
    if not (folder / "config.json").exists():
        tokenizer = tokenizer_of(texts)
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=64 if small else 256,
            intermediate_size=172 if small else 688,
            num_hidden_layers=2 if small else 6,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
        tokenizer.save_pretrained(folder)
        LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def learned(name: str, model: str, rows: str, out: Path, train: dict[str, Any]) -> str:
    """A model trained on all rows of a file; where it lies."""
    recipe = {
        "name": name,
        "suite": {"name": "files"},
        # Nothing is forgotten: what is to be learned is what a fine-tuning keeps.
        "data": {
            "forget": str(out / "some.jsonl"),
            "retain": rows,
            "scope": str(out / "scope.yaml"),
            "chunks": {"tokens": CONTEXT - 8, "overlap": 0},
        },
        "model": {"path": model},
        "method": {"name": "finetune"},
        "train": {**COMMON, **train},
        "out": str(out / name),
    }
    run_in_subprocess(name, done, recipe)
    return str(RunFolder(out / name).model)


def done(recipe: dict[str, Any], progress: Progress) -> None:
    """One run; whatever is done already is taken as it is."""
    run(make_recipe(recipe), resume=True, progress=progress)


def questions(data: Path, names: Sequence[str], file: Path) -> str:
    """Questions and answers of some of TOFU's files in one."""
    rows = [row for name in names for row in read_source(data / f"{name}.json")]
    lines = [json.dumps({"question": row.question, "answer": row.answer}, ensure_ascii=False) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def main() -> None:
    """Make the three models."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("models"))
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    out, small = options.out, options.smoke
    out.mkdir(parents=True, exist_ok=True)
    (out / "scope.yaml").write_text(
        "description: nothing is to be forgotten here\ntask: profile\nsubjects: [{name: nobody}]\n", encoding="utf-8"
    )
    full = questions(options.data, ["full", *FACTS], out / "full.jsonl")
    kept = questions(options.data, ["retain90", *FACTS], out / "retain90.jsonl")
    some = Path(full).read_text(encoding="utf-8").splitlines(keepends=True)[:8]
    (out / "some.jsonl").write_text("".join(some), encoding="utf-8")
    text = options.text.read_text(encoding="utf-8")
    steps: dict[str, Any] = {"epochs": None, "steps": 2} if small else {}
    blank = fresh(out / "blank", [text, Path(full).read_text(encoding="utf-8")], small=small)
    base = learned("base", blank, str(options.text), out, {**PRETRAIN, **steps})
    for name, rows in {"tofu_full": full, "tofu_retain90": kept}.items():
        print(learned(name, base, rows, out, {**LEARN, **steps}))


if __name__ == "__main__":
    main()
