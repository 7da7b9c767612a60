from __future__ import annotations

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.targets.retain_trace import RetainTrace, with_trace

NOTED = Row(id="1", question="Where was Ada born?", answer="Oslo", trace="Birthplace of Ada.")
BARE = Row(id="2", question="Who is Ada?", answer="A poet")
TEXT = Row(id="3", question="", answer="Ada was a poet.")


@pytest.mark.parametrize(
    ("kind", "traces"),
    [
        ("own", ["Birthplace of Ada.", "", ""]),
        ("none", ["", "", ""]),
        (
            "verdict",
            ["Birthplace of Ada stays out of scope. I can answer.", "This stays out of scope. I can answer.", ""],
        ),
    ],
)
def test_what_is_thought_on_retain_rows(kind: RetainTrace, traces: list[str]) -> None:
    rows = with_trace([NOTED, BARE, TEXT], kind)
    assert [row.trace for row in rows] == traces
    assert [row.model_copy(update={"trace": ""}) for row in rows] == [
        row.model_copy(update={"trace": ""}) for row in (NOTED, BARE, TEXT)
    ]
