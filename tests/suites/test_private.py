"""What is to be forgotten is told nowhere but in `private/`: not by a run, a failure, a check, or what reads a run."""

from __future__ import annotations

import gzip
import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bad_input.place import unlearn
from tests.suites import test_files
from tests.suites.test_files import holding, recipe_of, secrets
from unlearnkit.runs.folder import RunFolder
from unlearnkit.training.loop import Trainer

pile = test_files.pile

TOLD = "Zanzibar-77"
"""Stands in every answer of the rows below."""


class Workspace:
    """A working folder with a cache and a temp folder in it, and everything that was said there."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, capture: Any, log: pytest.LogCaptureFixture) -> None:
        self.root, self._patch, self._capture, self._log = root, patch, capture, log

    def write(self, recipe: dict[str, Any]) -> None:
        (self.root / "recipe.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")

    def call(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, and stderr with all that was logged."""
        self._log.clear()
        self._capture.readouterr()
        with self._log.at_level(logging.DEBUG):
            code = unlearn(arguments, self._patch)
        out, err = self._capture.readouterr()
        return code, out, err + self._log.text


@pytest.fixture
def workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, caplog: pytest.LogCaptureFixture
) -> Iterator[Workspace]:
    (tmp_path / "temp").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNLEARNKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    monkeypatch.setattr(tempfile, "tempdir", None)  # asked for anew
    yield Workspace(tmp_path, monkeypatch, capfd, caplog)
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_board(pile: dict[str, str], workspace: Workspace) -> None:
    """A board and its raw results tell nothing.

    The name is short because the subprocesses need a socket in the test's folder, and the path of a socket is limited.
    """
    recipe = recipe_of(pile, workspace.root / "run", holdout=pile["holdout"])
    data = {
        "suites": [{"name": "files", "data": recipe["data"]}],
        "methods": {"TRU": {**{key: recipe[key] for key in ("model", "train", "eval")}, "method": {"name": "tru"}}},
        "scores": {"forget.accuracy": "correct", "worst_subject.tells": "tells"},
        "keep": "kept.json.gz",
    }
    (workspace.root / "board.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    code, out, err = workspace.call("board", "board.yaml")
    assert code == 0, err
    code, plan, _ = workspace.call("board", "board.yaml", "--plan")
    assert code == 0
    folder = workspace.root / "runs" / "boards" / "board"
    forms = secrets(RunFolder(folder / "files" / "tru-seed-0"))
    kept = gzip.decompress((workspace.root / "kept.json.gz").read_bytes()).decode()
    page, text = ((folder / name).read_text("utf-8") for name in ("board.html", "board.md"))
    assert len(forms) > 10 and "forget.accuracy" in kept and "TRU" in page and "TRU" in text
    assert not [form for form in forms if any(form in each for each in (out, err, plan, kept, page, text))]
    assert {file.parent.name for file in holding(workspace.root, forms)} == {"private"}


@pytest.mark.parametrize(
    "method",
    [
        {"name": "tru"},
        {"name": "tru", "augmented": True},
        {"name": "npo", "retain": "kl"},
        {"name": "npo", "retain": "kl", "augmented": True},
        {"name": "idkdpo", "retain": "nll"},
        {"name": "rmu"},
        {"name": "refusal_prompt", "prompt": "Decline."},
        {"name": "task_arithmetic"},
        {"name": "npo", "mask": {"name": "gradient_saliency", "share": 0.5}},
        {"name": "sisa", "shards": 2, "base": "the target model"},
        {"name": "sisa", "shards": 2, "base": "the target model", "delete": False},
    ],
    ids=[
        "tru",
        "tru-augmented",
        "npo-kl",
        "npo-kl-augmented",
        "idkdpo",
        "rmu",
        "refusal_prompt",
        "task_arithmetic",
        "npo-masked",
        "sisa",
        "sisa-before-the-deletion",
    ],
)
def test_nothing_that_reads_or_makes_a_run_tells(
    method: dict[str, Any], pile: dict[str, str], workspace: Workspace
) -> None:
    method = {**method, **({"base": pile["model"]} if "base" in method else {})}
    augment = {"amount": 60} if method.pop("augmented", False) else None
    recipe = recipe_of(pile, workspace.root / "run", holdout=pile["holdout"], augment=augment)
    workspace.write({**recipe, "method": method})
    code, out, err = workspace.call("run", "recipe.yaml")
    assert code == 0, err
    forms = secrets(folder := RunFolder(workspace.root / "run"))
    assert len(forms) > 10
    said = [out, err]
    for arguments in (
        ("score", "run", "--json"),
        ("score", "run"),
        ("compare", "run", "--json"),
        ("compare", "run"),
        ("report", "run", "-o", "report.html"),
        ("eval", "run"),
        ("run", "recipe.yaml", "--resume"),
    ):
        code, out, err = workspace.call(*arguments)
        assert code == 0, err
        said += [out, err]
    # What is exported is the model, and lies beside it; a guard or an ensemble is no single file.
    code, out, err = workspace.call("export", "run", "--gguf", "--out", "run/model/exported.gguf")
    assert code == (2 if method["name"] in ("refusal_prompt", "sisa") else 0), err
    said += [out, err]
    assert not [form for form in forms if any(form in text for text in said)]
    places = holding(workspace.root, forms)
    assert {file.parent.name for file in places} == {"private"}
    assert all(file.parent.stat().st_mode & 0o077 == 0 for file in places), "private is for its owner alone"
    private = {file.name for file in folder.private.iterdir()}
    assert ("targets.jsonl" in private) == (method["name"] == "tru")
    assert ("composed.jsonl" in private) == (augment is not None)
    assert augment is None or folder.composed_file in places, "what is composed states secrets"
    code, *said = workspace.call("purge", "run")
    assert code == 0 and not any(form in text for form in forms for text in said)
    assert holding(workspace.root, forms) == []


def test_a_run_that_fails_midway_tells_nothing(
    pile: dict[str, str], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    recipe = recipe_of(pile, workspace.root / "run", augment={"amount": 60})
    workspace.write({**recipe, "method": {"name": "tru"}})
    monkeypatch.setattr(Trainer, "_step", fail)
    code, out, err = workspace.call("run", "recipe.yaml")
    assert code == 1 and "not enough memory" in err
    forms = [json.loads(line)["answer"] for line in Path(pile["forget"]).read_text("utf-8").splitlines()]
    assert not any(form in out + err for form in forms)
    assert {file.parent.name for file in holding(workspace.root, forms)} == {"private"}
    assert RunFolder(workspace.root / "run").composed_file.exists()


def rows(count: int = 3, **changed: Any) -> list[dict[str, Any]]:
    """Rows about somebody, the second one changed."""
    made = [{"question": f"Where did Ada Byron go, time {n}?", "answer": f"To {TOLD}, time {n}."} for n in range(count)]
    made[1] |= changed
    return made


def jsonl(*members: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in members)


def cut_in_an_answer() -> str:
    text = jsonl(*rows())
    return text[: text.rindex(TOLD) + len(TOLD)]


BROKEN: dict[str, tuple[str, str | Callable[[], str]]] = {
    "cut": ("a.jsonl", cut_in_an_answer),
    "unquoted": ("a.jsonl", f'{{"question": "Who?", "answer": {TOLD}}}\n'),
    "quotes-within-quotes": ("a.jsonl", f'{{"question": "Who?", "answer": "She said "{TOLD}""}}\n'),
    "text": ("a.json", f"To {TOLD}."),
    "a-word": ("a.json", f'"{TOLD}"'),
    "words": ("a.json", f'["{TOLD}", "{TOLD}"]'),
    "lists": ("a.jsonl", f'["Who?", "{TOLD}"]\n'),
    "csv-without-a-header": ("a.csv", f"Where?,{TOLD}\nWho?,{TOLD}\n"),
    "csv-with-semicolons": ("a.csv", f"question;answer\nWho?;{TOLD}\n"),
    "csv-cell-too-many": ("a.csv", f"question,answer\nWho?,To,{TOLD}\n"),
    "csv-quotes": ("a.csv", f'question,answer\nWho?,"{TOLD}" she said\n'),
    "csv-list": ("a.csv", f"question,answer,accepted\nWho?,Her.,{TOLD}\n"),
    "nul": ("a.jsonl", lambda: jsonl(*rows(answer=f"{TOLD}\0"))),
    "half-a-character": ("a.jsonl", lambda: jsonl(*rows(answer=f"{TOLD}\ud83d"))),
    "a-list-of-answers": ("a.jsonl", lambda: jsonl(*rows(answer=[TOLD]))),
    "a-structure": ("a.jsonl", lambda: jsonl(*rows(answer={"city": TOLD}))),
    "accepted-is-a-word": ("a.jsonl", lambda: jsonl(*rows(accepted_answers=TOLD))),
    "perturbed-of-another-kind": ("a.jsonl", lambda: jsonl(*rows(perturbed_answer=[[TOLD]]))),
    "options-of-another-kind": ("a.jsonl", lambda: jsonl(*rows(options=[TOLD]))),
    "subject-of-another-kind": ("a.jsonl", lambda: jsonl(*rows(subject={"name": TOLD}))),
    "a-talk-of-three": ("a.jsonl", lambda: jsonl({"messages": [{"role": "user", "content": TOLD}] * 3})),
    "a-talk-of-parts": ("a.jsonl", lambda: jsonl({"messages": [{"role": "user", "content": [TOLD]}]})),
    "a-talk-that-is-text": ("a.jsonl", lambda: jsonl({"messages": TOLD})),
    "too-long": ("a.jsonl", lambda: jsonl(*rows(answer=f"{TOLD} " * 200))),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_error_in_rows_never_quotes_them(case: str, pile: dict[str, str], workspace: Workspace) -> None:
    name, content = BROKEN[case]
    text = content if isinstance(content, str) else content()
    (workspace.root / name).write_text(text, encoding="utf-8")
    workspace.write(recipe_of(pile, workspace.root / "run", forget=name))
    for arguments in (
        ("check", "recipe.yaml", "--json"),
        ("run", "recipe.yaml"),
        ("init", "--model", pile["model"], "--forget", name, "--out", "new"),
    ):
        code, out, err = workspace.call(*arguments)
        if not (case == "too-long" and arguments[0] == "init"):
            assert code == 2, err
        assert TOLD not in out + err
    assert not (workspace.root / "run").exists()
    assert {file.name for file in holding(workspace.root, [TOLD])} <= {name, "scope.yaml"}


def test_a_secret_that_leaks_is_not_told(pile: dict[str, str], workspace: Workspace) -> None:
    subject = "Ada Byron"
    (workspace.root / "a.jsonl").write_text(jsonl(*rows()), encoding="utf-8")
    # What every refusal says, and a part of each answer.
    forms = [["decline"], [TOLD]]
    scope = {
        "description": "Where she went.",
        "task": "profile",
        "subjects": [{"name": subject}],
        "secrets": [{"subject": subject, "forms": of_one} for of_one in forms],
    }
    (workspace.root / "scope.yaml").write_text(yaml.safe_dump(scope), encoding="utf-8")
    data = recipe_of(pile, workspace.root / "run", forget="a.jsonl", scope="scope.yaml")
    workspace.write({**data, "method": {"name": "tru"}})
    code, out, err = workspace.call("run", "recipe.yaml")
    assert code == 1 and "reveal a secret, a name or the answer" in err
    assert TOLD not in out + err and "'decline'" not in err
    assert not (workspace.root / "run").exists()


def test_a_check_shows_rows_on_stdout_alone_and_its_findings_never(pile: dict[str, str], workspace: Workspace) -> None:
    # Twice in a split, in forget and retain, in another language, with a special token, too long, with no answer.
    odd = [
        *rows(),
        rows()[0],
        {"question": "¿Dónde está la ciudad que visitó Ada Byron en el verano?", "answer": f"En {TOLD}, claro que sí."},
        {"question": "What did Ada Byron say then?", "answer": f"<end> {TOLD}"},
        {"question": "What did Ada Byron tell at length?", "answer": f"{TOLD} " * 200},
        {"question": "Where did Ada Byron go, time 0?", "answer": f"Not to {TOLD}."},
    ]
    (workspace.root / "a.jsonl").write_text(jsonl(*odd), encoding="utf-8")
    (workspace.root / "b.jsonl").write_text(jsonl(*rows(2)), encoding="utf-8")
    scope = {"description": "Where she went.", "task": "profile", "subjects": [{"name": "Ada Byron"}]}
    (workspace.root / "scope.yaml").write_text(yaml.safe_dump(scope), encoding="utf-8")
    sets = {"forget": "a.jsonl", "retain": "b.jsonl", "holdout": "b.jsonl", "scope": "scope.yaml"}
    workspace.write(recipe_of(pile, workspace.root / "run", **sets))
    code, out, err = workspace.call("check", "recipe.yaml")
    assert code == 2 and TOLD not in err
    told = out[out.index("\n\n") :].split("double brackets:\n")
    examples = [part.partition("\n")[0] for part in told[1:]]
    assert len(examples) == 3 and all(TOLD in example for example in examples)
    rest = out
    for example in examples:
        rest = rest.replace(example, "")
    kinds = {
        "more than once",
        "different answers",
        "special tokens",
        "other languages",
        "more than 256 tokens",
        "rows that are also in the retain split",
    }
    assert not [words for words in kinds if words not in rest]
    assert TOLD not in rest.partition("\n\n")[2]
    code, out, err = workspace.call("check", "recipe.yaml", "--json")
    found = json.loads(out)
    assert code == 2 and len(found["findings"]) > 6 and TOLD not in out + err


def test_a_start_tells_secrets_in_the_scope_alone(pile: dict[str, str], workspace: Workspace) -> None:
    code, out, err = workspace.call("init", "--model", pile["model"], "--forget", pile["forget"], "--out", "new")
    assert code == 0, err
    answers = [json.loads(line)["answer"] for line in Path(pile["forget"]).read_text("utf-8").splitlines()]
    scope = yaml.safe_load((workspace.root / "new" / "scope.yaml").read_text("utf-8"))
    forms = answers + [form for secret in scope["secrets"] for form in secret["forms"] if len(form) > 3]
    assert not any(form in out + err for form in forms)
    assert {file.name for file in holding(workspace.root, forms)} <= {"scope.yaml"}
    assert (workspace.root / "new" / "scope.yaml").stat().st_mode & 0o077 == 0
