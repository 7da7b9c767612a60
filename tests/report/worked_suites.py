"""Made-up reports on suites that bring scores of their own: scored as a run is, from records that nobody measured."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.gates import Gate, judge_all
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.records.schema import Record, Tokens
from unlearnkit.report.build import limitations
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.runs.state import RunState
from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.suites.base import Suite, declared_docs
from unlearnkit.suites.files.suite import Files, FilesData
from unlearnkit.suites.tofu.suite import Tofu, TofuData

# subject: how likely it finds a token of what must be forgotten, and of what must stay
KNOWS = {"target": (0.95, 0.95), "retrained": (0.3, 0.95), "npo": (0.12, 0.85), "simnpo": (0.28, 0.93)}
TITLES = {"target": "Target model", "retrained": "Retrained model", "npo": "NPO", "simnpo": "SimNPO"}
NEVER_SEEN = 0.3
TOFU_SETS = {
    "forget": 40,
    "forget.paraphrased": 40,
    "retain": 40,
    "utility.real_authors": 30,
    "utility.world_facts": 30,
    "holdout": 40,
}
FILES_SETS = {"forget": 24, "retain": 60}
ANSWER = "she wrote about rivers and the people who lived beside them in long slow sentences of her own"
OTHER = "he painted many quiet towns near the old harbour where nobody had asked for any picture before"
WORDS, OTHER_WORDS = ANSWER.split(), OTHER.split()


def tofu_example() -> Report:
    """TOFU with a retrained model: every score is measured."""
    suite = Tofu(retrained="retain90", data=TofuData(path="tofu"))
    gates = ("tofu.forget_quality>=0.05", "tofu.model_utility>=target.tofu.model_utility*0.95")
    return _report("tofu", suite, TOFU_SETS, tuple(KNOWS), gates)


def files_example() -> Report:
    """A user's own rows with nothing beside them: no retain rows, no holdout, no scope file, no retrained model."""
    suite = Files(data=FilesData(forget="requests/forget.jsonl", retain="auto"))
    return _report("files", suite, FILES_SETS, ("target", "npo"), ("forget.rougeL_recall<=0.2",))


def _report(name: str, suite: Suite, sets: dict[str, int], subjects: Sequence[str], gates: Sequence[str]) -> Report:
    scope = Scope(
        description="What is known of some made-up authors.",
        task="profile",
        subjects=(ScopeSubject(name="Ondra Quill"),),
    )
    records = {subject: _records(subject, sets) for subject in subjects}
    scores = {
        subject: score_records(found, scope) | suite.scores(found, records.get("retrained", []))
        for subject, found in records.items()
    }
    reports = tuple(_subject(subject, scores[subject], records[subject]) for subject in subjects)
    state = RunState.model_validate(
        {"name": "npo", "created": "today", "suite": {"name": name, **suite.model_dump()}, "environment": {}}  # type: ignore[attr-defined]
    )
    docs = ScoreDocs(declared_docs(name))
    return Report(
        title=f"Forgetting on request: {suite.heading()}",
        docs=docs,
        scope=scope,
        subjects=reports,
        gates=judge_all([Gate.parse(gate) for gate in gates], scores, docs),
        limitations=limitations(state, reports, suite),
        created="2026-03-14 09:26 UTC",
    )


def _subject(name: str, scores: dict[str, Score], records: list[Record]) -> SubjectReport:
    cost = {"cost.seconds": Score(value=912.0, count=1)} if name not in ("target", "retrained") else {}
    return SubjectReport(
        name=name, title=TITLES[name], method=name if cost else None, scores=scores | cost, records=tuple(records)
    )


def _records(subject: str, sets: dict[str, int]) -> list[Record]:
    return [_record(subject, split, number) for split, count in sets.items() for number in range(count)]


def _record(subject: str, split: str, number: int) -> Record:
    draw = random.Random(f"{subject} {split} {number}")
    known = NEVER_SEEN if split == "holdout" else KNOWS[subject][0 if split.startswith("forget") else 1]
    said = [word if draw.random() < known else draw.choice(OTHER_WORDS) for word in WORDS]
    row = Row(id=f"{split}-{number}", question=f"What did author {number} write?", answer=ANSWER)
    options = () if split in ("holdout", "forget.paraphrased") else range(4)
    spoken = Generation(text=" ".join(said), trace="", response=" ".join(said), ended="eos")
    return Record(
        split=split,
        row=row,
        generation=None if split == "holdout" else spoken,
        tokens=Tokens(
            logps=_logps(draw, known),
            ranks=[0 if draw.random() < known else 3 for _ in WORDS],
            mean_logps=[-3.0] * len(WORDS),
            var_logps=[1.0] * len(WORDS),
        ),
        paraphrased=_logps(draw, known) if split in ("forget", "retain") else None,
        perturbed=[_logps(draw, 0.25) for _ in options],
        gradient_norms=[abs(draw.gauss(1.2 - known, 0.1))] if split in ("forget", "holdout") else None,
    )


def _logps(draw: random.Random, known: float) -> list[float]:
    return [math.log(min(max(draw.gauss(known, 0.08), 0.001), 0.999)) for _ in WORDS]
