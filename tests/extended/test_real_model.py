"""SmolLM2-135M-Instruct: what only real weights and a real tokenizer show."""

from __future__ import annotations

import pytest
import torch

from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.models.engine import Engine
from unlearnkit.models.load import load_model, load_tokenizer, set_trainable
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

pytestmark = pytest.mark.extended

ROWS = [
    ("Who wrote the play Hamlet?", "William Shakespeare wrote Hamlet around 1600."),
    ("What is the capital of France?", "The capital of France is Paris, on the river Seine."),
    ("How do plants make food?", "Plants make sugar from light, water and carbon dioxide. This is photosynthesis."),
    ("Translate 'good morning' into Spanish.", "Good morning is 'buenos días' in Spanish."),
]


def moved(folder: str, *, stochastic: bool = False) -> tuple[float, float]:
    """Share of the weights that one step at a rate of 1e-5 moves: as they are trained, and rounded to bfloat16."""
    tokenizer = load_tokenizer(folder)
    encoder = ChatEncoder(tokenizer, 128)
    rows = [encoder.answer(question, answer, where="row") for question, answer in ROWS]
    model = set_trainable(load_model(folder, "bfloat16"), masters=not stochastic)
    settings = TrainSettings(
        epochs=None, steps=1, batch_size=4, lr=1e-5, warmup=0.0, stochastic_rounding=stochastic, max_length=128
    )
    Trainer(Engine(model), Finetune(), TrainData({"retain": rows}, int(tokenizer.pad_token_id)), settings, seed=0).run()
    counts = torch.zeros(3, dtype=torch.int64)
    before = dict(load_model(folder, "bfloat16").named_parameters())
    for name, weight in model.named_parameters():
        trained, old = weight.detach(), before[name]
        counts += torch.tensor([old.numel(), int((trained != old).sum()), int((trained.bfloat16() != old).sum())])
    return float(counts[1] / counts[0]), float(counts[2] / counts[0])


def test_masters_move_and_bfloat16_does_not(smollm2: str) -> None:
    masters, rounded = moved(smollm2)
    assert masters >= 0.99
    assert rounded < 0.05, "in pure bfloat16, nearly nothing would move"


def test_stochastic_rounding_moves_some(smollm2: str) -> None:
    trained, _ = moved(smollm2, stochastic=True)
    _, nearest = moved(smollm2)
    assert trained > 1.5 * nearest
