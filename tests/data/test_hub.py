"""Rows of a data set on the hub: which of its files are taken, and that no other is downloaded."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.models.test_hub import Hub
from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.data.hub import local_copy, local_rows


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(tmp_path / "hub")
    at = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", at)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", at + "/{repo_id}/resolve/{revision}/{filename}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def put(hub: Hub, *names: str) -> None:
    """A data set, `us/rows`, of these files; each holds its own name."""
    for name in names:
        file = hub.folder / "us" / "rows" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"text": name}))


def found(path: str) -> str:
    """What the file says that was found."""
    return str(json.loads(local_rows(path, where="data.forget").read_text())["text"])


def test_an_id_stands_for_the_only_file_of_rows(hub: Hub) -> None:
    put(hub, "README.md", ".gitattributes", "LICENSE", "picture.png", "data/train.jsonl")
    assert found("us/rows") == "data/train.jsonl"
    assert hub.sent == ["data/train.jsonl"], "nothing else is downloaded"


def test_of_several_files_one_is_named(hub: Hub) -> None:
    put(hub, "README.md", "data/train.jsonl", "data/test.jsonl")
    with pytest.raises(InputError) as raised:
        local_rows("us/rows", where="data.forget")
    for said in ("2 files of rows", "data.forget", "data/test.jsonl, data/train.jsonl", "us/rows:data/test.jsonl"):
        assert said in raised.value.render()
    assert not hub.sent
    assert found("us/rows:data/train.jsonl") == "data/train.jsonl"
    assert hub.sent == ["data/train.jsonl"]


def test_a_folder_of_it_is_taken_whole_and_alone(hub: Hub) -> None:
    put(hub, "data/a.jsonl", "data/b.jsonl", "database/c.jsonl", "d.jsonl")
    folder = local_rows("us/rows:data", where="data.forget")
    assert sorted(file.name for file in folder.iterdir()) == ["a.jsonl", "b.jsonl"]
    assert sorted(hub.sent) == ["data/a.jsonl", "data/b.jsonl"]


def test_names_are_no_patterns(hub: Hub) -> None:
    put(hub, "[ab].jsonl", "a.jsonl")
    assert found("us/rows:[ab].jsonl") == "[ab].jsonl"
    assert hub.sent == ["[ab].jsonl"]


def test_what_is_not_in_it_is_told_with_what_is(hub: Hub) -> None:
    put(hub, *(f"{at}.jsonl" for at in range(12)))
    with pytest.raises(InputError, match=r"(?s)no such file or folder.*us/rows:train.*0\.jsonl, 1\.jsonl.*\.\.\."):
        local_rows("us/rows:train", where="data.forget")


def test_a_data_set_without_rows_is_told(hub: Hub) -> None:
    put(hub, "README.md", "weights.bin")
    with pytest.raises(InputError, match=r"(?s)0 files of rows.*another data set"):
        local_rows("us/rows", where="data.forget")


@pytest.mark.parametrize("asked", ["us/rows:b.jsonl", "us/rows:data"])
def test_what_was_downloaded_is_found_without_a_network(asked: str, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    put(hub, "a.jsonl", "b.jsonl", "data/c.jsonl")
    before = local_rows(asked, where="data.forget")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert local_rows(asked, where="data.forget") == before
    with pytest.raises(MissingDependency, match=r"(?s)HF_HUB_OFFLINE is set.*us/rows:a\.jsonl"):
        local_rows("us/rows:a.jsonl", where="data.forget")


def test_a_file_here_is_taken_before_any_hub(hub: Hub, tmp_path: Path) -> None:
    assert local_rows(str(tmp_path), where="data.forget") == tmp_path
    for mistyped in ("rows/old.jsonl", "a/b/c", "nothing.jsonl"):
        with pytest.raises(InputError, match=r"(?s)no such file or folder.*owner/name:FILE"):
            local_rows(mistyped, where="data.forget")


def test_a_whole_data_set_is_asked_for_by_its_id_alone(hub: Hub) -> None:
    put(hub, "a.json", "b.json")
    assert sorted(file.name for file in local_copy("us/rows", where="data.path").iterdir()) == ["a.json", "b.json"]
    with pytest.raises(InputError, match=r"(?s)the whole data set is needed.*leave out :a\.json"):
        local_copy("us/rows:a.json", where="data.path")


def refusing(hub: Hub, status: int, **headers: str) -> None:
    put(hub, "a.jsonl")
    hub.refused["us/rows"] = (status, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_data_set_is_told_with_the_way_to_get_it(status: int, hub: Hub) -> None:
    refusing(hub, status, X_Error_Code="GatedRepo")  # its list of files can be read by everyone
    says = r"(?s)the data set is gated.*data\.forget.*us/rows.*accept the terms on http://.*/datasets/us/rows.*HF_TOKEN"
    for asked in ("us/rows", "us/rows:a.jsonl"):
        with pytest.raises(MissingDependency, match=says):
            local_rows(asked, where="data.forget")
    with pytest.raises(MissingDependency, match=says):
        local_copy("us/rows", where="data.forget")
    for read in (local_rows, local_copy):  # not even the list of files
        with pytest.raises(MissingDependency, match=r"(?s)the data set is gated.*us/gated.*hf auth login"):
            read("us/gated", where="data.forget")


def test_a_token_without_the_right_to_read_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    refusing(hub, 403)
    with pytest.raises(MissingDependency, match=r"(?s)denies access to the data set \(HTTP 403\).*us/rows.*token"):
        local_rows("us/rows", where="data.forget")


def test_a_data_set_that_the_hub_does_not_have_is_told(hub: Hub) -> None:
    with pytest.raises(InputError, match=r"(?s)no such data set on the Hub.*data\.forget.*us/nothing.*hf auth login"):
        local_rows("us/nothing", where="data.forget")


def test_a_hub_that_does_not_answer_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    refusing(hub, 500)
    with pytest.raises(MissingDependency, match=r"(?s)the Hub answered with HTTP 500.*us/rows"):
        local_rows("us/rows", where="data.forget")
