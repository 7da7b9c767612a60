"""`unlearn targets`, and `unlearn run` after it, as they are typed: consent, budget, key, review."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.llm.faulty import Faulty, completion, serving
from unlearnkit.cli.app import main
from unlearnkit.data.target import read_targets
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.targets import llm_teacher
from unlearnkit.targets.prompts import VERSION

KEY = "sk-secret-0123456789"
CONSENT = ("--send-forget-data-to", "127.0.0.1")
RUN = Path("runs/quick")


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """A server whose every seventh answer has no trace, each time; it knows what was asked."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    seen: dict[str, int] = {}

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        number = seen.setdefault(request["messages"][1]["content"], len(seen))
        return completion(
            f"I can't say, {number}.", reasoning_content="" if number % 7 == 0 else "I keep it to myself."
        )

    with serving(answer) as made:
        yield made


@pytest.fixture
def call(
    faulty: Faulty,
    recipe_data: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    """Calls a verb on a recipe of TRU whose teacher is the server; gives exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    quick = {"url": faulty.url, "model": "m", "first_wait": 0.01, "longest_wait": 0.02}
    targets = {"teacher": "api", "server": {**quick, "price_in": 1.0, "price_out": 2.0}}
    recipe = {**recipe_data, "method": {"name": "tru"}, "targets": targets, "out": str(RUN)}
    recipe["train"] = {**recipe["train"], "steps": 2}
    Path("recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")

    def run(verb: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["unlearn", verb, "recipe.yaml", *arguments])
        try:
            code = main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        assert KEY not in out + err
        return code, out, err

    return run


@pytest.mark.parametrize("verb", ["run", "targets", "g-effect"])
def test_without_consent_nothing_is_sent_and_nothing_made(verb: str, call: Any, faulty: Faulty) -> None:
    code, _, err = call(verb)
    assert code == 2 and "would be sent to 127.0.0.1" in err and "--send-forget-data-to 127.0.0.1" in err
    code, _, err = call(verb, "--send-forget-data-to", "localhost")
    assert code == 2 and "a different host" in err
    assert faulty.connections == 0 and not RUN.exists()


def test_looking_at_a_recipe_asks_nobody(call: Any, faulty: Faulty) -> None:
    code, out, err = call("run", "--dry-run")
    assert code == 0, err
    assert "the recipe's teacher is asked when the run starts" in out and faulty.connections == 0 and not RUN.exists()


def test_g_effects_of_a_recipe_ask_its_teacher_with_consent(call: Any, faulty: Faulty) -> None:
    code, _, err = call("g-effect", *CONSENT, "--rows", "4", "--groups", "none")
    assert code == 0, err
    assert faulty.connections and RunFolder(RUN).effects() is not None


def test_written_reviewed_taken_back_and_trained_on(call: Any, faulty: Faulty) -> None:
    code, _, err = call("targets", *CONSENT, "--export", "review.jsonl")
    assert code == 0, err
    folder = RunFolder(RUN)
    taught = folder.state().targets
    rows = make_recipe(folder.recipe()).make_suite().task().splits["forget"]
    replaced = -(-len(rows) // 7)
    assert taught is not None and taught.model_dump(exclude={"seconds", "cost"}) == {
        "teacher": "api", "prompts": VERSION, "written": len(rows) - replaced, "replaced": replaced,
        "turned_down": {"no trace": 3 * replaced}, "edited": 0, "lift": None,
        "tokens_in": 7 * (len(rows) + 2 * replaced), "tokens_out": 11 * (len(rows) + 2 * replaced),
    }  # fmt: skip
    assert taught.cost == pytest.approx((taught.tokens_in + 2 * taught.tokens_out) / 1e6)
    told = (
        f"written by the teacher api: {len(rows) - replaced}",
        f"again: {3 * replaced} (no trace",
        f"template teacher: {replaced}",
        "guess the answers): not",
    )
    for words in told:
        assert words in err, err
    asked = faulty.asked.total()

    # A person reads them, and changes one.
    lines = [json.loads(line) for line in Path("review.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == [row.id for row in rows]
    lines[3]["response"] = "That is not for me to tell."
    Path("review.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    code, _, err = call("targets", *CONSENT, "--import", "review.jsonl")
    assert code == 0 and "1 of" in err, err
    assert read_targets(folder.targets_file)[3].response == "That is not for me to tell."

    code, _, err = call("run", "--resume")
    assert code == 0, err
    assert faulty.asked.total() == asked, "what is there is not asked for, and needs no consent"
    assert read_targets(folder.targets_file)[3].response == "That is not for me to tell."
    report = folder.report_file.read_text("utf-8")
    wrote = f"wrote {len(rows) - replaced} of the {len(rows)} targets"
    for told in (wrote, "rejected (no trace", "edited 1 of", "(lift) was not measured"):
        assert told in report and told in folder.card_file.read_text("utf-8")
    code, _, err = call("targets", *CONSENT, "--import", "review.jsonl")
    assert code == 2 and "already started to train on its targets" in err
    code, _, err = call("targets")
    assert code == 0 and "edited by hand: 1" in err, "a second call reports the targets that exist"

    for file in RUN.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert KEY.encode() not in content and b"send-forget" not in content and b"send_to" not in content, file


def test_lift_is_measured_told_and_what_helps_is_replaced(
    call: Any, faulty: Faulty, small_world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a model that knows the answers already, at a threshold that turns down whatever helps at all."""
    monkeypatch.setattr(llm_teacher, "_parts", lambda rows: [range(rows)])
    monkeypatch.setattr(llm_teacher.LLMTargetWriter, "_refuse_failing", lambda *_: None)
    lifted = (f"targets.lift_model={small_world}", "targets.lift_at_most=0.0")
    code, _, err = call("targets", *CONSENT, *lifted)
    assert code == 0, err
    folder = RunFolder(RUN)
    taught = folder.state().targets
    assert taught is not None and taught.lift is not None and not taught.lift.retrained
    assert taught.lift.targets == taught.written + taught.replaced and taught.lift.at_most == 0
    assert taught.turned_down["lift"] > 0 and "which is weaker evidence" in " ".join(err.split())
    assert f"mean {taught.lift.mean:.3f}" in err and taught.lift.highest >= taught.lift.mean
    # A teacher's own that stayed is not above the threshold; the template's may be.
    assert taught.lift.above <= taught.replaced
    code, _, err = call("run", *lifted, "--resume")
    assert code == 0, err
    page = folder.report_file.read_text("utf-8")
    assert f"The lift of the targets of {folder.name}: mean {taught.lift.mean:.3f}" in page


def test_a_budget_ends_it_and_the_next_call_goes_on(call: Any, faulty: Faulty) -> None:
    code, _, err = call("targets", *CONSENT, "--max-requests", "9")
    assert code == 1 and "--max-requests" in err and "continues" in err
    assert faulty.asked.total() == 9 and len(list((RUN / "private" / "replies").iterdir())) == 9
    assert not RunFolder(RUN).targets_file.exists(), "half of the targets are none"
    code, _, err = call("targets", *CONSENT, "--max-cost", "0.00001")
    assert code == 1 and "--max-cost" in err and faulty.asked.total() == 9
    # How patiently it is asked may change; what it is asked may not.
    code, _, err = call("targets", *CONSENT, "targets.server.model=other")
    assert code == 2 and "a different recipe" in err and "targets.server.model" in err
    code, _, err = call("targets", *CONSENT, "targets.server.at_once=2", "--max-cost", "5")
    assert code == 0, err
    assert max(faulty.answered.values()) == 3 and faulty.answered.total() == faulty.asked.total()


def test_other_teachers_and_methods(call: Any, faulty: Faulty) -> None:
    code, _, err = call("targets", "method.name=npo")
    assert code == 2 and "does not train on targets" in err and not RUN.exists()
    code, _, err = call("targets", "targets.teacher=template")
    assert code == 0 and "written by the teacher template: " in err, err
    taught = RunFolder(RUN).state().targets
    assert taught is not None and taught.prompts is None and (taught.replaced, taught.tokens_in) == (0, 0)
    assert faulty.connections == 0


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("targets.server.key_variable={key}", ["targets.server.key_variable", "never the key itself", "an override"]),
        ("targets.server.url='https://me:{key}@host/v1'", ["targets.server.url", "into key_variable"]),
        (
            "targets.server.key={key}",
            ["no such setting", "'key'", "an override, field targets.server.key", "key_variable"],
        ),
        ("targets.prompt=novels", ["targets.prompt", "'news', 'books'", "'novels'"]),
        ("targets.server=m", ["targets.server", "a section"]),
        ("targets.path=x", ["no such setting", "targets.path", "server"]),
        ("targets={{teacher: template, prompt: tofu}}", ["no such setting", "targets.prompt", "teacher"]),
        ("targets={{teacher: local}}", ["a setting is missing", "targets.path"]),
        ("targets.lift_at_most=0.1", ["targets", "lift_model if it has lift_at_most"]),
        ("targets.lift_modl=x", ["no such setting", "did you mean lift_model"]),
    ],
)
def test_settings_of_a_teacher_are_held_to_it(override: str, says: list[str], call: Any) -> None:
    code, _, err = call("targets", override.format(key=KEY))
    assert code == 2 and all(words in err for words in says), err
