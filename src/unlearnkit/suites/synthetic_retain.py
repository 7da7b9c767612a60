"""Let the target model write retain rows if the user has none.

Given only the beginning of a user's turn, a chat model continues with a typical question (Magpie, Xu et al. 2024, arXiv
2406.08464); the model then answers this question. A model without a chat template writes a text from scratch. The rows
are samples of the knowledge that the model should keep. Nobody has checked how well the rows represent this knowledge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

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
"""Number of rows to write: `PER_FORGET_ROW` for each forget row, but at least `LEAST` and at most `MOST`."""
ROUNDS = 8
"""Maximum number of sampling rounds. Each round samples as many rows as are needed in total, and keeps the usable
rows. Sampling ends after the round in which enough usable rows have been found."""
QUESTION_TOKENS, TEXT_TOKENS, ANSWER_TOKENS = 64, 128, 128
JUDGED = {"en", "es", "ru"}
"""Languages in which incoherent text can be detected. If a scope contains any language that is not listed here,
coherence is not checked."""
PLACEHOLDER = "\u2060HERE\u2060"
"""Placeholder for the user's message in the chat template. The prompt is the template's text up to the placeholder, so
the model continues with a message that a user might write."""


def write_synthetic_retain(
    target: str, forget: Sequence[Row], scope: Scope, *, seed: int, max_length: int, progress: Progress
) -> tuple[Row, ...]:
    """Let the target model write rows that are outside the scope.

    No row names a subject of the scope or contains one of its secrets.

    Args:
        target: folder or Hub id of the target model.
        forget: forget rows; sampled rows with the same question are rejected.
        scope: scope of the request to forget.
        seed: seed of the sampling.
        max_length: maximum number of tokens in a row; longer rows are rejected.
        progress: shows the number of usable rows.

    Raises:
        UnlearnError: the model writes too few usable rows.
    """
    subject = LocalSubject.load(target)
    encoder = ChatEncoder(subject.tokenizer, max_length)
    wanted = min(max(PER_FORGET_ROW * len(forget), LEAST), MOST)
    rows: dict[str, Row] = {}
    with progress.task("the target model writes retain rows", wanted) as counter:
        for turn in range(ROUNDS):
            for row in _draw(subject.model, encoder, wanted, seed + turn):
                if len(rows) < wanted and _may_stay(row, forget, scope):
                    rows.setdefault(normalize(row.question or row.answer), row)
            counter.update(len(rows))
            if len(rows) == wanted:
                break
    if len(rows) < LEAST:
        raise UnlearnError(
            "the target model wrote too few usable retain rows",
            where="data.retain",
            value=f"{len(rows)} usable rows of {ROUNDS * wanted} sampled rows",
            allowed=f"at least {LEAST} usable rows",
            fix="provide a file of texts or rows to use instead: data.retain_from=FILE",
        )
    return tuple(row.model_copy(update={"id": f"written/{n}"}) for n, row in enumerate(rows.values()))


def _may_stay(row: Row, forget: Sequence[Row], scope: Scope) -> bool:
    """Return whether a sampled row is coherent and outside the scope.

    A row that asks the same question as a forget row is also rejected. Coherence is checked only if incoherent text can
    be detected in all languages of the scope (see `JUDGED`).
    """
    if set(scope.languages) <= JUDGED and not all(map(is_coherent, filter(None, (row.question, row.answer)))):
        return False
    text = f"{row.question}\n{row.answer}"
    names = [name for subject in scope.subjects for name in (subject.name, *subject.aliases)]
    secrets = [form for secret in scope.secrets for form in secret.forms]
    asked = {normalize(other.question or other.answer) for other in forget}
    return normalize(row.question or row.answer) not in asked and not any(contains(text, n) for n in [*names, *secrets])


def _draw(model: Any, encoder: ChatEncoder, count: int, seed: int) -> Iterator[Row]:
    """Sample rows that fit into `max_length`.

    A row is a question with the model's answer or, without a chat template, a text.
    """
    draw = _texts if encoder.layout == "plain" else _questions
    for row in draw(model, encoder, count, seed):
        try:
            encoder.row(row, where=row.id)
        except TooLong:
            continue
        yield row


def _texts(model: Any, encoder: ChatEncoder, count: int, seed: int) -> Iterator[Row]:
    start = list(encoder.prompt("")) or [int(encoder.tokenizer.eos_token_id)]
    longest = min(TEXT_TOKENS, encoder.max_length - 2)
    for text, finished in _sample(model, encoder, start, count, longest, seed):
        yield Row(id="written", question="", answer=text, continues=not finished)


def _questions(model: Any, encoder: ChatEncoder, count: int, seed: int) -> Iterator[Row]:
    """Sample questions and yield those that the model answers completely."""
    tokenizer = encoder.tokenizer
    template = "" if encoder.template is None else encoder.template.prompt([{"role": "user", "content": PLACEHOLDER}])
    start = list(tokenizer(template.partition(PLACEHOLDER)[0], add_special_tokens=False)["input_ids"])
    sampled = _sample(model, encoder, start, count, QUESTION_TOKENS, seed)
    questions = [question for question, finished in sampled if finished]
    prompts = [encoder.prompt(question) for question in questions]
    answers = generate(model, tokenizer, prompts, max_new_tokens=ANSWER_TOKENS)
    for question, answer in zip(questions, answers, strict=True):
        if answer.ended == "eos" and answer.response:
            yield Row(id="written", question=question, answer=answer.response, trace=answer.trace)


@torch.no_grad()
def _sample(
    model: Any, encoder: ChatEncoder, start: list[int], count: int, longest: int, seed: int
) -> Iterator[tuple[str, bool]]:
    """Sample `count` texts that continue `start`, up to the first special token.

    Empty texts are left out. With each text, the function yields whether the text reached a special token.
    """
    tokenizer = encoder.tokenizer
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    ids = torch.tensor([start] * count, device=model.device)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        # Stop at any special token, because a user's turn may end with another token than the model's end token.
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
        if text:
            yield text, end is not None
