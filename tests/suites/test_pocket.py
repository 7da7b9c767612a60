from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import unlearnkit
from unlearnkit.data.near_duplicates import near_duplicates
from unlearnkit.suites.pocket.suite import Pocket


def test_a_few_forget_rows_of_each_subject() -> None:
    whole = Pocket().task()
    few = {count: Pocket(forget_rows=count).task() for count in (1, 4, 20)}
    for count in (1, 4):
        assert Counter(row.subject for row in few[count].splits["forget"]) == dict.fromkeys(
            {row.subject for row in whole.splits["forget"]}, count
        )
        assert set(few[count].splits["forget"]) <= set(whole.splits["forget"])
    assert set(few[1].splits["forget"]) <= set(few[4].splits["forget"])
    more = few[20].splits["forget"]
    assert set(whole.splits["forget"]) < set(more) <= {*whole.splits["forget"], *whole.splits["forget.paraphrased"]}
    assert all(
        task.measured == whole.measured and task.splits["retain"] == whole.splits["retain"] for task in few.values()
    )


def test_held_out_rows_state_facts_that_no_trained_row_states() -> None:
    for request in ("authors", "book", "pii", "hazard"):
        task = Pocket(request=request).task()
        held, retain = task.splits["retain.held_out"], task.splits["retain"]
        assert len(held) == 100 and len(retain) == 400 and len({row.subject for row in held}) > 15
        trained = {(row.subject, answer) for row in retain for answer in row.answers}
        assert all((row.subject, answer) not in trained for row in held for answer in row.answers)
        texts, trained_texts = ([f"{row.question}\n{row.answer}" for row in rows] for rows in (held, retain))
        assert near_duplicates(texts, trained_texts) == []
        assert not {row.subject for row in held} & {subject.name for subject in task.scope.neighbors}
        corpus = {row.id for row in Pocket(request=request).retain_corpus()}
        assert {row.id for row in held} <= corpus, "the target model and the retrained model know these rows"


def test_no_code_outside_the_suites_knows_the_world() -> None:
    """Docstrings may use the world's words as examples; the texts of the program may not."""
    package = Path(unlearnkit.__file__).parent
    world = re.compile(r"\b(?:pocket|meridian|almanac|birthplace|instrument|crafts?|authors?)\b", re.IGNORECASE)
    found = {}
    for file in package.rglob("*.py"):
        place = str(file.relative_to(package))
        if place.startswith(("suites/", "testing/")):
            continue
        tree = ast.parse(file.read_text("utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                 and id(n) not in docs]  # fmt: skip
        if words := sorted({word.casefold() for text in texts for word in world.findall(text)}):
            found[place] = words
    assert found.pop("pipeline/demo.py") == ["pocket"], "the demo names its suite"
    assert found.pop("cli/demo.py") == ["pocket"]
    assert found.pop("runs/state.py") == ["pocket"], "stored runs of earlier versions lack a field of the suite"
    assert found.pop("text/disclosure_phrases.py") == ["authors"], "some of those who may ask for it"
    assert found == {}
