"""Small Llama models that have memorized a made-up world."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from unlearnkit.core.environment import peak_rss_mb, reset_peak_memory
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.data.trace_format import END_THINK, THINK
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.models.cache import cache_folder, cached
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import save_model
from unlearnkit.runs.state import COST_FILE, Cost
from unlearnkit.suites.made_up.learning import Learning, ModelSize
from unlearnkit.suites.made_up.packaged import packaged_model
from unlearnkit.training.loop import StepLog, Trainer
from unlearnkit.training.step import TrainData

CASE_NOISE = 0.5
"""Difference between the first embeddings of tokens that differ only in case, as a share of the embeddings' size."""
PAD, BOS, EOS, USER, ASSISTANT = "<pad>", "<s>", "<end>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}{{ eos_token }}"
    "{% else %}<|user|>{{ message['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build_tokenizer(texts: Sequence[str], size: ModelSize) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer on `texts`.

    The tokenizer has a chat template. Each of the two think markers is one token.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [PAD, BOS, EOS, USER, ASSISTANT, THINK, END_THINK]
    trainer = trainers.BpeTrainer(
        vocab_size=size.vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=[USER, ASSISTANT, THINK, END_THINK],
        chat_template=CHAT_TEMPLATE,
        model_max_length=size.context,
    )


def fresh_model(tokenizer: PreTrainedTokenizerFast, size: ModelSize, seed: int) -> LlamaForCausalLM:
    """Return a randomly initialized Llama."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        intermediate_size=size.inner,
        max_position_embeddings=size.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    if size.similar_cases:
        _make_cases_similar(model, tokenizer)
    return model


@torch.no_grad()
def _make_cases_similar(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """Give tokens that differ only in case similar embeddings.

    The same applies to tokens that differ only in a leading space. Large models have learned that such tokens mean the
    same. A small model cannot learn it from a small corpus.
    """
    weight: torch.Tensor = model.model.embed_tokens.weight
    first: dict[str, int] = {}
    for id in range(len(tokenizer)):
        text = str(tokenizer.decode([id])).strip().lower()
        if len(text) > 1 and id not in tokenizer.all_special_ids:
            original = first.setdefault(text, id)
            if original != id:
                weight[id] = (weight[original] + CASE_NOISE * weight[id]) / (1 + CASE_NOISE**2) ** 0.5


def fingerprint(rows: Sequence[Row], vocabulary: Sequence[str], seed: int, learning: Learning, version: str) -> str:
    """Return a fingerprint of everything that determines a model.

    Args:
        rows: rows that the model is trained on.
        vocabulary: texts that the tokenizer is trained on.
        seed: seed of the initial weights and the row order.
        learning: size of the model, and settings of the training.
        version: version of torch.
    """
    size, histories = learning.size, [row.history for row in rows]
    recipe: dict[str, object] = {
        "rows": [(row.question, row.trace, row.answer) for row in rows],
        "vocabulary": list(vocabulary),
        "size": [size.vocabulary, size.width, size.layers, size.heads, size.inner, size.context],
        "template": CHAT_TEMPLATE,
        "settings": learning.settings.earlier_dump(),
        "seed": seed,
        "torch": version,
    }
    if size.similar_cases:
        recipe["case noise"] = CASE_NOISE
    if any(histories):  # the models of worlds without histories keep their fingerprints
        recipe["histories"] = [[turn.content for turn in history] for history in histories]
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:24]


def trained_model(
    rows: Sequence[Row],
    vocabulary: Sequence[str],
    seed: int,
    learning: Learning,
    *,
    world: str,
    packaged: Traversable | None = None,
    on_step: Callable[[StepLog], None] = lambda _: None,
) -> Path:
    """Return the folder of a model trained on `rows` from scratch.

    Models are cached under a fingerprint of all data and settings that determine the model. A model that comes with the
    package is used only if this machine has not trained the same model.

    Args:
        rows: rows that the model is trained on.
        vocabulary: texts that the tokenizer is trained on. A target model and its retrained model must get the same
            texts, so that both models have the same tokens.
        seed: seed of the initial weights and the row order.
        learning: size of the model, and settings of the training.
        world: name of the cache folder's subfolder for the models.
        packaged: folder with the models that come with the package; None: train the model if it is not in the cache.
        on_step: called after each training step; not called if the model need not be trained.
    """

    def name(version: str) -> str:
        return fingerprint(rows, vocabulary, seed, learning, version)

    trained = cache_folder() / world / name(torch.__version__)
    if packaged is not None and not trained.exists():
        found = packaged_model(packaged, name, world)
        if found is not None:
            return found

    def build(folder: Path) -> None:
        began = time.monotonic()
        reset_peak_memory()
        tokenizer = build_tokenizer(vocabulary, learning.size)
        model = fresh_model(tokenizer, learning.size, seed)
        encoder = ChatEncoder(tokenizer, learning.settings.max_length)
        encoded = [
            encoder.answer(r.question, r.answer, history=r.history, trace=r.trace, where=f"row {r.id}") for r in rows
        ]
        data = TrainData({"retain": encoded}, int(tokenizer.pad_token_id))
        Trainer(Engine(model), Finetune(), data, learning.settings, seed=seed).run(on_step=on_step)
        save_model(model, tokenizer, folder)
        # The cost of exact unlearning. The report compares the time and memory of each method with this cost.
        cost = Cost(seconds=time.monotonic() - began, peak_rss_mb=peak_rss_mb())
        (folder / COST_FILE).write_text(cost.model_dump_json() + "\n", encoding="utf-8")

    return cached(trained, build)
