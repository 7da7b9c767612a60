"""`unlearn judge` with a model, as it is typed: a server that fails in every way, and a model on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import unlearnkit
from tests.judges.worked import FORGET, KEPT, PRINCIPLED, dutiful, nonce_of, parts_asked, record, run_folder, verdict
from tests.llm.asking import KEY, seeded_faults
from tests.llm.faulty import Faulty, Request, completion, serving
from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.cli.app import main
from unlearnkit.judges.store import read_judged
from unlearnkit.models.load import save_model
from unlearnkit.runs.folder import RunFolder

CONSENT = ("--send-forget-data-to", "127.0.0.1")
ROWS = 40
PRICES = ("server.price_in=1", "server.price_out=1")


def judging(request: Request) -> dict[str, Any]:
    """A judge that gives the verdict it is asked for: 8, 6 and 4."""
    return completion(dutiful().answer(request["messages"][-1]["content"]))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, `runs/one` and `runs/two`, seen from the folder above it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("one", "two"):
        rows = [FORGET.model_copy(update={"id": f"{name}{n}"}) for n in range(ROWS - 1)]
        kept = record("near", KEPT.model_copy(update={"id": name}), "The Amber Quill.")
        run_folder(tmp_path / "runs" / name, [*(record("forget", row, PRINCIPLED) for row in rows), kept])
    return Path("runs")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Calls the command line: exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["unlearn", *arguments])
        try:
            code = main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        assert KEY not in out + err
        return code, out, err

    return run


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    with serving(judging) as made:
        yield made


def asking(faulty: Faulty, *more: str, run: str = "runs/one", judge: str = "laaj") -> list[str]:
    server = [f"server.url={faulty.url}", "server.model=examiner-1", "server.first_wait=0.01"]
    return ["judge", run, "--judge", judge, *server, "server.longest_wait=0.02", *more]


def test_a_server_judges_through_all_faults_and_is_named(runs: Path, call: Any, faulty: Faulty) -> None:
    faulty.fault = seeded_faults(5)
    code, out, err = call(*asking(faulty, *CONSENT, "--repeats", "2", "--seed", "3", "--json"))
    assert code == 0, err
    scores = json.loads(out)["one"]
    assert scores["judge.laaj.forget.uq"]["value"] == scores["judge.laaj.near.rq"]["value"] == 6
    assert scores["judge.laaj.forget.uq"]["count"] == ROWS - 1
    assert scores["judge.laaj.forget.uq.unread"]["value"] == scores["judge.laaj.near.rq.spread"]["value"] == 0
    assert len(faulty.answered) == 2 * ROWS and set(faulty.answered.values()) == {1}
    assert faulty.asked.total() > 2.4 * ROWS, "some failed"
    assert {request["temperature"] for request in faulty.requests} == {0.0} and faulty.busiest > 1

    kept = json.loads((RunFolder("runs/one").judgments / "laaj.json").read_text(encoding="utf-8"))
    assert kept["asked"] == {"model": "examiner-1", "host": "127.0.0.1"}
    assert (kept["settings"]["seed"], kept["settings"]["repeats"]) == (3, 2)
    for file in runs.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file

    assert call("judge", "runs/one")[0] == 0
    code, out, err = call("judge", "agree", "runs/one", "--judges", "rules, laaj", "--json")
    assert code == 0 and json.loads(out)["uq.relevance"]["difference"] == 2.0, err
    code, out, _ = call("judge", "agree", "runs/one", "--judges", "rules,laaj")
    assert code == 0 and "Agreement of rules and laaj" in out and "weighted kappa" in out


def test_the_report_names_the_model_and_says_where_models_differ(runs: Path, call: Any, faulty: Faulty) -> None:
    assert call(*asking(faulty, *CONSENT, run="runs"))[0] == 0
    assert call("report", "runs", "-o", "same.html")[0] == 0
    assert "The judge was examiner-1 at 127.0.0.1." in Path("same.html").read_text("utf-8")
    assert call(*asking(faulty, *CONSENT, "server.model=examiner-2", run="runs/two"))[0] == 0
    assert call("report", "runs", "-o", "other.html")[0] == 0
    told = "examiner-1 at 127.0.0.1 for one; examiner-2 at 127.0.0.1 for two. Scores by different judge models"
    assert told in Path("other.html").read_text("utf-8")


@pytest.mark.parametrize("consent", [(), ("--send-forget-data-to", "localhost")])
def test_without_consent_to_this_host_nothing_is_sent(
    consent: tuple[str, ...], runs: Path, call: Any, faulty: Faulty
) -> None:
    code, _, err = call(*asking(faulty, *consent))
    assert code == 2 and "--send-forget-data-to 127.0.0.1" in err
    assert faulty.connections == 0 and not RunFolder("runs/one").judgments.exists()


def test_without_key_or_prices_nothing_is_sent(
    runs: Path, call: Any, faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = call(*asking(faulty, *CONSENT, "--max-cost", "1"))
    assert code == 2 and "server.price_in" in err
    monkeypatch.delenv("OPENAI_API_KEY")
    code, _, err = call(*asking(faulty, *CONSENT))
    assert code == 4 and "OPENAI_API_KEY" in err and faulty.connections == 0


def test_runs_share_a_budget_and_the_next_call_goes_on(runs: Path, call: Any, faulty: Faulty) -> None:
    code, _, err = call(*asking(faulty, *CONSENT, "--max-requests", str(ROWS + 3), run="runs"))
    assert code == 1 and "--max-requests" in err and faulty.asked.total() == ROWS + 3
    assert (
        list(read_judged(RunFolder("runs/one").judgments)) == ["laaj"] and not RunFolder("runs/two").judgments.exists()
    )
    code, _, err = call(*asking(faulty, *CONSENT, *PRICES, "--max-cost", "0.001", run="runs"))
    assert code == 1 and "--max-cost" in err and faulty.asked.total() == ROWS + 3
    code, _, err = call(*asking(faulty, *CONSENT, run="runs"))
    assert code == 0, err
    assert len(faulty.answered) == 2 * ROWS and set(faulty.answered.values()) == {1}


def test_killed_nothing_received_is_lost_or_paid_for_twice(runs: Path, call: Any, faulty: Faulty) -> None:
    faulty.fault = seeded_faults(2, share=0.2)
    arguments = asking(faulty, *CONSENT, "server.at_once=4")
    child = [sys.executable, "-c", "from unlearnkit.cli.app import main; raise SystemExit(main())", *arguments]
    paths = {"PYTHONPATH": str(Path(unlearnkit.__file__).parents[1])}  # this package, from any folder
    process = subprocess.Popen(child, stderr=subprocess.DEVNULL, env={**os.environ, **paths})
    while faulty.answered.total() < ROWS // 3:
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    faulty.settle()
    kept, paid = len(list(RunFolder("runs/one").replies.glob("*.json"))), faulty.answered.total()
    assert not RunFolder("runs/one").judgments.exists(), "half of the judgments are none"
    # What was answered and not yet read at the instant of the kill: at most as many as were under way.
    assert 0 < kept < ROWS and paid - kept <= 4
    code, _, err = call(*arguments)
    assert code == 0, err
    assert faulty.answered.total() - paid == ROWS - kept
    assert read_judged(RunFolder("runs/one").judgments)["laaj"].judgments[0].outcome == "judged"


@pytest.mark.parametrize("own_field", [True, False])
def test_what_a_reasoning_judge_thinks_is_not_its_verdict(
    own_field: bool, runs: Path, call: Any, faulty: Faulty
) -> None:
    def reasoning(request: Request) -> dict[str, Any]:
        prompt = request["messages"][-1]["content"]
        draft = f"Perhaps {verdict(nonce_of(prompt), parts_asked(prompt), dict.fromkeys(parts_asked(prompt), 10))}?"
        said = dutiful().answer(prompt)
        return completion(said, reasoning_content=draft) if own_field else completion(f"<think>{draft}</think>\n{said}")

    faulty.answer = reasoning
    code, out, err = call(*asking(faulty, *CONSENT, "--json"))
    assert code == 0, err
    assert json.loads(out)["one"]["judge.laaj.forget.uq"]["value"] == 6


def test_sampling_is_the_judges_unless_it_is_said_otherwise(runs: Path, call: Any, faulty: Faulty) -> None:
    assert call(*asking(faulty, *CONSENT, "sampling.max_tokens=99", judge="laaj-paper"))[0] == 0
    assert {(r["temperature"], r["max_tokens"]) for r in faulty.requests} == {(1.3, 99)}
    assert read_judged(RunFolder("runs/one").judgments)["laaj-paper"].settings["sampling"] == {
        "temperature": 1.3,
        "top_p": None,
        "max_tokens": 99,
    }
    faulty.requests.clear()
    assert call(*asking(faulty, *CONSENT, "sampling.temperature=null", judge="laaj-paper"))[0] == 0
    assert not any("temperature" in request for request in faulty.requests)


def test_a_model_on_this_machine_judges_and_its_babble_scores_0(runs: Path, call: Any, tmp_path: Path) -> None:
    save_model(tiny_model(max_position_embeddings=4096), tiny_tokenizer(), tmp_path / "model")
    code, out, err = call("judge", "runs/one", "--judge", "laaj", "path=model", "sampling.max_tokens=4", "--json")
    assert code == 0, err
    scores = json.loads(out)["one"]
    assert scores["judge.laaj.forget.uq"]["value"] == scores["judge.laaj.near.rq"]["value"] == 0
    assert scores["judge.laaj.forget.uq.unread"]["value"] == 1
    judged = read_judged(RunFolder("runs/one").judgments)["laaj"]
    assert str(judged.asked) == "model on the user's own machine"
    assert all(each.outcome == "unreadable" and each.unread for each in judged.judgments)
    assert len(list(RunFolder("runs/one").replies.glob("*.json"))) == ROWS
