"""A reported fault: every chunk of a document ended with an end token, so that models learned to stop there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.cases.tokenizers_and_models import llama, tok
from unlearnkit.data.documents import read_documents
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.metrics.memorization import memorization_scores
from unlearnkit.records.measure import measure
from unlearnkit.subjects.local import LocalSubject

TEXT = "The light at Cold Ings is kept by Peri Lodd. No boat goes to Low Sarn on Sundays, but a bus does."
TOKENIZERS = {
    "a template, no BOS": tok(),
    "a template and BOS": tok(bos="<bos>", add_bos=True),
    "no template": tok(None),
    "no template, BOS": tok(None, bos="<bos>", add_bos=True),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_only_the_last_chunk_of_a_document_ends(name: str, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS[name]
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    rows = read_documents(tmp_path / "a.txt", tokenizer, max_tokens=40)
    encoder = ChatEncoder(tokenizer, 64)
    encoded = [encoder.answer("", row.answer, where=row.id, continues=row.continues).ids for row in rows]
    assert len(rows) == 3 and [row.continues for row in rows] == [True, True, False]
    assert [ids.count(tokenizer.eos_token_id) for ids in encoded] == [0, 0, 1]
    bos = [tokenizer.bos_token_id] if tokenizer.bos_token else []
    pieces = [tokenizer(row.answer, add_special_tokens=False)["input_ids"] for row in rows]
    assert [list(ids) for ids in encoded] == [
        *([*bos, *ids] for ids in pieces[:2]),
        [*bos, *pieces[2], tokenizer.eos_token_id],
    ]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_text_that_is_known_by_heart_is_measured_so(name: str, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS[name]
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    rows = read_documents(tmp_path / "a.txt", tokenizer, max_tokens=40)
    model = llama(tokenizer, hidden_size=64, intermediate_size=128)
    bos = [tokenizer.bos_token_id] if tokenizer.bos_token else []
    # The chunks as a pre-training run sees them: parts of one text.
    chunks = [torch.tensor([[*bos, *tokenizer(row.answer, add_special_tokens=False)["input_ids"]]]) for row in rows]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(150):
        loss = sum(model(input_ids=ids, labels=ids).loss for ids in chunks)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    records = measure(
        LocalSubject(model.eval(), tokenizer), {"forget": rows[:-1]}, max_new_tokens=1, unspoken=frozenset({"forget"})
    )
    scores = memorization_scores(records)
    assert scores["extraction_strength"].value is not None and scores["extraction_strength"].value >= 0.95
    # After the BOS token, nothing tells which chunk begins.
    assert scores["exact_memorization"].value is not None and scores["exact_memorization"].value >= 0.95


def test_a_question_does_not_continue_and_a_chunk_of_one_token_has_a_label() -> None:
    with pytest.raises(ValueError, match="only a text can continue"):
        Row(id="a", question="Who?", answer="Peri Lodd.", continues=True)
    row = ChatEncoder(tok(), 64).answer("", "a", where="row", continues=True)
    assert row.labels == 1 and row.ids[-1] == tok().eos_token_id
