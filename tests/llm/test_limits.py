"""What may be sent and spent: consent, keys, budget, and the stop to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.llm.asking import ask, prompts
from tests.llm.faulty import always, at_first, serving
from unlearnkit.core.errors import InputError, Interrupted, MissingDependency
from unlearnkit.core.signals import StopRequest
from unlearnkit.llm.budget import BudgetExhausted
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.openai_server import ServerSettings
from unlearnkit.llm.types import Sampling

# --- stopping, budget ------------------------------------------------------------------------------------------------


def test_ctrl_c_stops_between_requests_and_keeps_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, hear = threading.Event(), StopRequest.request
    monkeypatch.setattr(StopRequest, "request", lambda stop: (hear(stop), heard.set()))
    with serving(fault=always("held")) as faulty:

        def interrupt() -> None:
            while faulty.asked.total() < 4:
                time.sleep(0.001)
            os.kill(os.getpid(), signal.SIGINT)
            heard.wait(60)
            faulty.release.set()

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(Interrupted, match="4 of 20 answers"):
            ask(faulty, tmp_path, prompts(20), at_once=4)
        thread.join()
        assert (faulty.asked.total(), faulty.answered.total()) == (4, 4)
        assert len(ask(faulty, tmp_path, prompts(20))) == 20
        assert set(faulty.answered.values()) == {1}


def test_ctrl_c_ends_a_wait(tmp_path: Path) -> None:
    with serving(fault=always("500")) as faulty:

        def interrupt() -> None:
            while not faulty.asked:
                time.sleep(0.001)
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Interrupted):
            ask(faulty, tmp_path, prompts(1), first_wait=60.0, longest_wait=60.0)
        thread.join()
        assert time.monotonic() - began < 10


def test_requests_end_with_the_budget_and_what_came_is_kept(tmp_path: Path) -> None:
    with serving(fault=at_first("500")) as faulty:
        with pytest.raises(BudgetExhausted, match="--max-requests"):
            ask(faulty, tmp_path, prompts(20), Permission("127.0.0.1", max_requests=17), at_once=3)
        assert faulty.asked.total() == 17, "a request that failed is one too"
        assert len(list(tmp_path.iterdir())) == faulty.answered.total() > 0
        assert len(ask(faulty, tmp_path, prompts(20))) == 20
        assert set(faulty.answered.values()) == {1}


PRICES = {"price_in": 1.0, "price_out": 1000.0}


def test_no_request_begins_that_might_cost_too_much(tmp_path: Path) -> None:
    with serving() as faulty:
        # An answer costs 0.011 (11 tokens), and might cost 0.02.
        sampling = Sampling(max_tokens=20)
        with pytest.raises(BudgetExhausted, match="--max-cost"):
            ask(faulty, tmp_path, prompts(20), Permission("127.0.0.1", max_cost=0.1), sampling, **PRICES)
        assert 0.1 - 0.0202 < 0.011 * faulty.answered.total() <= 0.1
        with pytest.raises(BudgetExhausted):
            ask(faulty, tmp_path / "b", prompts(1), Permission("127.0.0.1", max_cost=0.01), sampling, **PRICES)
        with pytest.raises(InputError, match="needs prices"):
            ask(faulty, tmp_path, prompts(1), Permission("127.0.0.1", max_cost=1.0))


@pytest.mark.parametrize(("fault", "paid"), [("500", False), ("429", False), ("cut-off", True), ("html", True)])
def test_what_may_have_been_paid_counts_as_paid(fault: str, paid: bool, tmp_path: Path) -> None:
    with serving(fault=at_first(fault)) as faulty:
        permission, sampling = Permission("127.0.0.1", max_cost=0.04), Sampling(max_tokens=30)
        if paid:
            with pytest.raises(BudgetExhausted):
                ask(faulty, tmp_path, prompts(1), permission, sampling, **PRICES)
        else:
            ask(faulty, tmp_path, prompts(1), permission, sampling, **PRICES)


# --- consent and keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("consent", [None, "localhost", "api.openai.com", "127.0.0.10", ""])
def test_nothing_is_sent_without_consent_to_this_very_host(consent: str | None, tmp_path: Path) -> None:
    with serving() as faulty:
        with pytest.raises(InputError) as raised:
            ask(faulty, tmp_path, prompts(1), Permission(consent))
        assert "--send-forget-data-to 127.0.0.1" in str(raised.value)
        assert faulty.connections == 0


def test_no_key_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with serving() as faulty:
        with pytest.raises(MissingDependency, match="OPENAI_API_KEY") as raised:
            ask(faulty, tmp_path, prompts(1))
        assert raised.value.exit_code == 4 and faulty.connections == 0
        monkeypatch.setenv("MY_KEY", "k\u0439")
        with pytest.raises(InputError, match="cannot be part of a key"):
            ask(faulty, tmp_path, prompts(1), key_variable="MY_KEY")
        ask(faulty, tmp_path, prompts(1), key_variable=None)


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlearnkit.llm.openai_server.find_spec", lambda _: None)
    with serving() as faulty, pytest.raises(MissingDependency, match=r"unlearnkit\[api\]") as raised:
        ask(faulty, tmp_path, prompts(1))
    assert raised.value.exit_code == 4


@pytest.mark.parametrize(
    "url",
    ["api.openai.com/v1", "ftp://x/v1", "https://", "https://me:pw@x/v1", "https://x/v1?key=1", "http://x:y/v1", ""],
)
def test_a_url_names_a_host_and_no_secret(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        ServerSettings(url=url, model="m")


@pytest.mark.parametrize("url", ["https://API.example.com:8443/v1/", "http://[::1]:8000/v1"])
def test_the_host_is_that_of_the_url(url: str) -> None:
    assert ServerSettings(url=url, model="m").host == ("::1" if "[" in url else "api.example.com")
    Permission("API.EXAMPLE.com").refuse_unless_sent_to("api.example.com")
