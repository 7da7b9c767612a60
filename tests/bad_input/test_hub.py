"""The Hub: away, or breaking off in the middle of a download."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from tests.bad_input.place import CHECK, OWN, RUN, Case, Place, assert_told, digest, unlearn
from tests.models.test_hub import Hub


def nothing(_: Place) -> None:
    """Only what is typed is wrong."""


CASES = [
    Case(
        "hub-model-out-of-reach",
        lambda place: place.recipe(model={"path": "us/model"}),
        ["Hub cannot be reached", "'us/model'"],
        RUN,
        4,
    ),
    Case(
        "hub-rows-out-of-reach",
        lambda place: place.recipe(data={"forget": "us/rows"}),
        ["the data set is not on this machine", "HF_HUB_OFFLINE is set", "data.forget", "'us/rows'"],
        CHECK,
        4,
    ),
    Case(
        "hub-rows-out-of-reach-in-a-run",
        lambda place: place.recipe(data={"retain": "us/rows"}),
        ["data.retain", "'us/rows'"],
        RUN,
        4,
    ),
    Case(
        "hub-tofu-out-of-reach-in-eval",
        nothing,
        ["data.path", "'us/TOFU'"],
        ("eval", "./model", "--suite", "tofu", "--data", "us/TOFU", "--out", "e"),
        4,
    ),
    Case(
        "hub-rows-out-of-reach-in-init",
        nothing,
        ["--forget", "'us/rows'"],
        ("init", "--model", "./model", "--forget", "us/rows", "--out", "new"),
        4,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hub_that_cannot_be_reached_is_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)


@pytest.fixture
def hub(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(tmp_path / "on_the_hub")
    at = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", at)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", at + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr("time.sleep", lambda _: None)  # between the client's own tries
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("breaking", "sections", "says"),
    [
        (
            "model.safetensors",
            {"model": {"path": "us/model"}},
            ["the Hub cannot be reached or the download was interrupted", "'us/model'"],
        ),
        (
            "rows.jsonl",
            {"data": {"forget": "us/rows"}},
            ["the Hub cannot be reached or the download was interrupted", "data.forget", "'us/rows'"],
        ),
    ],
    ids=["download-of-a-model-breaks-off", "download-of-rows-breaks-off"],
)
def test_a_download_that_breaks_off_is_told_and_made_anew(
    breaking: str, sections: dict[str, Any], says: list[str], hub: Hub, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place.root / "model", hub.folder / "us" / "model")
    (hub.folder / "us" / "rows").mkdir()
    shutil.copyfile(place.root / "forget.jsonl", hub.folder / "us" / "rows" / "rows.jsonl")
    place.recipe(**sections)
    hub.breaks = breaking
    assert_told(Case("", lambda _: None, says, RUN, 4), place, capsys)
    hub.breaks = ""
    assert unlearn(RUN, place.patch) == 0, capsys.readouterr().err
    assert digest(place.root / OWN / "model" / "model.safetensors")
