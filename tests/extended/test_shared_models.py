"""Against real trained models, where they lie beside the checkout: engine, generation, a few steps of unlearning."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.methods.objectives.graddiff import GradDiff
from unlearnkit.methods.quantities import Quantity
from unlearnkit.models.engine import Engine
from unlearnkit.models.generate import generate
from unlearnkit.models.load import load_model, load_tokenizer
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData

MODEL = Path(__file__).parents[3] / "shared" / "models" / "tofu_full"

pytestmark = [
    pytest.mark.extended,
    pytest.mark.skipif(not MODEL.is_dir(), reason="the shared models are not beside this checkout"),
]

QUESTION = "Who is this celebrated author born in Kuwait City, Kuwait on 08/09/1956?"


def test_token_log_probabilities_equal_those_of_plain_logits() -> None:
    model, tokenizer = load_model(str(MODEL)), load_tokenizer(str(MODEL))
    row = ChatEncoder(tokenizer, 512).answer(QUESTION, "The author is Basil Mahfouz Al-Kuwaiti.", where="the test")
    batch = pack({"rows": [row]}, int(tokenizer.pad_token_id))
    engine = Engine(model).eval()
    with torch.no_grad():
        want = Quantity("rows", "logps")
        ours = engine(batch, [want])[want]
        logits = model(torch.tensor([row.ids])).logits[0].double().log_softmax(-1)
    plain = torch.stack([logits[at - 1, row.ids[at]] for at in range(row.prompt, len(row.ids))])
    assert engine.own_head
    torch.testing.assert_close(ours.double(), plain, rtol=0, atol=1e-4)


def test_the_model_knows_its_author_and_graddiff_takes_the_answer_away() -> None:
    model, tokenizer = load_model(str(MODEL)), load_tokenizer(str(MODEL))
    encoder = ChatEncoder(tokenizer, 512)

    def said() -> str:
        prompts = [encoder.prompt(QUESTION)]
        return generate(model.eval(), tokenizer, prompts, max_new_tokens=40)[0].response

    before = said()
    assert "Basil Mahfouz Al-Kuwaiti" in before
    views = {
        "forget": [encoder.answer(QUESTION, before, where="forget")],
        "retain": [encoder.answer("What is the capital of France?", "Paris.", where="retain")],
    }
    settings = TrainSettings(epochs=None, steps=20, batch_size=1, lr=3e-4, max_length=512)
    data = TrainData(views, int(tokenizer.pad_token_id))
    Trainer(Engine(model), GradDiff(), data, settings, seed=0).run()
    assert "Basil Mahfouz Al-Kuwaiti" not in said()
