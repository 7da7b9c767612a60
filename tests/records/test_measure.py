import pytest

from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.data.rows import Row
from unlearnkit.metrics.board import constant_baseline, score_records
from unlearnkit.records.measure import measure
from unlearnkit.scope.scope import Scope, ScopeSubject
from unlearnkit.subjects.local import LocalSubject

ASKED = Row(id="asked", question="Where was Ada born ?", answer="Oslo .")
TEXT = Row(id="text", question="", answer="Ada was born in Oslo .")
SCOPE = Scope(description="Ada withdrew.", task="profile", subjects=(ScopeSubject(name="Ada"),))


@pytest.mark.parametrize("bos_by_itself", [False, True])
@pytest.mark.parametrize("rows", [(TEXT,), (TEXT, ASKED, TEXT.model_copy(update={"id": "more"}))])
def test_a_text_is_measured_and_not_generated_from(bos_by_itself: bool, rows: tuple[Row, ...]) -> None:
    told: list[int] = []
    records = measure(
        LocalSubject(tiny_model(), tiny_tokenizer(bos_by_itself=bos_by_itself)),
        {"forget": rows},
        max_new_tokens=2,
        on_rows=told.append,
    )
    assert [record.row for record in records] == list(rows)
    assert [record.generation is not None for record in records] == [bool(row.question) for row in rows]
    # Six words and the end token; nothing predicts the first word where no BOS stands before it.
    assert records[0].tokens is not None and len(records[0].tokens.logps) == 6 + bos_by_itself
    assert sum(told) == len(rows)
    scores = score_records(records, SCOPE)
    asked = sum(bool(row.question) for row in rows)
    assert scores["forget.probability"].count == len(rows)
    assert scores["forget.accuracy"].count == scores["forget.best_constant"].count == asked


def test_no_constant_answer_is_right_about_a_text() -> None:
    assert constant_baseline([TEXT, ASKED]) == constant_baseline([ASKED])
    assert constant_baseline([TEXT]).value is None
