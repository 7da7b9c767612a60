"""What all tests of chat models begin with."""

from __future__ import annotations

import pytest

from tests.llm.asking import KEY


@pytest.fixture(autouse=True)
def key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
