from __future__ import annotations

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.targets.retain_trace import RetainTrace, with_trace
from unlearnkit.targets.verdicts import continued, neutral_wordings

NOTED = Row(id="1", question="Where was Ada born?", answer="Oslo", trace="Birthplace of Ada.")
BARE = Row(id="2", question="Who is Ada?", answer="A poet")
TEXT = Row(id="3", question="", answer="Ada was a poet.")


@pytest.mark.parametrize(("kind", "traces"), [("own", ["Birthplace of Ada.", "", ""]), ("none", ["", "", ""])])
def test_what_is_thought_on_retain_rows(kind: RetainTrace, traces: list[str]) -> None:
    rows = with_trace([NOTED, BARE, TEXT], kind, seed=0)
    assert [row.trace for row in rows] == traces
    assert [row.model_copy(update={"trace": ""}) for row in rows] == [
        row.model_copy(update={"trace": ""}) for row in (NOTED, BARE, TEXT)
    ]


def test_verdicts_of_retain_rows_are_in_many_words() -> None:
    noted, bare, text = with_trace([NOTED, BARE, TEXT], "verdict", seed=0)
    outside = neutral_wordings()["out of scope"]
    assert noted.trace in {continued("Birthplace of Ada", wording) for wording in outside}
    assert bare.trace in {continued("This", wording) for wording in outside}
    assert text == TEXT
    many = [NOTED.model_copy(update={"id": str(at)}) for at in range(400)]
    drawn = {row.trace for row in with_trace(many, "verdict", seed=0)}
    assert len(drawn) == len(outside)
    assert [row.trace for row in with_trace(many[::-1], "verdict", seed=0)[::-1]] == [
        row.trace for row in with_trace(many, "verdict", seed=0)
    ]
    assert with_trace(many, "verdict", seed=1) != with_trace(many, "verdict", seed=0)
