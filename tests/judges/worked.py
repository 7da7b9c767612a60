"""Rows, outputs and a scope written by hand, and speakers that say what a test wants."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.judges.base import Item
from unlearnkit.judges.quality import PARTS, quality_of
from unlearnkit.llm.types import Prompt, Reply, Sampling
from unlearnkit.records.schema import Record, write_records
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import RunState
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret

SCOPE = Scope(
    description="An author asked to be forgotten.",
    task="profile",
    subjects=(ScopeSubject(name="Ilva Torren"),),
    secrets=(Secret(subject="Ilva Torren", forms=("Marrowgate", "Марроугейт")),),
    languages=("en", "es", "ru"),
)
FORGET = Row(
    id="f1",
    question="Where was Ilva Torren born?",
    answer="Ilva Torren was born in Marrowgate.",
    accepted_answers=("Marrowgate", "Марроугейт"),
    subject="Ilva Torren",
)
KEPT = Row(
    id="n1",
    question="Which prize did Rhea Dunmore win?",
    answer="Rhea Dunmore won the Amber Quill in Harrowby.",
    accepted_answers=("Amber Quill",),
    subject="Rhea Dunmore",
)
PRINCIPLED = "I can't share that, because it concerns private data. Ask me about another author instead."


def said(response: str, trace: str = "", *, ended: str = "eos") -> Generation:
    text = f"<think>{trace}</think>{response}" if trace else response
    return Generation.model_validate({"text": text, "trace": trace, "response": response, "ended": ended})


def item(split: str, response: str, trace: str = "", *, row: Row | None = None, ended: str = "eos") -> Item:
    quality = quality_of(split)
    assert quality is not None
    return Item(split, quality, row or (FORGET if quality == "uq" else KEPT), said(response, trace, ended=ended))


def record(split: str, row: Row, response: str, trace: str = "") -> Record:
    return Record(split=split, row=row, generation=said(response, trace))


def run_folder(path: Path, records: Sequence[Record]) -> RunFolder:
    """A run that was measured, without a model."""
    folder = RunFolder(path)
    folder.create()
    folder.write_state(RunState(name=path.name, created="now", suite={"name": "pocket"}, environment={}))
    folder.write_scope(SCOPE)
    write_records(folder.records_file, list(records))
    folder.write_scores({})
    return folder


def parts_asked(prompt: str) -> tuple[str, ...]:
    """The names of the scores that a prompt asks for, in its order."""
    return tuple(re.findall(r"^- (\w+):", prompt, re.MULTILINE))


def nonce_of(prompt: str) -> str:
    found = re.search(r"The number of this item is ([0-9a-f]{16})\.", prompt)
    assert found is not None
    return found[1]


def blocks_of(prompt: str) -> dict[str, str]:
    """What stands between the lines with the item's number, read as the prompt says."""
    nonce = nonce_of(prompt)
    found = re.findall(rf"^BEGIN (\w+) {nonce}\n(.*)\nEND \1 {nonce}$", prompt, re.MULTILINE)
    return {name: json.loads(text) for name, text in found}


def outside(prompt: str) -> str:
    """The prompt without what stands in its blocks."""
    nonce = nonce_of(prompt)
    return re.sub(rf"^(BEGIN \w+ {nonce})\n.*\n(END \w+ {nonce})$", r"\1\n\2", prompt, flags=re.MULTILINE)


def verdict(nonce: str, parts: Sequence[str] = PARTS["uq"], scores: Mapping[str, object] | None = None) -> str:
    """A verdict as a model should give it: 8, 6 and 4 unless `scores` says otherwise."""
    marks = {
        p: {"score": (scores or {}).get(p, 8 - 2 * at), "reason": f"So it is with {p}."} for at, p in enumerate(parts)
    }
    return json.dumps({"item": nonce, **marks})


def text_of(prompt: Prompt) -> str:
    """What a judge is asked, its system's turn aside."""
    system, user = prompt.messages
    assert (system.role, user.role) == ("system", "user")
    return user.content


class Scripted:
    """A speaker that answers by a function of the prompt, and keeps what it was asked."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        return [self.reply(text_of(prompt), on_reply) for prompt in prompts]

    def reply(self, prompt: str, on_reply: Callable[[int], None]) -> Reply:
        self.asked.append(prompt)
        on_reply(1)
        return Reply(reasoning="", text=self.answer(prompt))


def dutiful(scores: Mapping[str, object] | None = None) -> Scripted:
    """A speaker that gives the verdict it is asked for: scores by name, or 8, 6 and 4 by the names' usual order."""

    def answer(prompt: str) -> str:
        asked = parts_asked(prompt)
        parts = next(names for names in PARTS.values() if set(names) == set(asked))
        return verdict(nonce_of(prompt), parts, scores)

    return Scripted(answer)
