"""A reported fault: dropout of the configuration was on in training and off in the reference."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.cases.tokenizers_and_models import PEOPLE, tok
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import load_model
from unlearnkit.models.reference import reference_values
from unlearnkit.training.loop import StepLog, Trainer, accelerator_for
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

EXACT = 2 / 0.1 * math.log(2)
SIZE: dict[str, Any] = {"vocab_size": len(tok()), "eos_token_id": tok().eos_token_id, "bos_token_id": None}
CONFIGS: dict[str, Any] = {
    "14, gpt2": transformers.GPT2Config(**SIZE, n_embd=64, n_layer=2, n_head=2, n_positions=256),
    "opt": transformers.OPTConfig(
        **SIZE, hidden_size=64, ffn_dim=128, num_hidden_layers=2, num_attention_heads=2, word_embed_proj_dim=64,
        max_position_embeddings=256, dropout=0.3, attention_dropout=0.3,
    ),
    "gpt bigcode": transformers.GPTBigCodeConfig(**SIZE, n_embd=64, n_layer=2, n_head=2, n_positions=256),
    "llama, attention alone": transformers.LlamaConfig(
        **SIZE, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, attention_dropout=0.5
    ),
    "xglm, layers too": transformers.XGLMConfig(
        **SIZE, d_model=64, ffn_dim=128, num_layers=2, attention_heads=2, max_position_embeddings=256, layerdrop=0.5
    ),
}  # fmt: skip


def first_step(folder: Path, *, micro: int | None, dropout: bool = False) -> StepLog:
    encoder = ChatEncoder(tok(), 256)
    rows = [encoder.answer(f"Where was {a} born?", f"{a} was born in {b}.", where="row") for a, b in PEOPLE]
    engine, objective, views = (
        Engine(load_model(str(folder))),
        OBJECTIVES.get("npo").plugin(retain=None),
        {"forget": rows},
    )
    settings = TrainSettings(
        epochs=None, steps=1, batch_size=8, micro_batch_size=micro, lr=1e-5, warmup=0.0, dropout=dropout
    )
    logs: list[StepLog] = []
    Trainer(
        engine, objective, TrainData(views, 0), settings, seed=0,
        reference=reference_values(engine, objective.needs(), views, pad_id=0),
        accelerator=accelerator_for(objective.needs(), cpu=True),
    ).run(on_step=logs.append)  # fmt: skip
    return logs[0]


@pytest.mark.parametrize("name", CONFIGS)
def test_14_the_first_loss_is_exact_however_the_step_is_split(name: str, tmp_path: Path) -> None:
    """NPO's first loss is (2 / beta) ln 2, and cutting a step into micro-batches does not change it."""
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(CONFIGS[name])
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.copy_(torch.randn_like(parameter) * 0.3 / (parameter.shape[-1] / 32) ** 0.5)
    model.save_pretrained(tmp_path)
    tok().save_pretrained(tmp_path)
    whole, split = (first_step(tmp_path, micro=micro) for micro in (None, 2))
    assert whole.loss == pytest.approx(EXACT, abs=1e-3) and split.loss == pytest.approx(EXACT, abs=1e-3)
    assert split.gradient_norm == pytest.approx(whole.gradient_norm, rel=1e-3)
    assert abs(first_step(tmp_path, micro=None, dropout=True).loss - EXACT) > 1e-3
