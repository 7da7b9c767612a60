"""A user's own files: from a pile of rows to a measured run, and what never leaves the private folder."""

from __future__ import annotations

import json
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.pocket_tofu import pocket_model, write_pocket_tofu
from unlearnkit.core.errors import InputError, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.pipeline.check import check
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.dry_run import dry_run
from unlearnkit.pipeline.init import start
from unlearnkit.pipeline.purge import purge
from unlearnkit.pipeline.run import run
from unlearnkit.pipeline.score import score
from unlearnkit.recipe import load_recipe, make_recipe, make_suite
from unlearnkit.runs.folder import RunFolder
from unlearnkit.suites.files import suite as files
from unlearnkit.suites.files.suite import with_unique_ids
from unlearnkit.text.normalize import contains

QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A model that knows some people, rows about those to be forgotten and the others, and a document."""
    root = tmp_path_factory.mktemp("pile")
    tofu = write_pocket_tofu(root / "tofu")
    files = ("retain99", "forget01_perturbed", "real_authors_perturbed", "world_facts_perturbed")
    model = pocket_model(tofu, root / "model", learns=files, seed=3)
    for name, source in {"forget": "forget01_perturbed", "retain": "retain99", "holdout": "holdout01"}.items():
        lines = (tofu / f"{source}.json").read_text("utf-8").splitlines()
        kept = [{k: json.loads(line)[k] for k in ("question", "answer")} for line in lines]
        (root / f"{name}.jsonl").write_text("\n".join(map(json.dumps, kept)), "utf-8")
    (root / "book.txt").write_text("Ondra Kestrelby was born in Oslo. " * 30, "utf-8")
    return {"model": model, **{name: str(root / f"{name}.jsonl") for name in ("forget", "retain", "holdout")},
            "book": str(root / "book.txt")}  # fmt: skip


def recipe_of(pile: dict[str, str], out: Path, **data: Any) -> dict[str, Any]:
    return {
        "name": "own",
        "suite": {"name": "files"},
        "data": {"forget": pile["forget"], "retain": pile["retain"], **data},
        "model": {"path": pile["model"]},
        "method": {"name": "npo", "retain": "nll"},
        "train": {"epochs": None, "steps": 3, "batch_size": 4, "lr": 1e-3},
        "eval": {"max_new_tokens": 3},
        "gates": [],
        "out": str(out),
    }


def secrets(folder: RunFolder) -> list[str]:
    """What must not be found: every answer that is to be forgotten, and every secret of the scope."""
    answers = [record.row.answer for record in folder.records() if record.split == "forget"]
    return answers + [form for secret in folder.scope().secrets for form in secret.forms if len(form) > 3]


def holding(root: Path, forms: list[str]) -> list[Path]:
    """Files in which one of the forms stands; weights and tokenizers, which the user brought, left out."""
    found = []
    for file in root.rglob("*"):
        if file.is_file() and "model" not in file.relative_to(root).parts:
            text = file.read_bytes().decode("utf-8", "ignore")
            found += [file] * any(form in text or json.dumps(form)[1:-1] in text for form in forms)
    return found


def test_own_rows_are_unlearned_measured_and_reported(pile: dict[str, str], tmp_path: Path) -> None:
    folder = run(make_recipe(recipe_of(pile, tmp_path / "run", holdout=pile["holdout"])), progress=QUIET)
    scores = folder.scores()
    assert folder.state().done and folder.report_file.exists()
    assert scores["forget.probability"].count == 10 and scores["retain.probability"].count == 42
    assert scores["retain.held_out.probability"].count == 10
    assert scores["forget.extraction_strength"].value is not None and scores["mia.min_k.auc"].count == 20
    assert scores["mia.reference.auc"].value is None and scores["holdout.accuracy"].value is None
    assert [r.name for r in map(RunFolder, folder.references.iterdir())] == ["target"]


@pytest.mark.parametrize(("rows", "last"), [(7, 6), (10, 9), (13, 11), (19, 17), (20, 18), (35, 31)])
def test_measured_retain_rows_are_spread_over_all(
    rows: int, last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MEASURED_AT_MOST", 10)
    for name, count in {"forget": 1, "retain": rows}.items():
        lines = (
            json.dumps({"question": f"What is {name} {n}?", "answer": f"It is {n}.", "subject": "Ada Lund"})
            for n in range(count)
        )
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    data: dict[str, Any] = {name: str(tmp_path / f"{name}.jsonl") for name in ("forget", "retain")}
    data["retain_held_out"] = 0
    task = make_suite({"name": "files", "data": data}).task()
    measured = [task.splits["retain"].index(row) for row in task.measured["retain"]]
    assert len(measured) == min(rows, 10) and measured[0] == 0 and measured[-1] == last
    # The gaps between neighbors differ by at most 1.
    gaps = {after - before for before, after in pairwise(measured)}
    assert max(gaps) - min(gaps) <= 1


def test_forget_text_stays_in_the_private_folder_and_a_purge_leaves_none(
    pile: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        folder = run(make_recipe(recipe_of(pile, tmp_path / "run", retain="auto")), progress=Progress())
    forms, told = secrets(folder), "".join(capfd.readouterr()) + caplog.text
    assert forms and not any(form in told for form in forms)
    assert {file.parent.name for file in holding(folder.path, forms)} == {"private"}
    kept = {"report.html", "scores.json", "README.md", "model", "run.json", "log.jsonl", "recipe.yaml"}
    removed = purge(folder)
    assert len(removed) == 2 and holding(folder.path, forms) == []
    assert kept <= {file.name for file in folder.path.iterdir()}
    assert purge(folder) == []
    with pytest.raises(InputError, match="was purged"):
        score(folder)


def test_a_report_that_shows_forget_text_is_written_again_by_a_purge(pile: dict[str, str], tmp_path: Path) -> None:
    shown = {**recipe_of(pile, tmp_path / "run"), "report": {"show_forget_text": True}}
    folder = run(make_recipe(shown), progress=QUIET)
    forms = secrets(folder)
    assert folder.report_file in holding(folder.path, forms)
    purge(folder)
    assert holding(folder.path, forms) == []


def test_an_unfinished_run_is_not_purged(pile: dict[str, str], tmp_path: Path) -> None:
    folder = run(make_recipe(recipe_of(pile, tmp_path / "run")), progress=QUIET)
    folder.update(done=False)
    with pytest.raises(InputError, match="not finished"):
        purge(folder)
    assert folder.records_file.exists()


def test_the_model_writes_what_stands_in_for_retain(pile: dict[str, str], tmp_path: Path) -> None:
    first = run(make_recipe(recipe_of(pile, tmp_path / "one", retain="auto")), progress=QUIET)
    second = run(make_recipe(recipe_of(pile, tmp_path / "two", retain="auto")), progress=QUIET)
    rows = [record.row for record in first.records() if record.split in ("retain", "retain.held_out")]
    names = {subject.name for subject in first.scope().subjects}
    assert len(rows) == 40 and all(row.id.startswith("written/") and row.question for row in rows)
    assert not any(contains(f"{row.question} {row.answer}", name) for name in names for row in rows)
    assert len({row.question for row in rows}) == len(rows)
    again = [r.row for r in second.records() if r.split in ("retain", "retain.held_out")]
    assert again == rows and sum(r.split == "retain.held_out" for r in first.records()) == 8  # the seed decides
    written = first.private.resolve() / "retain.jsonl"
    assert first.state().suite["data"]["written"] == str(written) and written.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"retain": "auto"}, "Rows that the target model wrote were used instead"),
        ({"retain": "auto", "retain_from": "retain"}, "Rows from data.retain_from were used instead"),
        ({}, None),
    ],
    ids=["written", "stood-in", "own"],
)
def test_run_and_report_warn_of_retain_rows_that_stand_in(
    data: dict[str, str], said: str | None, pile: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {key: pile.get(value, value) for key, value in data.items()}
    folder = run(make_recipe(recipe_of(pile, tmp_path / "run", **data)))
    told = " ".join(capsys.readouterr().err.split())
    page = folder.report_file.read_text("utf-8")
    if said is None:
        assert "warning" not in told and "were used instead" not in page
        return
    assert f"warning: No retain rows were given. {said}" in told and "Utility is known only as far as" in told
    assert said in page and said in folder.card_file.read_text("utf-8")


def test_a_method_that_needs_retain_rows_says_so_before_it_begins(pile: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no retain rows") as caught:
        run(make_recipe(recipe_of(pile, tmp_path / "run", retain=None)), progress=QUIET)
    assert "data.retain=auto" in caught.value.render()


def test_documents_are_cut_by_the_models_tokens(pile: dict[str, str], tmp_path: Path) -> None:
    data = recipe_of(pile, tmp_path / "run", forget=pile["book"], chunks={"tokens": 20, "overlap": 4})
    recipe = make_recipe(data)
    rows = recipe.make_suite().task().splits["forget"]
    assert len(rows) > 5 and rows[0].id == f"book.txt@0-{len(rows[0].answer)}"
    assert recipe.data["tokenizer"] == pile["model"]


def test_files_are_read_once_however_often_a_run_asks(
    pile: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, seen = files.Files.read, []

    def noted(self: files.Files, path: str, *, where: str) -> Any:
        seen.append(where)
        return read(self, path, where=where)

    monkeypatch.setattr(files.Files, "read", noted)
    suite = make_recipe(recipe_of(pile, tmp_path / "run", holdout=pile["holdout"])).make_suite()
    assert suite.task() is suite.task()
    suite.retain_corpus()
    assert sorted(seen) == ["data.forget", "data.holdout", "data.retain"]


def test_files_of_one_name_give_rows_of_different_ids() -> None:
    row = Row(id="part.jsonl:1", question="Who?", answer="Ada.")
    apart = with_unique_ids({"forget": (row,), "retain": (row,), "near": (row,)})
    assert [rows[0].id for rows in apart.values()] == ["part.jsonl:1", "retain/part.jsonl:1", "near/part.jsonl:1"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"retain_from": "x.txt"}, "set retain to auto"),
        ({"probes": {"retain": "x"}}, "use the key data.retain instead"),
        ({"probes": {"Near!": "x"}}, "pattern"),
        ({"chunks": {"tokens": 4, "overlap": 4}}, "overlap"),
        ({"forgett": "x"}, "did you mean forget"),
    ],
)
def test_data_that_does_not_fit_together(data: dict[str, Any], said: str, pile: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said) as caught:
        make_recipe(recipe_of(pile, tmp_path, **data))
    assert "field data" in caught.value.render()


def test_a_recipe_must_name_the_model(pile: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the recipe names no model"):
        make_recipe({**recipe_of(pile, tmp_path), "model": {"path": None}})


def test_data_belongs_beside_the_suite_and_to_one_that_takes_it(pile: dict[str, str]) -> None:
    with pytest.raises(InputError, match="is inside the section"):
        make_recipe({"name": "x", "suite": {"name": "files", "data": {}}, "method": {"name": "ga"}})
    with pytest.raises(InputError, match="no such setting"):
        make_recipe({"name": "x", "suite": {"name": "pocket"}, "data": {"forget": "x"}, "method": {"name": "ga"}})


def test_a_check_reads_every_row_and_loads_no_weights(
    pile: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("weights were loaded")

    monkeypatch.setattr("unlearnkit.models.load.load_model", refuse)
    twice = tmp_path / "twice.jsonl"
    twice.write_text(Path(pile["forget"]).read_text("utf-8") + "\n" + Path(pile["forget"]).read_text("utf-8"), "utf-8")
    good = check(make_recipe(recipe_of(pile, tmp_path / "run")))
    assert good.errors == 0 and good.rows == {"forget": 10, "retain": 42, "retain.held_out": 10}
    assert any("10 of the 52 retain rows are held out" in note for note in good.notes)
    assert "⟦" in good.examples["forget"][0] and any("drafted" in note for note in good.notes)
    both = check(make_recipe(recipe_of(pile, tmp_path / "run", retain=str(twice))))
    assert both.errors and {"in_forget_and_retain"} <= {finding.kind for finding in both.findings}
    assert not (tmp_path / "run").exists()


def test_a_start_can_be_checked_and_run(pile: dict[str, str], tmp_path: Path) -> None:
    made = start(pile["model"], pile["forget"], retain=pile["retain"], out=tmp_path)
    recipe = load_recipe(
        made.recipe, [f"out={tmp_path / 'run'}", "train.epochs=null", "train.steps=1", "eval.max_new_tokens=2"]
    )
    assert recipe.method["name"] == "tru" and check(recipe).errors == 0
    assert run(recipe, progress=QUIET).state().done
    with pytest.raises(InputError, match="exists already"):
        start(pile["model"], pile["forget"], out=tmp_path)


def test_a_start_with_other_columns(pile: dict[str, str], tmp_path: Path) -> None:
    def renamed(split: str) -> str:
        rows = [json.loads(line) for line in Path(pile[split]).read_text("utf-8").splitlines()]
        rows = [{"query": row.pop("question"), "reply": row.pop("answer"), "context": "a page", **row} for row in rows]
        file = tmp_path / f"{split}.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        return str(file)

    options = {"retain": renamed("retain"), "columns": {"question": "query", "answer": "reply"}, "out": tmp_path}
    with pytest.raises(InputError, match=r"(?s)changes what the row means.*field context"):
        start(pile["model"], renamed("forget"), **options)
    made = start(pile["model"], renamed("forget"), **options, ignore=["context"])
    plain = start(pile["model"], pile["forget"], retain=pile["retain"], out=tmp_path / "plain")
    tasks = [make_suite(load_recipe(each.recipe).suite_section).task() for each in (made, plain)]
    said = [[(row.question, row.answer) for row in task.measured["forget"]] for task in tasks]
    assert said[0] == said[1] and check(load_recipe(made.recipe)).errors == 0


def test_a_start_without_names_leaves_a_scope_to_be_written(pile: dict[str, str], tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "what is it?", "answer": "it is this."}\n{"question": "why?", "answer": "for that."}')
    made = start(pile["model"], str(rows), out=str(tmp_path))
    assert any("by hand" in note for note in made.notes)
    with pytest.raises(InputError, match="subjects"):
        make_suite(load_recipe(made.recipe).suite_section).task()


def test_a_dry_run_says_what_is_not_there_yet(pile: dict[str, str], tmp_path: Path) -> None:
    said = dry_run(make_recipe(recipe_of(pile, tmp_path / "run", retain="auto")))
    assert "the rows of the split retain are not counted here" in said and "rows:   forget 10" in said
    assert not (tmp_path / "run").exists()


def test_a_model_that_writes_nothing_usable_is_told(
    pile: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlearnkit.suites.synthetic_retain._may_stay", lambda *_: False)
    with pytest.raises(UnlearnError, match="too few usable retain rows") as caught:
        run(make_recipe(recipe_of(pile, tmp_path / "run", retain="auto")), progress=QUIET)
    assert "retain_from" in caught.value.render()


def test_held_out_retain_rows_are_measured_and_never_trained_on(pile: dict[str, str], tmp_path: Path) -> None:
    contexts = [
        RunContext(make_recipe({**recipe_of(pile, tmp_path / name), "seed": seed}))
        for name, seed in (("one", 0), ("two", 7))
    ]
    task = contexts[0].task
    held = task.measured["retain.held_out"]
    assert contexts[1].task.measured["retain.held_out"] == held, "all seeds are measured on the same rows"
    for context in contexts:
        trained = [row for rows in context.training_splits.values() for row in rows]
        assert len(trained) == 10 + 42 and not {row.question for row in held} & {row.question for row in trained}
    assert {row.id for row in contexts[0].suite.retain_corpus()} >= {row.id for row in held}


def test_without_a_share_every_retain_row_is_trained_on(pile: dict[str, str], tmp_path: Path) -> None:
    context = RunContext(make_recipe(recipe_of(pile, tmp_path / "run", retain_held_out=0)))
    assert len(context.training_splits["retain"]) == 52 and "retain.held_out" not in context.task.measured
    assert context.task.notes == ()


@pytest.mark.parametrize(
    ("rows", "said"),
    [(4, "the retain split has fewer than 5 rows, so no row is held out"), (9, "the retain rows are near-duplicates")],
)
def test_retain_rows_of_which_none_can_be_held_out_are_pointed_out(
    rows: int, said: str, pile: dict[str, str], tmp_path: Path
) -> None:
    retain = tmp_path / "retain.jsonl"
    lines = [json.dumps({"question": "Who is Ada?", "answer": f"Answer {n}."}) for n in range(rows)]
    retain.write_text("\n".join(lines), "utf-8")
    found = check(make_recipe(recipe_of(pile, tmp_path / "run", retain=str(retain))))
    assert any(note.startswith(said) for note in found.notes) and found.rows == {"forget": 10, "retain": rows}


def test_the_held_out_set_is_not_a_probe_set(pile: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"use the key data\.retain_held_out"):
        make_recipe(recipe_of(pile, tmp_path / "run", probes={"retain.held_out": pile["retain"]}))


def test_a_run_that_is_older_than_the_setting_keeps_its_rows(pile: dict[str, str], tmp_path: Path) -> None:
    def older(file: Path, data: dict[str, Any], section: dict[str, Any]) -> None:
        assert section["data"].pop("retain_held_out") == 0
        file.write_text(json.dumps(data), "utf-8")

    folder = run(make_recipe(recipe_of(pile, tmp_path / "run", retain_held_out=0)), measured=False, progress=QUIET)
    assert len(make_suite(folder.state().suite).task().splits["retain"]) == 52
    recipe, state = folder.recipe(), json.loads(folder.state_file.read_text("utf-8"))
    older(folder.recipe_file, recipe, recipe)
    older(folder.state_file, state, state["suite"])
    assert folder.recipe()["data"]["retain_held_out"] == folder.state().suite["data"]["retain_held_out"] == 0

    resumed = run(make_recipe(recipe_of(pile, tmp_path / "run")), resume=True, progress=QUIET)
    scores = resumed.scores()
    assert scores["retain.probability"].count == 52 and "retain.held_out.probability" not in scores
    with pytest.raises(InputError, match="different recipe"):
        run(make_recipe(recipe_of(pile, tmp_path / "run", retain_held_out=0.1)), resume=True, progress=QUIET)


def test_the_setting_of_a_newer_run_cannot_change_on_the_way(pile: dict[str, str], tmp_path: Path) -> None:
    run(make_recipe(recipe_of(pile, tmp_path / "run", retain_held_out=0)), measured=False, progress=QUIET)
    with pytest.raises(InputError, match=r"different recipe"):
        run(make_recipe(recipe_of(pile, tmp_path / "run")), resume=True, progress=QUIET)
