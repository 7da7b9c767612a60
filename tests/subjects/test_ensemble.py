"""An ensemble answers by the normalized geometric mean of its members; computed again here in float64."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import VOCABULARY, adapted, bare_peft, tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.models import logprob
from unlearnkit.models.adapter import save_adapter
from unlearnkit.models.load import load_model, save_model
from unlearnkit.records.measure import measure
from unlearnkit.records.probe import Probe
from unlearnkit.subjects import ensemble
from unlearnkit.subjects.ensemble import EnsembleSubject
from unlearnkit.subjects.local import LocalSubject

ROWS = [
    Row(id="a", question="Where was Ada born ?", answer="Oslo ."),
    Row(id="b", question="Who wrote the book that Bea asked Cyd of ?", answer="I cannot say that , because of it ."),
    Row(id="c", question="What ?", answer="poet", trace="name the city"),
    Row(id="d", question="", answer="Cyd was born in Lisbon ."),
]
PROBES = [Probe(row) for row in ROWS]
ASKED = [probe for probe in PROBES if probe.row.question]
TOLERANCE = 1e-4


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Three adapters on one base, each far from the others."""
    save_model(tiny_model("llama_tied"), tiny_tokenizer(), tmp_path / "base")
    found = []
    for seed in (1, 2, 3):
        save_adapter(adapted(load_model(str(tmp_path / "base")), seed=seed), tmp_path / str(seed))
        found.append(tmp_path / str(seed))
    return found


def ensemble_of(folders: list[Path]) -> EnsembleSubject:
    return EnsembleSubject.load(str(folders[0].parent / "base"), folders)


def slow_logps(models: list[Any], ids: list[int]) -> torch.Tensor:
    """(tokens, vocabulary) of the normalized geometric mean, from plain logits, one row at a time."""
    probabilities = torch.stack(
        [model(input_ids=torch.tensor([ids])).logits[0].double().softmax(-1) for model in models]
    )
    mean = probabilities.prod(0) ** (1 / len(models))
    return (mean / mean.sum(-1, keepdim=True)).log()


@torch.no_grad()
def test_statistics_are_those_of_the_averaged_distribution(folders: list[Path]) -> None:
    subject, models = ensemble_of(folders), [bare_peft(folder) for folder in folders]
    encoder = LocalSubject(tiny_model(), tiny_tokenizer()).encoder
    assert subject.log_probabilities(PROBES) == [tokens.logps for tokens in subject.token_statistics(PROBES)]
    for row, tokens in zip(ROWS, subject.token_statistics(PROBES), strict=True):
        encoded = encoder.answer(row.question, row.answer, trace=row.trace, where=row.id)
        context = encoded.prompt + encoded.trace
        logps = slow_logps(models, list(encoded.ids))[context - 1 : -1]
        labels = torch.tensor(encoded.ids[context:])
        chosen = logps.gather(1, labels[:, None])[:, 0]
        p = logps.exp()
        means = (p * logps).sum(-1)
        assert tokens.logps == pytest.approx(chosen.tolist(), abs=TOLERANCE)
        assert tokens.ranks == (logps > chosen[:, None]).sum(-1).tolist()
        assert tokens.mean_logps == pytest.approx(means.tolist(), abs=TOLERANCE)
        variances = (p * (logps - means[:, None]) ** 2).sum(-1)
        assert tokens.var_logps == pytest.approx(variances.tolist(), abs=10 * TOLERANCE)


@torch.no_grad()
def test_generation_takes_the_likeliest_token_of_the_averaged_distribution(folders: list[Path]) -> None:
    subject, models = ensemble_of(folders), [bare_peft(folder) for folder in folders]
    encoder = LocalSubject(tiny_model(), tiny_tokenizer()).encoder
    outputs = subject.generate(ASKED, max_new_tokens=6)
    assert len({output.text for output in outputs}) > 1
    for probe, output in zip(ASKED, outputs, strict=True):
        prompt = list(encoder.prompt(probe.row.question))
        said: list[int] = []
        while len(said) < 6 and encoder.tokenizer.eos_token_id not in said:
            said.append(int(slow_logps(models, prompt + said)[-1].argmax()))
        ended = said[-1] == encoder.tokenizer.eos_token_id
        assert output.text == encoder.tokenizer.decode(said[:-1] if ended else said)
        assert output.ended == ("eos" if ended else "length")


def test_one_member_is_that_member(folders: list[Path]) -> None:
    one, local = ensemble_of(folders[:1]), LocalSubject.load(str(folders[0]))
    for ours, theirs in zip(one.token_statistics(PROBES), local.token_statistics(PROBES), strict=True):
        for name in ("logps", "mean_logps", "var_logps"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-6, rel=1e-6)
        assert ours.ranks == theirs.ranks
    assert one.generate(ASKED, max_new_tokens=5) == local.generate(ASKED, max_new_tokens=5)


def test_a_row_alone_has_the_values_that_it_has_in_a_batch(folders: list[Path]) -> None:
    subject = ensemble_of(folders)
    together, outputs = subject.token_statistics(PROBES), subject.generate(ASKED, max_new_tokens=5)
    for probe, expected in zip(PROBES, together, strict=True):
        (alone,) = subject.token_statistics([probe])
        assert alone.logps == pytest.approx(expected.logps, abs=TOLERANCE)
    assert [subject.generate([probe], max_new_tokens=5)[0] for probe in ASKED] == outputs
    # Whichever member was active last.
    assert subject.token_statistics(PROBES) == together


def test_chunks_change_nothing(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    subject = ensemble_of(folders)
    whole = subject.token_statistics(PROBES)
    monkeypatch.setattr(logprob, "CHUNK_ELEMENTS", 2 * VOCABULARY)
    for ours, theirs in zip(subject.token_statistics(PROBES), whole, strict=True):
        assert ours.logps == pytest.approx(theirs.logps, abs=1e-6)


def test_an_average_sums_to_one_and_a_sure_member_can_veto() -> None:
    sure, unsure = torch.tensor([[40.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    logps = ensemble.average([sure, unsure])
    assert float(logps.exp().sum()) == pytest.approx(1.0, abs=1e-6)
    assert int(logps.argmax()) == 0
    # By hand: (ln p + ln q) / 2 of the first two tokens differ by (40 - 1) / 2.
    assert float(logps[0, 0] - logps[0, 1]) == pytest.approx((40 - 1) / 2, abs=1e-4)
    assert ensemble.average([torch.zeros(1, 4)])[0].tolist() == pytest.approx([-math.log(4)] * 4)


@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_other_families(family: str, tmp_path: Path) -> None:
    save_model(tiny_model(family), tiny_tokenizer(), tmp_path / "base")
    for seed in (1, 2):
        save_adapter(adapted(load_model(str(tmp_path / "base")), seed=seed), tmp_path / str(seed))
    folders = [tmp_path / "1", tmp_path / "2"]
    subject, models = ensemble_of(folders), [bare_peft(folder) for folder in folders]
    encoded = LocalSubject(tiny_model(family), tiny_tokenizer()).encoder.answer("What ?", "Oslo .", where="row")
    with torch.no_grad():
        logps = slow_logps(models, list(encoded.ids))[encoded.prompt - 1 : -1]
    expected = [float(logps[at, token]) for at, token in enumerate(encoded.ids[encoded.prompt :])]
    row = Row(id="x", question="What ?", answer="Oslo .")
    assert subject.log_probabilities([Probe(row)])[0] == pytest.approx(expected, abs=TOLERANCE)


def test_one_base_is_in_memory(folders: list[Path]) -> None:
    subject = ensemble_of(folders)
    base = sum(p.numel() for p in load_model(str(folders[0].parent / "base")).parameters())
    held = {id(p): p.numel() for name, p in subject.model.named_parameters() if "lora_" not in name}
    assert sum(held.values()) == base


def test_what_it_offers_and_what_it_refuses(folders: list[Path]) -> None:
    subject = ensemble_of(folders)
    assert subject.capabilities == {"generate", "token_logprobs", "full_logits"}
    with pytest.raises(InputError, match="gradient norm needs a capability that the model does not offer"):
        subject.gradient_norms(PROBES[0])
    with pytest.raises(InputError, match="needs at least one member"):
        EnsembleSubject(tiny_model(), tiny_tokenizer(), {})
    (record,) = measure(subject, {"forget": ROWS[:1]}, max_new_tokens=2, gradients={"forget"})
    assert record.tokens is not None and record.gradient_norms is None
    styled = subject.with_style("plain")
    assert styled.capabilities == subject.capabilities and styled.fits(PROBES[0]) and styled.has_room(PROBES[0])
