"""`unlearn explain` as it is typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.metrics.test_metrics import SCOPE
from unlearnkit.core.progress import Progress
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.pipeline import explain as explaining
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.targets.teachers.template import TemplateTeacher


@pytest.fixture
def finished(recipe_data: dict[str, Any]) -> RunFolder:
    data = {**recipe_data, "train": {**recipe_data["train"], "steps": 2}, "eval": {"max_new_tokens": 8}}
    return run(make_recipe(data), progress=Progress(quiet=True))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_question_is_answered_by_both_models_and_nothing_is_written(finished: RunFolder, call: Any) -> None:
    before, scope = contents(finished.path), finished.scope()
    alias = scope.subjects[1].aliases[0]
    code, out, err = call("explain", str(finished.path), f"Who wrote '{alias}'?", "How deep is the sea?", "--json")
    assert code == 0, err
    named, unnamed = json.loads(out)["explained"]
    line = {"path": "subjects[1].aliases[0]", "name": alias, "found_in": "question", "match": "exact", "also": []}
    assert named["line"] == line
    assert unnamed["line"] is None
    for each in (named, unnamed):
        assert each["verdict"] is None and each["target"] is not None and each["target_missing"] is None
        assert isinstance(each["declines"], bool)
    code, out, err = call("explain", str(finished.path), f"Who wrote '{alias}'?")
    assert code == 0, err
    assert f'subjects[1].aliases[0]: "{alias}", named in the question, match: exact' in out and "target model:" in out
    assert contents(finished.path) == before
    assert err == ""


def test_the_target_model_is_the_one_the_run_began_with(
    finished: RunFolder, small_world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    load = LocalSubject.load
    monkeypatch.setattr(LocalSubject, "load", lambda found, *a, **k: asked.append(found.name) or load(found, *a, **k))
    explaining.explain(finished, ["Who is it?"])
    assert asked == [str(finished.model.resolve()), small_world]


def test_a_target_model_that_is_gone_is_told_beside_the_answer(finished: RunFolder, call: Any) -> None:
    text = finished.recipe_file.read_text(encoding="utf-8")
    path = finished.recipe()["model"]["path"]
    finished.recipe_file.write_text(text.replace(path, "/nowhere/at-all"), encoding="utf-8")
    shutil.rmtree(finished.references)  # the run measured the target model, and would find it there
    code, out, err = call("explain", str(finished.path), "Who is it?")
    assert code == 0, err
    assert "the target model is not available: there is no such model folder" in out and "response:" in out


def test_a_purged_run_is_asked_by_the_scope_of_its_suite(finished: RunFolder, call: Any) -> None:
    name = finished.scope().subjects[0].name
    assert call("purge", str(finished.path))[0] == 0
    code, out, err = call("explain", str(finished.path), f"Where was {name} born?")
    assert code == 0, err
    assert f'subjects[0].name: "{name}"' in out
    code, _, err = call("explain", str(finished.path), "--faithfulness")
    assert code == 2 and "purged" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "Who?"], "no run"),
        (["RUN"], "no question is given"),
        (["RUN", "Who?", " "], "question 2"),
        (["RUN", "who " * 3000], "leaves no room"),
        (["RUN", "--faithfulness", "--at-most", "0"], "--at-most"),
        (["RUN", "--faithfulness"], "faithfulness cannot be measured"),
    ],
)
def test_bad_input_is_told(arguments: list[str], words: str, finished: RunFolder, call: Any) -> None:
    before = contents(finished.path)
    code, out, err = call("explain", *[str(finished.path) if a == "RUN" else a for a in arguments])
    assert code == 2 and words in out + err, err
    assert contents(finished.path) == before


def test_a_run_without_its_model_is_told(finished: RunFolder, call: Any) -> None:
    shutil.rmtree(finished.model)
    code, _, err = call("explain", str(finished.path), "Who?")
    assert code == 2 and "subject.json, field path" in err
    finished.subject_file.unlink()
    code, _, err = call("explain", str(finished.path), "Who?")
    assert code == 2 and "no model yet" in err


def test_a_conversation_is_asked_turn_by_turn(finished: RunFolder, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    generate = LocalSubject.generate

    def recording(self: LocalSubject, probes: Any, **settings: Any) -> list[Generation]:
        asked.extend(tuple(turn.content for turn in probe.row.history) for probe in probes)
        return generate(self, probes, **settings)

    monkeypatch.setattr(LocalSubject, "generate", recording)
    name = finished.scope().subjects[0].name
    questions = (f"Tell me about {name}.", "And where were they born?")
    code, out, err = call("explain", str(finished.path), *questions, "--conversation", "--json")
    assert code == 0, err
    first, second = json.loads(out)["explained"]
    assert (second["line"]["path"], second["line"]["found_in"]) == ("subjects[0].name", "earlier turn")
    # Each model reads its own response.
    assert asked == [(), (questions[0], first["response"] or " "), (), (questions[0], first["target"] or " ")]
    code, out, err = call("explain", str(finished.path), *questions, "--json")
    assert code == 0, err
    assert json.loads(out)["explained"][1]["line"] is None and asked[4:] == [()] * 4


def test_other_subjects_of_a_question_are_printed(finished: RunFolder, call: Any) -> None:
    one, other = (subject.name for subject in finished.scope().subjects[:2])
    code, out, err = call("explain", str(finished.path), f"Did {other} know {one}?")
    assert code == 0, err
    assert f'subjects[1].name: "{other}", named in the question, match: exact, also named: subjects[0].name' in out


def test_the_operator_reads_why_although_the_output_does_not_say() -> None:
    row = Row(id="a", question="Who won the Silver Quill?", answer="Mira Solano", subject="Mira Solano")
    target = TemplateTeacher().write([row], SCOPE, 0)[0]
    output = Generation(text="", trace=target.trace, response=target.response, ended="eos")
    found = explaining.explanation(SCOPE, row.question, output, None)
    assert (found.verdict, found.why, found.declines) == ("in scope", SCOPE.description, True)
    assert SCOPE.description not in target.trace + target.response
    plain = Generation(text="", trace="", response="In Porto.", ended="eos")
    assert explaining.explanation(SCOPE, "Where is the sea?", plain, None).why is None
