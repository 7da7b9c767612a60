"""Rows that a model writes itself, to stand in for the retain rows that its user does not have.

A chat model that is given the beginning of a user's turn and nothing else goes on with what users ask of it (Magpie, Xu
et al. 2024, arXiv 2406.08464); it then answers its own questions. A model without a chat template goes on from the
beginning of a text. Both are drawn from what the model knows, which is what must stay; how well, nobody has checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.errors import UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import ChatEncoder, TooLong
from unlearnkit.data.rows import Row
from unlearnkit.models.generate import generate
from unlearnkit.scope.scope import Scope
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.text.coherence import is_coherent
from unlearnkit.text.normalize import contains, normalize

LEAST, MOST, PER_FORGET_ROW = 32, 512, 4
"""Rows that are written: so many for each forget row, within these bounds."""
ROUNDS = 8
"""How often the model is asked for as many rows again, where some had to be thrown away."""
QUESTION_TOKENS, TEXT_TOKENS, ANSWER_TOKENS = 64, 128, 128
JUDGED = {"en", "es", "ru"}
"""Languages in which babble is told from language; in others the rows are taken as they are."""
HERE = "\u2060HERE\u2060"
"""Stands for the user's words in the chat template: what is before it begins a user's turn."""


def write_synthetic_retain(
    target: str, forget: Sequence[Row], scope: Scope, *, seed: int, max_length: int, progress: Progress
) -> tuple[Row, ...]:
    """Rows in the model's own words, none of which names a subject of the scope or tells one of its secrets.

    Args:
        target: folder or hub id of the model.
        forget: rows to be forgotten; what says the same is thrown away.
        scope: what is to be forgotten.
        seed: of the sampling.
        max_length: most tokens of a row; longer ones are thrown away.
        progress: tells how many there are.

    Raises:
        UnlearnError: the model writes too few rows that can be used.
    """
    subject = LocalSubject.load(target)
    model, tokenizer = subject.model, subject.tokenizer
    wanted = min(max(PER_FORGET_ROW * len(forget), LEAST), MOST)
    found: dict[str, Row] = {}
    with progress.task("the model writes rows that stand in for retain", wanted) as counter:
        for turn in range(ROUNDS):
            for row in _drawn(model, tokenizer, ChatEncoder(tokenizer, max_length), wanted, seed=seed + turn):
                if len(found) < wanted and _may_stay(row, forget, scope):
                    found.setdefault(normalize(row.question or row.answer), row)
            counter.update(len(found))
            if len(found) == wanted:
                break
    if len(found) < LEAST:
        raise UnlearnError(
            "the model writes hardly anything that could stand in for retain rows",
            where="data.retain",
            value=f"{len(found)} rows of {ROUNDS * wanted} drawn",
            allowed=f"at least {LEAST}",
            fix="name a text or rows to stand in: data.retain_from=FILE",
        )
    return tuple(row.model_copy(update={"id": f"written/{n}"}) for n, row in enumerate(found.values()))


def _may_stay(row: Row, forget: Sequence[Row], scope: Scope) -> bool:
    """Whether a row is about something else than the scope, and is language, where that can be told."""
    if set(scope.languages) <= JUDGED and not all(map(is_coherent, filter(None, (row.question, row.answer)))):
        return False
    said = f"{row.question}\n{row.answer}"
    names = [name for subject in scope.subjects for name in (subject.name, *subject.aliases)]
    secrets = [form for secret in scope.secrets for form in secret.forms]
    asked = {normalize(other.question or other.answer) for other in forget}
    return normalize(row.question or row.answer) not in asked and not any(contains(said, n) for n in [*names, *secrets])


def _drawn(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoder: ChatEncoder, count: int, *, seed: int
) -> Iterator[Row]:
    """Questions sampled from the model with its own answers, or texts; the empty and unfinished ones left out."""
    drawn = _texts if encoder.layout == "plain" else _questions
    for row in drawn(model, tokenizer, encoder, count, seed):
        try:
            encoder.answer(row.question, row.answer, trace=row.trace, where=row.id)
        except TooLong:
            continue
        yield row


def _texts(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoder: ChatEncoder, count: int, seed: int
) -> Iterator[Row]:
    start = list(encoder.prompt("")) or [int(tokenizer.eos_token_id)]
    longest = min(TEXT_TOKENS, encoder.max_length - 2)
    for text in _sampled(model, tokenizer, start, count, longest, seed, stop=False):
        yield Row(id="written", question="", answer=text)


def _questions(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoder: ChatEncoder, count: int, seed: int
) -> Iterator[Row]:
    questions = list(_sampled(model, tokenizer, _user_turn(tokenizer), count, QUESTION_TOKENS, seed, stop=True))
    prompts = [encoder.prompt(question) for question in questions]
    answers = generate(model, tokenizer, prompts, max_new_tokens=ANSWER_TOKENS)
    for question, answer in zip(questions, answers, strict=True):
        if answer.ended == "eos" and answer.response:
            yield Row(id="written", question=question, answer=answer.response, trace=answer.trace)


def _user_turn(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens of the chat template up to where the user begins to speak."""
    turn = [{"role": "user", "content": HERE}]
    text = str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
    return list(tokenizer(text.partition(HERE)[0], add_special_tokens=False)["input_ids"])


@torch.no_grad()
def _sampled(
    model: Any, tokenizer: PreTrainedTokenizerBase, start: list[int], count: int, longest: int, seed: int, *, stop: bool
) -> Iterator[str]:
    """Texts that go on from `start`, up to the first special token; with `stop`, only those that came to one."""
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    ids = torch.tensor([start] * count, device=model.device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        # Stopping at any special token: the turn's end is the template's, not the model's end token.
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=True,
            top_k=0,
            top_p=0.95,
            max_new_tokens=longest,
            eos_token_id=sorted(special),
            pad_token_id=tokenizer.pad_token_id,
        )
    for row in out[:, len(start) :].tolist():
        end = next((at for at, token in enumerate(row) if token in special), None)
        text = str(tokenizer.decode(row[:end])).strip()
        if text and (end is not None or not stop):
            yield text
