"""A run reports the rows in which the tokenizer joins the prompt with the answer."""

from __future__ import annotations

import json
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from tests.tiny import byte_tokenizer, tiny_model
from unlearnkit.core.progress import Progress
from unlearnkit.models.load import save_model
from unlearnkit.pipeline.dry_run import dry_run
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.report.build import build_report

TEMPLATE = (
    "{% for m in messages %}{{ 'A' if m['role'] == 'assistant' else 'U' }}{{ m['content'] }}"
    "{{ eos_token if m['role'] == 'assistant' }}{% endfor %}{% if add_generation_prompt %}A{% endif %}"
)


def test_the_rows_are_counted(tmp_path: Path) -> None:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(merges=[("A", "n")]), eos_token="<end>", chat_template=TEMPLATE
    )
    save_model(tiny_model(vocab_size=300, max_position_embeddings=64), tokenizer, tmp_path / "model")
    answers = {"forget": ["no.", "yes.", "n."], "retain": ["new.", "old."]}
    for split, said in answers.items():
        rows = [
            {"id": f"{split}{i}", "question": f"{split} {i}?", "answer": answer, "subject": split}
            for i, answer in enumerate(said)
        ]
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = make_recipe(
        {
            "name": "merged",
            "suite": {"name": "files"},
            "data": {split: str(tmp_path / f"{split}.jsonl") for split in answers},
            "model": {"path": str(tmp_path / "model")},
            "method": {"name": "graddiff"},
            "train": {"epochs": None, "steps": 1, "batch_size": 2, "max_length": 48},
            "eval": {"max_new_tokens": 2},
            "gates": [],
            "out": str(tmp_path / "run"),
        }
    )
    sentence = "in 3 of 5 rows, the tokenizer joins the end of the prompt with the beginning of the answer"
    assert sentence in dry_run(recipe)
    folder = run(recipe, progress=Progress(quiet=True))
    assert folder.state().merged_rows == (3, 5)
    assert sentence[1:] in " ".join(build_report([folder]).limitations)
