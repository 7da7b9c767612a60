"""The tables of the documents are those of the raw results."""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.markdown import ROOT

RESULTS = {
    "runs": {
        "target": {"forget.accuracy": {"value": 1.0, "count": 9, "low": 0.7, "high": 1.0}},
        "npo": {"forget.accuracy": {"value": 0.25, "count": 8, "low": 0.03, "high": 0.65}},
    }
}
TABLES = {
    "short": {
        "kind": "columns",
        "results": "results.json",
        "models": {"target": "target", "npo": "NPO"},
        "rows": {"forget.accuracy": "correct", "near.accuracy": "neighbors"},
    },
    "long": {
        "kind": "columns",
        "results": "results.json",
        "models": {"npo": "NPO"},
        "rows": {"forget.accuracy": "correct"},
        "intervals": True,
    },
    "board": {"kind": "board", "results": "results.json", "models": {"npo": "npo"}},
    "methods": {
        "kind": "methods",
        "results": {"pocket": "kept.json", "clinic": "kept.json"},
        "rows": {"target": "target", "NPO, given rows": "NPO", "tru": "TRU"},
        "columns": {"forget.accuracy": "correct"},
        "ranges": True,
    },
    "forms": {"kind": "forms", "results": "forms.json"},
}


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        return importlib.import_module("result_tables")


def rewritten(tool: ModuleType, text: str, folder: Path) -> str:
    (folder / "results.json").write_text(json.dumps(RESULTS), "utf-8")
    done: str = tool.rewritten(text, tool.Described.model_validate({"tables": TABLES}).tables, folder)
    return done


def written(tool: ModuleType, name: str, folder: Path) -> str:
    return rewritten(tool, f"Before.\n\n<!-- table: {name} -->\nold\n<!-- end of table -->\n\nAfter.\n", folder)


def test_a_table_has_a_row_for_each_score(tool: ModuleType, tmp_path: Path) -> None:
    assert written(tool, "short", tmp_path) == (
        "Before.\n\n<!-- table: short -->\n\n|  | target | NPO |\n| --- | --: | --: |\n| correct | 1.000 | 0.250 |\n"
        "| neighbors | not measured | not measured |\n\n<!-- end of table -->\n\nAfter.\n"
    )
    assert "| correct | 0.250 [0.030, 0.650] |" in written(tool, "long", tmp_path)


def test_a_board_is_what_the_terminal_shows(tool: ModuleType, tmp_path: Path) -> None:
    lines = written(tool, "board", tmp_path).split("\n")
    assert lines[4] == "```text" and any(line.split() == ["forget", "0.250"] for line in lines)


def test_forms_below_the_limit_are_marked(tool: ModuleType, tmp_path: Path) -> None:
    forms = {"upper": {"accuracy": 0.799, "questions": 9}, "lower": {"accuracy": 0.8, "questions": 5}}
    (tmp_path / "forms.json").write_text(json.dumps({"forms": forms}), "utf-8")
    shown = written(tool, "forms", tmp_path)
    assert "| lower | 0.80 | 5 |\n| upper | 0.80 (not reached) | 9 |\n\n1 of 2 forms are reached.\n" in shown


def test_methods_of_a_board_are_averaged_over_seeds(tool: ModuleType, tmp_path: Path) -> None:
    kept = {
        "runs": {
            "pocket-world-1/npo-given-rows-seed-0": {"forget.accuracy": {"value": 0.25, "count": 8}},
            "pocket-world-1/npo-given-rows-seed-1": {"forget.accuracy": {"value": 0.75, "count": 8}},
            "pocket-world-1/target": {"forget.accuracy": {"value": 1.0, "count": 8}},
        }
    }
    (tmp_path / "kept.json").write_text(json.dumps(kept), "utf-8")
    assert written(tool, "methods", tmp_path).split("\n")[4:9] == [
        "| method | pocket: correct | clinic: correct |",
        "| --- | --: | --: |",
        "| target | 1.000 | 1.000 |",
        "| NPO | 0.500 (0.250–0.750) | 0.500 (0.250–0.750) |",
        "| TRU | not measured | not measured |",
    ]


def test_compressed_results_give_the_same_table(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "results.json.gz").write_bytes(gzip.compress(json.dumps(RESULTS).encode()))
    table = {**TABLES["short"], "results": "results.json.gz"}
    drawn = tool.Described.model_validate({"tables": {"short": table}}).tables["short"].drawn(tmp_path)
    assert drawn in written(tool, "short", tmp_path)


def test_a_table_that_nobody_described_is_an_error(tool: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="nothing"):
        written(tool, "nothing", tmp_path)


def test_rewriting_twice_changes_nothing(tool: ModuleType, tmp_path: Path) -> None:
    once = written(tool, "short", tmp_path)
    assert rewritten(tool, once, tmp_path) == once


def test_the_documents_show_the_kept_results(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["result_tables.py", "--check"])
    assert tool.main() == 0, capsys.readouterr().err
