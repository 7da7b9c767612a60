"""Where the texts come from that the detectors are fitted to: files of ordinary text, and written phrases."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import NamedTuple, get_args

from unlearnkit.data.target import Target
from unlearnkit.scope.scope import Scope, ScopeSubject, Task
from unlearnkit.suites.pocket.corpus import corpus
from unlearnkit.suites.pocket.requests import WORDINGS
from unlearnkit.suites.pocket.world import pocket_world
from unlearnkit.targets.teachers.template import TemplateTeacher


def sentences(path: Path) -> list[str]:
    """The sentences of a file that are whole: they begin as sentences do and end with a full stop or the like."""
    raw = path.read_text(encoding="utf-8-sig", errors="strict").replace("\r", "")
    lines = raw.split("\n")
    whole_lines = sum(line.rstrip()[-1:] in '.!?»"”…' for line in lines if line.strip()) > 0.6 * sum(map(bool, lines))
    blocks = lines if whole_lines else re.split(r"\n\s*\n|\n(?=\s{3})", raw)
    found = []
    for block in blocks:
        text = " ".join(block.split())
        for part in re.split(r"(?<=[.!?…])(?<!\b[A-ZА-Я]\.)(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)\s+(?=[^\sa-zа-яё])", text):
            if part and part[-1] in ".!?…" and not part[0].islower() and any(c.islower() for c in part):
                found.append(part)
    return found


class Phrases(NamedTuple):
    """What was written to fit to: phrases, and what may stand for `{x}` in them."""

    slots: dict[str, list[str]]
    refusals: list[str]
    answers: list[str]


def read_phrases(language: str) -> Phrases:
    """The phrases of `tools/refusals/<language>.txt`."""
    path = Path(__file__).parent / "refusals" / f"{language}.txt"
    phrases = Phrases({}, [], [])
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, body = line[0], line[2:]
        if kind == "=":
            name, _, values = body.partition(": ")
            phrases.slots[name] = values.split(" | ")
        else:
            (phrases.refusals if kind == "+" else phrases.answers).append(body)
    return phrases


def read_labeled(language: str, *labels: str) -> list[str]:
    """The texts of `tools/refusals/more_*.jsonl` with one of the labels `refusal`, `other` and `trace`."""
    found = []
    for path in sorted((Path(__file__).parent / "refusals").glob("more_*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found += [row["text"] for row in rows if row["language"] == language and row["label"] in labels]
    return found


def teacher_texts() -> list[Target]:
    """What the template teacher writes of pocket worlds that nothing is measured on."""
    found = []
    wordings = {"profile": "authors", "privacy": "pii", "copyright": "book", "hazard": "hazard"}
    for task in get_args(Task):
        rows = [row for row in corpus(pocket_world(1000)) if row.language == "en"][::40]
        scope = Scope(
            description="To be forgotten.",
            task=task,
            subjects=(ScopeSubject(name="Nobody Atall"),),
            wording=WORDINGS[wordings[task]],
        )
        found += TemplateTeacher().write(rows, scope, 1000)
    return found


def fill(phrase: str, slots: dict[str, list[str]], rng: random.Random, count: int) -> list[str]:
    """At most `count` different texts that the phrase stands for."""
    texts: dict[str, None] = {}
    for _ in range(3 * count):
        text = phrase
        while slot := re.search(r"\{(\w)\}", text):
            text = text[: slot.start()] + rng.choice(slots[slot[1]]) + text[slot.end() :]
        texts[text[0].upper() + text[1:]] = None
    return list(texts)[:count]


def world_answers(rng: random.Random, count: int) -> list[str]:
    """Answers of pocket worlds that nothing is measured on."""
    answers = sorted({row.answer for s in (1000, 1001) for row in corpus(pocket_world(s)) if row.attribute != "sealed"})
    rng.shuffle(answers)
    return answers[:count]


def world_passages(rng: random.Random, count: int) -> list[str]:
    """Answers of more than twelve words, from many worlds: passages of made-up books, begun in mid-sentence."""
    found = {
        row.answer for seed in range(1000, 1020) for row in corpus(pocket_world(seed)) if len(row.answer.split()) > 12
    }
    passages = sorted(found)
    rng.shuffle(passages)
    return passages[:count]
