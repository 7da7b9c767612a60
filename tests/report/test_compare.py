import io
import json

from rich.console import Console

from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.report.compare import board_table, comparison
from unlearnkit.report.tables.writers import terminal

SETS = (
    *("retain.held_out", "retain", "near", "far"),
    *(f"forget{s}" for s in ("", ".paraphrased", ".translated", ".reverse", ".multihop")),
)
METRICS = ("accuracy", "refusal_rate", "leak_rate", "trace_leak_rate", "disclosure_rate", "coherence", "scope_accuracy")
NAMES = {f"{split}.{metric}" for split in SETS for metric in METRICS} | {"cost.seconds", "cost.peak_rss_mb"}


def test_every_listed_name_is_there_and_null_where_not_measured() -> None:
    found = comparison(
        {"target": {}, "tru": {"forget.accuracy": Score(value=0.0, count=3), "far.accuracy": NOT_MEASURED}},
        ScoreDocs(),
    )
    assert list(found) == ["subjects"]
    assert list(found["subjects"]) == ["target", "tru"]
    for scores in found["subjects"].values():
        assert set(scores) == NAMES
    assert found["subjects"]["tru"]["forget.accuracy"] == 0.0
    assert found["subjects"]["tru"]["far.accuracy"] is None
    assert found["subjects"]["target"]["cost.seconds"] is None


def test_other_names_follow_and_the_whole_is_json() -> None:
    found = comparison(
        {"a": {"holdout.accuracy": Score(value=0.5)}, "b": {"loss": Score(value=float("inf"))}}, ScoreDocs()
    )
    assert list(found["subjects"]["a"])[-2:] == ["holdout.accuracy", "loss"]
    assert found["subjects"]["b"]["loss"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_terminals_board_says_what_was_not_measured() -> None:
    console = Console(width=100, file=io.StringIO(), record=True)
    scores = {
        "target": {"forget.accuracy": Score(value=1.0), "cost.seconds": Score(value=65.0)},
        "[red]tru": {"forget.accuracy": NOT_MEASURED},
    }
    console.print(terminal(board_table(scores, ScoreDocs())))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert ["target", "[red]tru"] in lines
    assert ["forget", "1.000", "-"] in lines
    assert ["cost.seconds", "1", "min", "05", "s", "-"] in lines
    assert ["near", "-", "-"] not in lines
