"""Asking a server: each way to fail, and what is never done: lost, paid for twice, sent without consent, told."""

from __future__ import annotations

import random
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.llm.asking import KEY, ask, prompts, seeded_faults
from tests.llm.faulty import FAULTS, always, at_first, completion, never, serving
from unlearnkit.core.errors import InputError, MissingDependency, UnlearnError
from unlearnkit.llm.retry import RetriesExhausted, retry_after
from unlearnkit.llm.types import Reply, Sampling

# --- what is asked, and what is understood ---------------------------------------------------------------------------


def test_replies_come_in_order_and_what_is_sent_is_what_was_set(tmp_path: Path) -> None:
    with serving() as faulty:
        sampling = Sampling(temperature=0.5, max_tokens=9)
        replies = ask(faulty, tmp_path, prompts(20), sampling=sampling, limit_name="max_completion_tokens", at_once=4)
        assert [reply.text for reply in replies] == [f"to question {n}" for n in range(20)]
        assert replies[0] == Reply(reasoning="hm", text="to question 0", tokens_in=7, tokens_out=11)
        request = faulty.requests[0]
        assert (request["model"], request["temperature"], request["max_completion_tokens"]) == ("m", 0.5, 9)
        assert not {"top_p", "max_tokens", "seed"} & set(request)
        assert faulty.headers[0]["authorization"] == f"Bearer {KEY}"


def test_so_many_requests_are_under_way_at_once(tmp_path: Path) -> None:
    with serving(fault=always("held")) as faulty:

        def release() -> None:
            while faulty.busy < 3:
                time.sleep(0.001)
            faulty.release.set()

        thread = threading.Thread(target=release)
        thread.start()
        ask(faulty, tmp_path, prompts(9), at_once=3)
        thread.join()
        assert faulty.busiest == 3


@pytest.mark.parametrize(
    ("message", "reasoning", "text"),
    [
        (completion("b", reasoning_content=" a "), "a", "b"),
        (completion("b", reasoning="a"), "a", "b"),
        (completion("<think>a</think>\nb"), "a", "b"),
        (completion("a</think>b"), "a", "b"),
        (completion("<thinking>a</thinking>b"), "a", "b"),
        (completion("<think>a"), "a", ""),
        (completion("<think>c</think>b", reasoning_content="a"), "a", "b"),
        (completion("<think>a</think>b", reasoning={"effort": 1}, reasoning_content=""), "a", "b"),
        (completion("b"), "", "b"),
        (completion(None, reasoning_content="a"), "a", ""),
        (completion("x<think>a</think>b<think>c</think>"), "a\nc", "x\nb"),
    ],
)
def test_the_thought_is_told_from_the_answer(message: Any, reasoning: str, text: str, tmp_path: Path) -> None:
    with serving(lambda _: message) as faulty:
        (reply,) = ask(faulty, tmp_path, prompts(1))
    assert (reply.reasoning, reply.text) == (reasoning, text)


def test_how_an_answer_ended(tmp_path: Path) -> None:
    def cut(request: Any) -> dict[str, Any]:
        answer = completion("b")
        answer["choices"][0]["finish_reason"] = reasons[request["messages"][-1]["content"]]
        return answer

    reasons = {"question 0": "length", "question 1": "content_filter", "question 2": "stop"}
    with serving(cut) as faulty:
        assert [reply.ended for reply in ask(faulty, tmp_path, prompts(3))] == ["length", "filter", "stop"]
    kept_back = '{"status": 400, "message": "m", "code": "content_filter"}'
    with serving(fault=always(kept_back)) as faulty:
        assert ask(faulty, tmp_path / "b", prompts(1))[0].ended == "filter"


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_costs_a_request_and_no_answer(fault: str, tmp_path: Path) -> None:
    with serving(fault=at_first(fault, 2)) as faulty:
        replies = ask(faulty, tmp_path, prompts(4))
    assert [reply.text for reply in replies] == [f"to question {n}" for n in range(4)]
    assert set(faulty.answered.values()) == {1}
    assert set(faulty.asked.values()) == ({1} if fault == "slow" else {3})


def test_an_answer_that_is_whole_is_taken_whatever_it_is_labeled(tmp_path: Path) -> None:
    with serving(fault=always("labeled as text")) as faulty:
        assert ask(faulty, tmp_path, prompts(1))[0].text == "to question 0"
    assert faulty.asked.total() == 1


def test_a_server_that_is_silent_too_long_is_asked_again(tmp_path: Path) -> None:
    with serving(fault=at_first("slow")) as faulty:
        assert ask(faulty, tmp_path, prompts(1), timeout=0.1)[0].text == "to question 0"
    assert faulty.asked["question 0"] == 2


def test_all_wait_when_the_server_asks_one_to(tmp_path: Path) -> None:
    with serving(fault=at_first("429 and wait")) as faulty:
        began = time.monotonic()
        ask(faulty, tmp_path, prompts(3), at_once=1)
        assert time.monotonic() - began > 0.15 * 3


@pytest.mark.parametrize("fault", ["429", "500", "cut-off", "dropped", "html"])
def test_what_does_not_pass_is_given_up_and_the_rest_is_kept(fault: str, tmp_path: Path) -> None:
    notes: list[str] = []
    with serving(fault=lambda said, before: fault if said.endswith("5") else None) as faulty:
        with pytest.raises(RetriesExhausted, match="no answer in 3 tries") as raised:
            ask(faulty, tmp_path, prompts(6), tries=3, at_once=1, note=notes.append)
        assert faulty.asked["question 5"] == 3 and faulty.answered.total() == 5
        assert "question" not in str(raised.value) and len(notes) == 1
        faulty.fault = never
        assert len(ask(faulty, tmp_path, prompts(6))) == 6
        assert set(faulty.answered.values()) == {1}


def test_who_answers_nothing_is_asked_again_and_then_taken_at_its_word(tmp_path: Path) -> None:
    with serving(fault=always("no choices")) as faulty:
        (reply,) = ask(faulty, tmp_path, prompts(1), tries=3)
        assert (reply.ended, reply.text, faulty.asked.total()) == ("none", "", 3)
        faulty.fault = never
        assert ask(faulty, tmp_path, prompts(1))[0].text == "to question 0", "nothing was kept"


def test_what_a_server_says_of_waiting() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 <= (retry_after({"retry-after": later}) or 0) <= 30
    said = {"2": 2.0, "0.5": 0.5, "-3": 0.0, "Thu, 01 Jan 2015 00:00:00 GMT": 0.0, "": None, "soon": None, "nan": None}
    assert {text: retry_after({"retry-after": text}) for text in said} == said


def test_nobody_waits_for_a_day(tmp_path: Path) -> None:
    with serving(fault=always("429 for a day")) as faulty, pytest.raises(RetriesExhausted, match="86400 s"):
        ask(faulty, tmp_path, prompts(1))
    assert faulty.asked.total() == 1


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (
            f'{{"status": 401, "message": "{KEY}", "code": "invalid_api_key"}}',
            MissingDependency,
            ["401", "invalid_api_key"],
        ),
        (f'{{"status": 403, "message": "{KEY}"}}', MissingDependency, ["403", "key"]),
        ('{"status": 404, "message": "question 0"}', InputError, ["404", "server.model"]),
        (
            '{"status": 400, "message": "question 0", "code": "unsupported_parameter", "param": "max_tokens"}',
            InputError,
            ["unsupported_parameter", "max_tokens"],
        ),
        ('{"status": 429, "message": "m", "code": "insufficient_quota"}', UnlearnError, ["no credit"]),
        ("to http://127.0.0.1:1/v1/chat/completions", InputError, ["redirects"]),
    ],
)
def test_what_will_not_pass_ends_it_at_once(
    fault: str, kind: type[UnlearnError], says: list[str], tmp_path: Path
) -> None:
    with serving(fault=always(fault)) as faulty, pytest.raises(kind) as raised:
        ask(faulty, tmp_path, prompts(1))
    assert faulty.asked.total() == 1
    assert all(words in str(raised.value) for words in says)
    # The server repeats what it was sent; the error does not.
    assert KEY not in str(raised.value) and "question" not in str(raised.value)


def test_a_redirect_is_not_followed_to_another_server(tmp_path: Path) -> None:
    with serving() as other, serving(fault=always(f"to {other.url}/chat/completions")) as faulty:
        with pytest.raises(InputError, match="redirects"):
            ask(faulty, tmp_path, prompts(1))
        assert other.connections == 0


def test_two_hundred_prompts_through_all_faults(tmp_path: Path) -> None:
    with serving(fault=seeded_faults(7)) as faulty:
        replies = ask(faulty, tmp_path, prompts(200), at_once=16)
        assert [reply.text for reply in replies] == [f"to question {n}" for n in range(200)]
        assert set(faulty.answered.values()) == {1} and faulty.asked.total() > 280
        ask(faulty, tmp_path, prompts(200))
        assert faulty.answered.total() == 200


# --- kept on disk ----------------------------------------------------------------------------------------------------


def test_a_reply_is_found_by_all_that_decides_it(tmp_path: Path) -> None:
    with serving() as faulty:
        ask(faulty, tmp_path, prompts(3))
        ask(faulty, tmp_path, prompts(3) * 2)
        assert faulty.asked.total() == 3, "and a prompt that stands there twice is asked once"
        for number, other in enumerate(
            (
                lambda: ask(faulty, tmp_path, prompts(3), model="n"),
                lambda: ask(faulty, tmp_path, prompts(3), sampling=Sampling(temperature=0.1)),
                lambda: ask(faulty, tmp_path, prompts(3, draw="1")),
            ),
            2,
        ):
            other()
            assert faulty.asked.total() == 3 * number
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        # Neither the key nor what was asked; what was answered here repeats that.
        assert KEY not in file.read_text()


def test_a_reply_that_was_damaged_is_told(tmp_path: Path) -> None:
    with serving() as faulty:
        ask(faulty, tmp_path, prompts(1))
        next(tmp_path.iterdir()).write_text('{"reasoning": "hm", "te')
        with pytest.raises(InputError, match="damaged") as raised:
            ask(faulty, tmp_path, prompts(1))
    assert "hm" not in str(raised.value).replace(str(tmp_path), "")


CHILD = """
import sys
from pathlib import Path
from tests.llm.asking import HERE, QUICK, prompts
from unlearnkit.llm.types import Sampling
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.openai_server import Server, ServerSettings
url, folder = sys.argv[1:]
settings = ServerSettings(url=url, model="m", **{**QUICK, "at_once": 8})
print("ready", flush=True)
Server(settings, HERE, ResponseCache(Path(folder))).complete(prompts(200), Sampling())
print("done", flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_a_random_moment_nothing_received_is_lost_or_paid_for_twice(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    with serving(fault=seeded_faults(seed, share=0.2)) as faulty:
        command = [sys.executable, "-c", CHILD, faulty.url, str(tmp_path)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        enough = draw.randrange(10, 150)
        while faulty.answered.total() < enough:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.02))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        child.stdout.close()
        faulty.settle()
        kept = {path.name for path in tmp_path.glob("*.json")}
        paid = faulty.answered.copy()
        # What the server had answered and we had not yet read when we were killed: nobody can know of that.
        assert paid.total() - len(kept) <= 8
        assert len(ask(faulty, tmp_path, prompts(200))) == 200
        # Exactly those that were not received are asked for.
        assert faulty.answered.total() - paid.total() == 200 - len(kept)
        assert all(count <= 2 for count in faulty.answered.values())
