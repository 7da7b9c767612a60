"""Scores that other packages bring: a suite with docs of its own, one without, and a metric of the board."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from rich.console import Console

from unlearnkit.data.rows import Row, Splits
from unlearnkit.metrics.base import METRICS, Metric, metric
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.gates import Gate, judge_all
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import HIGH_ON_FORGET, Docs, ScoreDoc, ScoreTable
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.pipeline.listing import catalog, describe
from unlearnkit.records.schema import Record
from unlearnkit.report.build import build_report, compare, judge_run, score_docs
from unlearnkit.report.compare import board_table
from unlearnkit.report.model import SubjectReport
from unlearnkit.report.model_card import model_card
from unlearnkit.report.render import render
from unlearnkit.report.tables.writers import terminal
from unlearnkit.report.verdict import verdict
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import RunState
from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.suites.base import SUITES, SuiteTask, UserModelSuite, suite

from .test_render import Page
from .worked_example import example

MAZE = ScoreTable("maze", "Scores of the maze", "How the model finds its way.")
MAZE_DOCS = {
    "maze.same_path": ScoreDoc("Same path", "p-value: high is wanted", format="p-value", table=MAZE, verdict=True),
    "maze.detour": ScoreDoc("Detour", "of the way; 0 is wanted", format="percent change", table=MAZE),
    "maze.turns": ScoreDoc("Turns", "right turns", order=90, split="forget"),
}
SCORES = {"maze.same_path": 3.1e-7, "maze.detour": -12.34, "maze.turns": 0.25, "maze.unknown": 2.0}
ROW = Row(id="1", question="Where is Ilva?", answer="In the tower.")


class Undocumented(UserModelSuite):
    """A suite that declares nothing of its scores."""

    version: ClassVar[str] = "1"
    max_new_tokens: ClassVar[int] = 8

    def task(self) -> SuiteTask:
        scope = Scope(description="Forget Ilva.", task="profile", subjects=(ScopeSubject(name="Ilva"),))
        return SuiteTask("maze-1", scope, Splits({"forget": (ROW,)}), {"forget": (ROW,)})

    def kept(self) -> Sequence[Row]:
        return ()

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        return {name: Score(value=value, count=1) for name, value in SCORES.items()}

    def heading(self) -> str:
        return "the maze"


class Maze(Undocumented):
    """The same, with docs."""

    score_docs: ClassVar[Docs] = MAZE_DOCS


@pytest.fixture(params=["maze", "bare_maze"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunFolder]:
    """A measured run of a suite with docs, and of one without."""
    name = request.param
    made = suite(name)(Maze if name == "maze" else Undocumented)()
    folder = RunFolder(tmp_path / "npo")
    folder.create()
    folder.write_state(RunState(name="npo", created="today", suite={"name": name}, environment={}))
    folder.write_scores({"forget.accuracy": Score(value=0.5, count=2), **made.scores([], [])})
    folder.records_file.write_text("")
    folder.write_scope(made.task().scope)
    yield folder
    del SUITES._entries[name]


def printed(folder: RunFolder) -> list[list[str]]:
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(terminal(board_table({folder.name: folder.scores()}, score_docs([folder]))))
    return [line.split() for line in console.export_text().splitlines()]


@pytest.mark.parametrize("run", ["maze"], indirect=True)
def test_an_outside_suites_scores_are_titled_and_written_as_it_says(run: RunFolder) -> None:
    report = build_report([run])
    page = Page(render(report)).text
    assert "Scores of the maze" in page and "How the model finds its way." in page
    assert "Same path" in page and "3.1e-7" in page and "-12.3\u202f%" in page
    assert "Turns" in page and "Detour" in page
    sentences = " ".join(verdict(report, report.subjects[0]).sentences)
    assert "Same path is 3.1e-7: at the 5 % level, the test distinguishes the model from the retrained" in sentences
    assert "Detour" not in sentences
    card = model_card(report.subjects[0], report.scope, docs=report.docs)
    assert "### Scores of the maze" in card and "| Same path | 3.1e-7 |" in card
    assert ["maze.same_path", "3.1e-7"] in printed(run) and ["Turns"] in printed(run)
    (gate,) = judge_run(run, ["maze.detour<=-20"])
    assert gate.why == "missed"
    (gate,) = judge_all([Gate.parse("maze.detour<=target.maze.detour")], _beside_target(run), score_docs([run]))
    assert gate.why == "missed, with a threshold of -50.0\u202f%"
    # What it has not documented is shown by its flat name, and compared like the rest.
    assert "Other scores of the suite" in page and "maze.unknown" in page
    assert compare([run.path])["subjects"]["npo"]["maze.unknown"] == 2.0


def _beside_target(run: RunFolder) -> dict[str, dict[str, Score]]:
    return {"target": {"maze.detour": Score(value=-50.0)}, run.name: run.scores()}


@pytest.mark.parametrize("run", ["bare_maze"], indirect=True)
def test_scores_of_a_suite_that_declares_nothing_are_shown_by_their_flat_names(run: RunFolder) -> None:
    report = build_report([run])
    (table,) = (
        section for section in board_table({"npo": run.scores()}, report.docs).sections if section.name == "others"
    )
    assert [(row.title, row.cells[0].value) for row in table.rows] == [
        ("maze.detour", "-12.3"), ("maze.same_path", "0.000"), ("maze.turns", "0.250"), ("maze.unknown", "2.000"),
    ]  # fmt: skip
    page = Page(render(report)).text
    assert all(name in page for name in SCORES) and "Same path" not in page
    assert report.grid is None


def test_a_run_of_a_suite_that_is_not_installed_can_still_be_compared(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "npo")
    folder.create()
    folder.write_state(RunState(name="npo", created="today", suite={"name": "gone"}, environment={}))
    folder.write_scores({"gone.score": Score(value=1.5, count=1)})
    assert ["gone.score", "1.500"] in printed(folder)


@pytest.fixture
def brevity() -> Iterator[type[Metric]]:
    """A metric of the board, registered as another package would."""

    @metric("brevity")
    class Brevity(Metric):
        """Share of the limit that the response leaves free."""

        doc = ScoreDoc("Brevity", "short answers; high is wanted on forget sets", HIGH_ON_FORGET)

        @staticmethod
        def measure(record: Record, scope: Scope) -> float | None:
            return None if record.generation is None else 1 - len(record.generation.response) / 1000

    yield Brevity
    del METRICS._entries["brevity"]


def test_a_new_metric_of_the_board_touches_nothing_else(brevity: type[Metric]) -> None:
    made = example()
    scores = {s.name: s.scores | score_records(s.records, made.scope) for s in made.subjects}
    expected = scores["npo"]["near.brevity"]
    assert expected.value is not None and 0.9 < expected.value < 1
    # The docs are made anew, as they are for every report.
    subjects = tuple(SubjectReport(name=s.name, title=s.title, scores=scores[s.name]) for s in made.subjects)
    gates = judge_all([Gate.parse("near.brevity<=target.near.brevity*0.5")], scores)
    met = {gate.subject for gate in gates if gate.outcome == "met"}
    assert met == {"ga"} and len(gates) == len(made.methods)  # ascent babbles on to the limit
    report = made.model_copy(update={"subjects": subjects, "docs": ScoreDocs(), "gates": gates})
    page = Page(render(report)).text
    assert "Brevity" in page and "short answers; high is wanted on forget sets" in page
    assert f"{expected.value:.3f}" in page and "near.brevity <= target.near.brevity * 0.5" in page
    table = board_table(scores, ScoreDocs())
    (section,) = (section for section in table.sections if section.name == "brevity")
    assert section.title == "Brevity" and "near" in [row.title for row in section.rows]
    listed = {entry.name: entry.summary for entry in catalog("metric")}
    assert listed["brevity"] == "Share of the limit that the response leaves free."
    assert "On forget sets: higher is better." in describe("brevity")


def test_without_it_the_board_has_no_such_section() -> None:
    assert "brevity" not in METRICS.names() and ScoreDocs().metric("brevity").title == "brevity"
