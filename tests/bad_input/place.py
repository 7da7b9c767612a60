"""The matrix of bad input: what a case is, where a user makes the mistake, and what is asked of the answer.

Each case starts from a working folder in which all is right (a model, rows, a scope, a recipe), breaks one thing, and
types one command. Whatever it is, the answer is one screen long, names what the case says, has the right exit code and
no traceback; and not a byte of the folder has changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from unlearnkit.cli.app import main

SCREEN = 24
"""Lines of the smallest terminal."""

CHECK, RUN = ("check", "recipe.yaml"), ("run", "recipe.yaml")
RESUME = (*RUN, "--resume")
OWN = "runs/own"
"""The folder of the recipe's run."""


@dataclass(frozen=True)
class Place:
    """A working folder in which all is right until a case breaks it."""

    root: Path
    patch: pytest.MonkeyPatch

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, in place of what had its name."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def recipe(self, **sections: Any) -> None:
        """Write `recipe.yaml`: fields of a section are changed one by one, all else is put in its place."""
        data: dict[str, Any] = recipe_data()
        for name, value in sections.items():
            merged = isinstance(value, dict) and isinstance(data.get(name), dict)
            data[name] = {**data[name], **value} if merged else value
        self.write("recipe.yaml", yaml.safe_dump(data, sort_keys=False, allow_unicode=True))

    def change(self, name: str, old: str, new: str) -> None:
        """Change one place of a text file."""
        text = (self.root / name).read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def edit(self, name: str, **changed: Any) -> None:
        """Change fields of a JSON file; None takes one out."""
        data = {**json.loads((self.root / name).read_text("utf-8")), **changed}
        self.write(name, json.dumps({key: value for key, value in data.items() if value is not None}))

    def cut(self, name: str, keep: float = 0.5) -> None:
        """Keep this share of a file."""
        data = (self.root / name).read_bytes()
        self.write(name, data[: int(len(data) * keep)])

    def remove(self, name: str) -> None:
        """Take a file or a folder away."""
        path = self.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def folder(self, name: str) -> None:
        """An empty folder in place of a file."""
        if (self.root / name).exists():
            self.remove(name)
        (self.root / name).mkdir(parents=True)

    def snapshot(self) -> dict[str, str]:
        """Every file with a digest of its bytes, and every folder."""
        return {
            str(path.relative_to(self.root)): "" if path.is_dir() else digest(path)
            for path in sorted(self.root.rglob("*"))
        }


@dataclass(frozen=True)
class Case:
    """One way to be wrong."""

    id: str
    breaks: Callable[[Place], object]
    """What is done to the folder in which all is right."""
    says: Sequence[str]
    """What must stand in the answer."""
    call: Sequence[str] = CHECK
    """What is typed."""
    code: int = 2
    """Exit code: 1 failed, 2 bad recipe or data, 4 something to provide."""
    findings: bool = field(default=False, kw_only=True)
    """Whether the answer is what `check` found, which stands on stdout."""
    mend: Callable[[Place], object] | None = field(default=None, kw_only=True)
    """What the answer's fix says, for a run that was under way: after it, `--resume` finishes as if nothing was."""

    def __str__(self) -> str:
        return self.id


def recipe_data() -> dict[str, Any]:
    """The recipe in which all is right."""
    return {
        "suite": {"name": "files"},
        "data": {"forget": "forget.jsonl", "retain": "retain.jsonl", "scope": "scope.yaml"},
        "model": {"path": "./model"},
        "method": {"name": "graddiff"},
        "train": {"epochs": None, "steps": 6, "batch_size": 4, "lr": 1e-3, "checkpoint_every": 2},
        "eval": {"max_new_tokens": 2},
        "gates": [],
        "out": OWN,
    }


def digest(file: Path) -> str:
    """Of a file's bytes, read as no test makes impossible."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unlearn(arguments: Sequence[str], patch: pytest.MonkeyPatch) -> int:
    """Exit code of the command line, run in this process."""
    patch.setattr(sys, "argv", ["unlearn", *arguments])
    try:
        return main()
    except SystemExit as leaving:
        return int(leaving.code or 0)


def assert_told(case: Case, place: Place, capture: pytest.CaptureFixture[str]) -> None:
    """Break what the case breaks, type what it types, and hold the answer to what all answers are held to."""
    case.breaks(place)
    before = place.snapshot()
    capture.readouterr()
    code = unlearn(case.call, place.patch)
    out, err = capture.readouterr()
    place.patch.undo()
    said = out if case.findings else err
    assert code == case.code, f"exit code {code}\n{err}{out}"
    assert_readable(said)
    for words in case.says:
        assert words in said, f"{words!r} is not in\n{said}"
    assert place.snapshot() == before


def assert_mended(case: Case, place: Place, unbroken: Path, capture: pytest.CaptureFixture[str]) -> None:
    """Do what the answer says, and go on: the weights are those of a run that nothing happened to."""
    assert case.mend is not None
    case.mend(place)
    assert unlearn(RESUME, place.patch) == 0, capture.readouterr().err
    name = "model/model.safetensors"
    assert digest(place.root / OWN / name) == digest(unbroken / OWN / name)


def assert_readable(said: str) -> None:
    """One screen, for a person: what is wrong, and what to do."""
    assert "Traceback" not in said
    assert len(said.splitlines()) <= SCREEN, said
    assert "fix:" in said, said
