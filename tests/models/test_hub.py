"""Models by their Hub id: from the cache without a network, and from a small Hub of our own on this machine."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
import torch
from huggingface_hub import constants

from tests.tiny import adapted, logits, tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError, MissingDependency
from unlearnkit.models.folder import find_model, weights_fingerprint
from unlearnkit.models.load import load_model, load_tokenizer, meta_load, save_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLD = "f" * 40
"""The commit of the branch `old`, whose files are in the folder `<owner>/<name>@old`."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub's."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache


def put(cache: Path, name: str) -> Path:
    """A place in the cache, as the Hub's client would have made it."""
    place = cache / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    return place / "snapshots" / COMMIT


def test_a_model_in_the_cache_needs_no_network(offline: Path) -> None:
    save_model(tiny_model(), tiny_tokenizer(), put(offline, "us/model"))
    found = find_model("us/model")
    assert (found.name, found.base) == ("us/model", None)
    assert torch.equal(logits(load_model("us/model").eval()), logits(tiny_model()))
    assert load_tokenizer("us/model").get_vocab() == tiny_tokenizer().get_vocab()
    assert len(weights_fingerprint("us/model")) == 64


@pytest.mark.parametrize("local", [False, True])
def test_an_adapter_whose_base_is_on_the_hub(local: bool, offline: Path, tmp_path: Path) -> None:
    save_model(tiny_model(), tiny_tokenizer(), put(offline, "us/model"))
    model = adapted(load_model("us/model"))
    folder = tmp_path / "adapter" if local else put(offline, "us/adapter")
    save_model(model, tiny_tokenizer(), folder)
    assert json.loads((folder / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"] == "us/model"
    source = str(folder) if local else "us/adapter"
    torch.testing.assert_close(logits(load_model(source).eval()), logits(model))
    base = find_model(source).base
    assert base is not None and base.name == "us/model"


def test_a_model_that_is_not_here_is_something_to_provide(offline: Path) -> None:
    with pytest.raises(
        MissingDependency, match=r"(?s)Hub cannot be reached.*us/nothing.*HF_HUB_OFFLINE.*local folder"
    ) as raised:
        meta_load("us/nothing")
    assert raised.value.exit_code == 4
    assert len(raised.value.render().splitlines()) < 6


def test_a_missing_base_on_the_hub_names_the_field(offline: Path, tmp_path: Path) -> None:
    save_model(tiny_model(), tiny_tokenizer(), tmp_path / "base")
    save_model(adapted(load_model(str(tmp_path / "base"))), tiny_tokenizer(), tmp_path / "adapter")
    settings = tmp_path / "adapter" / "adapter_config.json"
    settings.write_text(settings.read_text("utf-8").replace(str((tmp_path / "base").resolve()), "us/nothing"))
    with pytest.raises(MissingDependency, match=r"(?s)adapter_config\.json, field base_model_name_or_path.*us/nothing"):
        find_model(str(tmp_path / "adapter"))


@pytest.mark.parametrize("name", ["a b", "us/a:b", "us/-x", "us--x/y", "x" * 120])
def test_what_is_no_id_is_told(name: str, offline: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)no such model folder, and the name is not a Hub id"):
        find_model(name)


class Hub(ThreadingHTTPServer):
    """As much of the Hub as a download needs. Its models are folders: `<folder>/<owner>/<name>`."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder, self.sent = folder, []  # type: ignore[var-annotated]
        self.breaks = ""
        """A file that breaks off in the middle."""
        self.refused: dict[str, tuple[int, dict[str, str]]] = {}
        """Status and headers for repositories that may be listed, but not downloaded."""


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self._file(send=False)

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        if path.startswith(("/api/models/", "/api/datasets/")):
            parts = path.split("/")
            self._listing("/".join(parts[3:5]), parts[6] if len(parts) > 6 else "main", tree="tree" in parts)
        else:
            self._file(send=True)

    def _place(self, name: str, revision: str) -> Path:
        old = revision in ("old", OLD)
        return self.server.folder / (f"{name}@old" if old else name)

    def _listing(self, name: str, revision: str, *, tree: bool) -> None:
        folder = self._place(name, revision)
        if not (self.server.folder / name).is_dir():
            gated = name.endswith("gated")
            self._answer(b"", 403 if gated else 404, {"X-Error-Code": "GatedRepo" if gated else "RepoNotFound"})
            return
        if revision not in ("main", "old", COMMIT, OLD):
            self._answer(b"", 404, {"X-Error-Code": "RevisionNotFound"})
            return
        files = {f.relative_to(folder).as_posix(): f for f in sorted(folder.rglob("*")) if f.is_file()}
        entries = [{"type": "file", "path": n, "size": f.stat().st_size, "oid": "0" * 40} for n, f in files.items()]
        commit = OLD if revision in ("old", OLD) else COMMIT
        info = {"id": name, "sha": commit, "siblings": [{"rfilename": name} for name in files]}
        self._answer(json.dumps(entries if tree else info).encode(), 200, {"Content-Type": "application/json"})

    def _file(self, *, send: bool) -> None:
        owner, name, _, revision, file = unquote(self.path).removeprefix("/datasets").strip("/").split("/", 4)
        if refusal := self.server.refused.get(f"{owner}/{name}"):
            self._answer(b"", *refusal, send=send)
            return
        path = self._place(f"{owner}/{name}", revision) / file
        if not path.exists():
            self._answer(b"", 404, {"X-Error-Code": "EntryNotFound"}, send=send)
            return
        body = path.read_bytes()
        commit = OLD if revision in ("old", OLD) else COMMIT
        headers = {"X-Repo-Commit": commit, "ETag": f'"{len(body)}{file}{commit[0]}"'}
        if send:
            self.server.sent.append(file)
        keep = len(body) // 2 if file == self.server.breaks else None
        self._answer(body, 200, headers, keep=keep, send=send)

    def _answer(
        self, body: bytes, code: int, headers: dict[str, str], *, keep: int | None = None, send: bool = True
    ) -> None:
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if send:
            self.wfile.write(body[:keep])


@pytest.fixture
def hub(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(tmp_path / "hub")
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}"
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_model_is_downloaded_without_what_is_not_read(hub: Hub) -> None:
    folder = hub.folder / "us" / "model"
    save_model(tiny_model(), tiny_tokenizer(), folder)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "consolidated.safetensors").write_bytes(b"the same again")
    assert torch.equal(logits(load_model("us/model").eval()), logits(tiny_model()))
    assert "model.safetensors" in hub.sent
    assert not {"pytorch_model.bin", "consolidated.safetensors"} & set(hub.sent)


def test_a_model_that_is_refused_is_not_downloaded(hub: Hub) -> None:
    folder = hub.folder / "us" / "model"
    save_model(tiny_model(), tiny_tokenizer(), folder)
    settings = json.loads((folder / "config.json").read_text("utf-8"))
    code = {"model_type": "martian", "auto_map": {"AutoModelForCausalLM": "own.Model"}}
    (folder / "config.json").write_text(json.dumps({**settings, **code}))
    with pytest.raises(InputError, match="needs custom code"):
        find_model("us/model")
    assert "config.json" in hub.sent and "model.safetensors" not in hub.sent


def test_pickles_on_the_hub_are_refused(hub: Hub) -> None:
    folder = hub.folder / "us" / "model"
    save_model(tiny_model(), tiny_tokenizer(), folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="contains no safetensors"):
        find_model("us/model")
    assert "pytorch_model.bin" not in hub.sent


def test_a_pickled_adapter_on_the_hub_is_refused(hub: Hub) -> None:
    save_model(tiny_model(), tiny_tokenizer(), hub.folder / "us" / "model")
    save_model(adapted(load_model("us/model")), tiny_tokenizer(), hub.folder / "us" / "adapter")
    find_model("us/adapter")
    folder = hub.folder / "us" / "old"
    shutil.copytree(hub.folder / "us" / "adapter", folder)
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(InputError, match="contains no safetensors"):
        find_model("us/old")
    assert "adapter_model.bin" not in hub.sent


def test_what_the_hub_does_not_have_or_give_is_told(hub: Hub) -> None:
    with pytest.raises(InputError, match=r"(?s)no such model on the Hub.*us/nothing.*hf auth login"):
        find_model("us/nothing")
    with pytest.raises(MissingDependency, match=r"(?s)the model is gated.*us/gated.*hf auth login"):
        find_model("us/gated")


GATED = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this resource is restricted."}


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (401, GATED, r"(?s)the model is gated.*us/model.*accept the terms on http://.*/us/model.*HF_TOKEN"),
        (403, GATED, r"(?s)the model is gated.*us/model.*accept the terms on http://.*/us/model.*HF_TOKEN"),
        (403, {}, r"(?s)denies access to the model \(HTTP 403\).*us/model.*hf auth login.*fine-grained"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, r"(?s)HTTP 401.*hf auth login"),
    ],
    ids=["gated, nobody logged in", "gated, not accepted", "a token without the right", "a wrong token"],
)
def test_files_that_the_hub_does_not_give_are_told(
    status: int, headers: dict[str, str], says: str, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    save_model(tiny_model(), tiny_tokenizer(), hub.folder / "us" / "model")
    hub.refused["us/model"] = (status, headers)  # its page and its list of files can be read by everyone
    with pytest.raises(MissingDependency, match=says) as raised:
        find_model("us/model")
    assert raised.value.exit_code == 4
    assert "interrupted" not in str(raised.value)


def test_an_adapter_is_put_on_the_revision_of_its_base_that_it_names(hub: Hub, tmp_path: Path) -> None:
    save_model(tiny_model(seed=1), tiny_tokenizer(), hub.folder / "us" / "model")
    save_model(tiny_model(seed=2), tiny_tokenizer(), hub.folder / "us" / "model@old")
    model = adapted(tiny_model(seed=2))
    expected = logits(model)
    for revision in ("old", OLD):
        folder = tmp_path / revision[:3]
        save_model(model, tiny_tokenizer(), folder)
        settings = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        named = {"base_model_name_or_path": "us/model", "revision": revision}
        (folder / "adapter_config.json").write_text(json.dumps({**settings, **named}), "utf-8")
        torch.testing.assert_close(logits(load_model(str(folder)).eval()), expected)
        meta_load(str(folder))
    (folder / "adapter_config.json").write_text(json.dumps({**settings, **named, "revision": "new"}), "utf-8")
    with pytest.raises(InputError, match=r"(?s)no such revision.*base_model_name_or_path.*us/model, revision new"):
        load_model(str(folder))


def test_an_adapter_on_a_model_of_the_hub_notes_the_commit(hub: Hub, tmp_path: Path) -> None:
    save_model(tiny_model(), tiny_tokenizer(), hub.folder / "us" / "model")
    save_model(adapted(load_model("us/model")), tiny_tokenizer(), tmp_path)
    settings = json.loads((tmp_path / "adapter_config.json").read_text("utf-8"))
    assert (settings["base_model_name_or_path"], settings["revision"]) == ("us/model", COMMIT)


def test_a_download_that_breaks_off_is_told_and_goes_on(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # between the client's own tries
    save_model(tiny_model(), tiny_tokenizer(), hub.folder / "us" / "model")
    hub.breaks = "model.safetensors"
    with pytest.raises(MissingDependency, match="was interrupted"):
        find_model("us/model")
    hub.breaks = ""
    # What did arrive is gone on with, or thrown away: either way the file is whole.
    assert torch.equal(logits(load_model("us/model").eval()), logits(tiny_model()))


def test_a_cache_that_cannot_be_written_is_told(hub: Hub, cache: Path) -> None:
    save_model(tiny_model(), tiny_tokenizer(), hub.folder / "us" / "model")
    cache.write_text("a file, where a folder is needed")
    with pytest.raises(MissingDependency, match=r"(?s)cannot be stored.*cache.*HF_HOME"):
        find_model("us/model")
