"""The reference is written from the code, and its examples and those of all documents run."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
import yaml

from tests.docs.markdown import ROOT, blocks, documents, name_of
from unlearnkit.cli.app import app
from unlearnkit.pipeline.listing import KINDS, catalog, describe
from unlearnkit.recipe import make_recipe


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        return importlib.import_module("reference")


@pytest.fixture(scope="module")
def pages(reference: ModuleType) -> dict[str, str]:
    return reference.pages()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def parse() -> Callable[[list[str]], str]:
    """Parses arguments as the command line does, and returns the command's docstring instead of calling it."""
    called: list[str] = []

    def stub(command: Any) -> None:
        for inner in getattr(command, "commands", {}).values():
            stub(inner)
        if not hasattr(command, "commands"):
            command.callback = lambda **_: called.append(command.help)

    root = typer.main.get_command(app)
    stub(root)

    def run(arguments: list[str]) -> str:
        called.clear()
        root.main(list(arguments), standalone_mode=False)
        return called[0]

    return run


def calls(text: str) -> list[list[str]]:
    """Arguments of every call of `unlearn` in the bash blocks of a document."""
    lines = [line for block in blocks(text, "bash") for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("unlearn ")]


def test_every_plugin_and_command_has_an_entry(pages: dict[str, str]) -> None:
    text = "\n".join(pages.values())
    for kind in KINDS:
        for entry in catalog(kind):
            assert f"\n## {entry.name}\n" in text, (kind, entry.name)
    assert text.count("```bash") + text.count("```yaml") == text.count("\n## ")


def test_recipes_of_the_reference_are_valid(pages: dict[str, str]) -> None:
    found = [block for text in pages.values() for block in blocks(text, "yaml")]
    assert len(found) > 30
    for block in found:
        make_recipe({"name": "example", **yaml.safe_load(block)})


@pytest.mark.parametrize("path", [path for path in documents() if "reference" not in path.parts], ids=name_of)
def test_whole_recipes_in_other_documents_are_valid(path: Path) -> None:
    for block in blocks(path.read_text(encoding="utf-8"), "yaml"):
        read = yaml.safe_load(block)
        if isinstance(read, dict) and {"suite", "method"} <= set(read):
            assert make_recipe({"name": "example", **read}).method["name"] == read["method"]["name"]


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_commands_in_documents_are_parsed(path: Path, parse: Callable[[list[str]], str]) -> None:
    for arguments in calls(path.read_text(encoding="utf-8")):
        assert parse(arguments)


def test_what_a_command_names_is_registered(pages: dict[str, str]) -> None:
    for arguments in (call for text in pages.values() for call in calls(text)):
        for option in ("--attacks", "--judges", "--judge", "--objectives", "--suite"):
            if option in arguments:
                for name in arguments[arguments.index(option) + 1].split(","):
                    assert describe(name)


def test_a_wrong_command_is_refused(parse: Callable[[list[str]], str]) -> None:
    for arguments in (["run"], ["run", "x.yaml", "--resum"], ["judge", "agree", "runs/a"], ["forget"]):
        with pytest.raises(Exception, match=r"(?i)missing|no such"):
            parse(arguments)


def test_stale_pages_are_found(
    reference: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def call(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["reference.py", "--folder", str(tmp_path), *arguments])
        return reference.main()  # type: ignore[no-any-return]

    assert call("--check") == 1 and "recipe.md" in capsys.readouterr().err
    assert call() == 0 and call("--check") == 0
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "methods.md").write_text("# Methods\n", encoding="utf-8")
    (tmp_path / "old.md").write_text("# Old\n", encoding="utf-8")
    assert call("--check") == 1
    told = capsys.readouterr().err
    assert "methods.md" in told and "old.md" in told and "recipe.md" not in told
    assert call() == 0 and {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
