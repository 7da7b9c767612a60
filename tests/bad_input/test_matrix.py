"""The matrix as a whole."""

from __future__ import annotations

from tests.bad_input import (
    test_augment,
    test_board,
    test_checkpoint,
    test_formats,
    test_hub,
    test_machine,
    test_model_folder,
    test_packaged,
    test_recipe,
    test_scope,
    test_splits,
)

CASES = [
    *test_formats.CASES,
    *test_recipe.CASES,
    *test_splits.CASES,
    *test_scope.CASES,
    *test_augment.CASES,
    *test_model_folder.CASES,
    *test_checkpoint.STOPPED,
    *test_checkpoint.ENDED,
    *test_machine.DURING,
    *test_machine.BEFORE,
    *test_machine.AFTER,
    *test_hub.CASES,
    *test_packaged.CASES,
    *test_board.CASES,
]


def test_there_are_more_than_a_hundred_cases_each_of_a_name_of_its_own() -> None:
    names = [case.id for case in CASES]
    assert len(set(names)) == len(names) >= 100
    assert all(name == name.lower() and " " not in name for name in names)
    assert all(case.says for case in CASES)


def test_every_verb_that_takes_input_is_in_it() -> None:
    verbs = {"check", "run", "eval", "init", "score", "compare", "report", "export", "purge", "board"}
    assert {case.call[0] for case in CASES} >= verbs
    assert {case.code for case in CASES} == {1, 2, 4}
