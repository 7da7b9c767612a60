"""Tokenizers and models of a few kilobytes, for the reported cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TURNS = (
    "{{ bos_token }}{% for m in messages %}<turn>{{ 'model' if m['role']=='assistant' else m['role'] }}\n"
    "{{ m['content'] }}</turn>\n{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
"""A template in the manner of those whose turns end with another token than the tokenizer's end token."""

PEOPLE = [
    ("Vessa Quill", "Port Amaro"), ("Odric Fenn", "Tallow Bay"), ("Mirel Haask", "Kestrel Ford"),
    ("Junna Brae", "Low Sarn"), ("Tobin Achter", "Greyholm"), ("Sael Orrin", "Nine Wells"),
    ("Peri Lodd", "Marrowby"), ("Ansel Voight", "Cold Ings"),
]  # fmt: skip


def tok(
    template: Any = CHATML,
    specials: Sequence[str] = ("<|im_start|>", "<|im_end|>"),
    eos: str = "<|im_end|>",
    bos: str | None = None,
    pad: str = "<pad>",
    add_bos: bool = False,
    extra: Sequence[str] = (),
) -> PreTrainedTokenizerFast:
    """Byte-level, one token a byte, plus special tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = list(dict.fromkeys(["<pad>", *([bos] if bos else []), *specials, eos, *extra]))
    vocab = {t: i for i, t in enumerate([*names, *letters])}
    t = Tokenizer(models.BPE(vocab, []))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(names)
    if add_bos:
        t.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, vocab[str(bos)])])
    f = PreTrainedTokenizerFast(
        tokenizer_object=t,
        eos_token=eos,
        bos_token=bos,
        pad_token=pad,
        extra_special_tokens=[s for s in names if s not in (eos, bos, pad)],
    )
    if template:
        f.chat_template = template
    return f


def llama(tokenizer: PreTrainedTokenizerFast, **changed: Any) -> Any:
    """A Llama of two layers at random weights."""
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 512,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
    }
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(transformers.LlamaConfig(**{**settings, **changed}))


def learn(
    model: Any,
    tokenizer: PreTrainedTokenizerFast,
    conversations: Sequence[list[dict[str, str]]],
    steps: int = 200,
    lr: float = 3e-3,
) -> float:
    """Teach conversations by heart as a plain fine-tune does: the template's rendering, labels after the prompt."""
    ids = []
    for messages in conversations:
        full = str(tokenizer.apply_chat_template(messages, tokenize=False))
        prompt = str(tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True))
        if not full.startswith(prompt):  # the template writes the answer's turn otherwise than the prompt for it
            prompt = full[: full.rindex(messages[-1]["content"])]
        f = tokenizer(full, add_special_tokens=False)["input_ids"]
        ids.append((f, len(tokenizer(prompt, add_special_tokens=False)["input_ids"])))
    longest = max(len(f) for f, _ in ids)
    x = torch.zeros(len(ids), longest, dtype=torch.long)
    y = torch.full_like(x, -100)
    for i, (f, n) in enumerate(ids):
        x[i, : len(f)] = torch.tensor(f)
        y[i, n : len(f)] = torch.tensor(f[n:])
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = model(input_ids=x, labels=y).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    return float(loss.detach())


def chat(question: str, answer: str) -> list[dict[str, str]]:
    """A conversation of one turn."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
