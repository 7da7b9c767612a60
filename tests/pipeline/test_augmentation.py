"""Runs that train on rows composed from the scope, from the recipe to the purge."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.test_run import QUIET, changed, done, same_weights
from tests.suites import test_files
from tests.suites.test_files import recipe_of
from unlearnkit.core.errors import Interrupted
from unlearnkit.data.augment import read_composed
from unlearnkit.data.rows import Row
from unlearnkit.data.target import read_targets
from unlearnkit.pipeline.augmentation import FEWEST
from unlearnkit.pipeline.check import check
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.dry_run import dry_run
from unlearnkit.pipeline.purge import purge
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.training.loop import Trainer

pile = test_files.pile

TEN = {"augment": {"amount": 10, "share": 0.5}}
FORTY = {"augment": {"amount": 40, "share": 0.5}}
"""Enough for questions to which the target model tells nothing."""
"""Ten questions. Of two forget rows of a step, one is composed."""
METHODS: dict[str, dict[str, Any]] = {
    "npo": {"name": "npo", "retain": "kl"},
    "po": {"name": "po", "retain": "nll"},
    "graddiff": {"name": "graddiff"},
    "tru": {"name": "tru", "forget": "npo", "alpha": 0.2},
    "tru-alone": {"name": "tru", "alpha": 0.0},
    "ga": {"name": "ga"},
    "task_arithmetic": {"name": "task_arithmetic"},
}
WITHOUT_RETAIN = ("tru-alone", "ga", "task_arithmetic")
TAUGHT = ("po", "tru", "tru-alone")
"""Methods that replace the answers of the forget rows."""


def short_recipe(pile: dict[str, str], out: Path) -> dict[str, Any]:
    """A run of three steps, of a model that answers questions."""
    recipe = recipe_of(pile, out, holdout=pile["holdout"])
    return {**recipe, "method": {"name": "graddiff"}, "eval": {"max_new_tokens": 6}}


@pytest.fixture
def short(pile: dict[str, str], tmp_path: Path) -> dict[str, Any]:
    return short_recipe(pile, tmp_path / "run")


@pytest.fixture
def pocket(recipe_data: dict[str, Any]) -> dict[str, Any]:
    """A run in a world of many subjects, forms and languages."""
    return changed(recipe_data, suite={"edition": 1, "request": "authors"})


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The ids of the rows whose outputs are generated before training, call by call."""
    calls: list[list[str]] = []
    real = RunContext.generate

    def noted(self: RunContext, rows: Sequence[Row]) -> Any:
        calls.append([row.id for row in rows])
        return real(self, rows)

    monkeypatch.setattr(RunContext, "generate", noted)
    return calls


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_trains_takes_composed_rows(name: str, short: dict[str, Any]) -> None:
    folder = done(short, method=METHODS[name], data=FORTY)
    state, composed = folder.state(), folder.state().composed
    assert state.done and state.train is not None and composed is not None
    rows = read_composed(folder.composed_file)
    stays = Counter(each.stays for each in rows)
    assert composed.questions == 40 and 0 < len(rows) <= 40 and stays[False] > 0
    # Where answers are only unlearned, rows that tell nothing are left out.
    forgotten = sum(not each.stays and (each.tells or name in TAUGHT) for each in rows)
    assert 0 < forgotten == composed.forget and (name in TAUGHT) == (forgotten == stays[False])
    assert composed.retain == (0 if name in WITHOUT_RETAIN else stays[True])
    given = RunContext(make_recipe(changed(short, method=METHODS[name]))).training_splits
    expected = {"forget": {"given": len(given["forget"]), "composed": forgotten}}
    if name not in WITHOUT_RETAIN:
        doubtful = sum(each.doubtful for each in rows)
        assert doubtful == sum(each.doubtful for each in rows if each.stays)
        counts = {"given": len(given["retain"]), "composed": stays[True] - doubtful, "doubtful": doubtful}
        expected["retain"] = {origin: count for origin, count in counts.items() if count}
    assert state.train.rows == expected
    assert stat.S_IMODE(folder.composed_file.stat().st_mode) == 0o600
    if name.startswith("tru"):
        refused = {each.row.id for each in rows if not each.stays}
        assert {target.id for target in read_targets(folder.targets_file)} == refused | {
            row.id for row in given["forget"]
        }
    else:
        assert not any(each.given for each in rows), "only a target has a composed note"
    purge(folder)
    assert not folder.composed_file.exists()


def test_composed_rows_are_among_the_rows_of_a_run(short: dict[str, Any]) -> None:
    plain, more = done(short), done(short, data=TEN, out=short["out"] + "-more")
    assert plain.state().composed is None and not plain.composed_file.exists()
    assert plain.state().fingerprints["rows"] != more.state().fingerprints["rows"]
    assert not same_weights(plain, more)
    null = done(short, data={"augment": None}, out=short["out"] + "-null")
    assert null.state().fingerprints == plain.state().fingerprints and same_weights(null, plain)
    # Nothing but the composed rows is drawn: the same given rows come in the same order.
    again = done(short, data=TEN, out=short["out"] + "-again")
    assert same_weights(again, more) and again.state().fingerprints == more.state().fingerprints


def test_micro_batches_end_in_the_same_loss(short: dict[str, Any]) -> None:
    # A divergence from the model itself has no gradient but rounding errors, which a small epsilon would blow up.
    short = changed(short, train={"adam_eps": 1e-3})
    whole = done(short, data=TEN)
    parts = done(short, data=TEN, train={"micro_batch_size": 1}, out=short["out"] + "-parts")
    assert [one.row.id for one in read_composed(whole.composed_file)] == [
        one.row.id for one in read_composed(parts.composed_file)
    ]
    assert [point.values["loss"] for point in whole.curve()] == pytest.approx(
        [point.values["loss"] for point in parts.curve()], rel=1e-3
    )


@pytest.fixture(scope="module")
def whole(pile: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of TRU that nothing happened to."""
    data = short_recipe(pile, tmp_path_factory.mktemp("whole") / "run")
    return done(data, method=METHODS["tru"], data=TEN)


def killed(where: str, monkeypatch: pytest.MonkeyPatch, data: dict[str, Any]) -> RunFolder:
    """The folder of a run that ended at a function."""

    def end(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(where, end)
        with pytest.raises((KeyboardInterrupt, Interrupted)):
            run(make_recipe(data), progress=QUIET)
    return RunFolder(data["out"])


@pytest.mark.parametrize(
    ("where", "composed", "again"),
    [
        ("unlearnkit.pipeline.augmentation.write_composed", False, True),  # before the file is written
        ("unlearnkit.pipeline.augmentation.Composed", False, True),  # after that, before the run knows of it
        ("unlearnkit.pipeline.context.encode_views", True, False),  # before training
        ("unlearnkit.training.loop.Trainer._step", True, False),  # in training
        ("unlearnkit.pipeline.run._saved", True, False),  # after it
    ],
)
def test_a_run_killed_after_composing_goes_on_with_the_same_rows(
    where: str,
    composed: bool,
    again: bool,
    short: dict[str, Any],
    whole: RunFolder,
    generated: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = changed(short, method=METHODS["tru"], data=TEN)
    folder = killed(where, monkeypatch, data)
    assert (folder.state().composed is not None) is composed
    kept = folder.composed_file.read_bytes() if composed else None
    generated.clear()
    assert run(make_recipe(data), resume=True, progress=QUIET).state().done
    assert bool(generated) is again, "what was composed is read from the file"
    assert same_weights(folder, whole)
    assert folder.composed_file.read_bytes() == whole.composed_file.read_bytes()
    assert kept is None or kept == folder.composed_file.read_bytes()


@pytest.mark.parametrize(
    "method",
    [
        {"name": "retrain"},
        {"name": "refusal_prompt", "prompt": "Decline."},
        {"name": "sisa", "shards": 2, "base": "the target model"},
    ],
    ids=lambda method: method["name"],
)
def test_a_method_that_does_not_unlearn_by_training_composes_nothing(
    method: dict[str, Any], short: dict[str, Any], generated: list[list[str]]
) -> None:
    if "base" in method:
        method = {**method, "base": short["model"]["path"]}
    folder = done(short, method=method, data=TEN)
    assert folder.state().done and folder.state().composed is None and not folder.composed_file.exists()
    assert not generated
    train = folder.state().train
    assert train is not None and not any("composed" in origins for origins in train.rows.values())


def test_steps_of_an_epoch_are_those_of_the_given_rows(short: dict[str, Any]) -> None:
    train = {"steps": None, "epochs": 0.5, "batch_size": 4}
    plan = make_recipe(changed(short, data=TEN, train=train))
    context = RunContext(plan)
    forget = len(context.training_splits["forget"])
    folder = run(plan, progress=QUIET)
    training = folder.state().train
    # Half of the rows of a step are given.
    assert training is not None and training.steps == round(0.5 * forget / 2)


# Which questions


def questions(recipe: dict[str, Any], /, **augment: Any) -> RunContext:
    return RunContext(make_recipe(changed(recipe, data={"augment": augment})))


def test_a_smaller_amount_is_a_part_of_a_larger_one_and_seeds_differ(pocket: dict[str, Any]) -> None:
    def ids(amount: int, **sections: Any) -> list[str]:
        data = changed(pocket, method=METHODS["tru"], **sections)
        return [each.row.id for each in questions(data, amount=amount).augmentation.questions]

    few, many = ids(40), ids(160)
    assert len(few) == 40 and len(many) == 160 and set(few) < set(many)
    assert few == [id for id in many if id in set(few)]
    assert set(few) != set(ids(40, seed=1))


def test_subjects_forms_and_languages_take_turns(pocket: dict[str, Any]) -> None:
    context = questions(pocket, amount=400)
    found = context.augmentation.questions
    subjects = {subject.name for subject in context.scope.subjects}
    of = Counter(each.row.subject for each in found if not each.stays)
    assert set(of) == subjects and max(of.values()) < 1.5 * min(of.values()), "not all names can be shortened"
    assert len({each.row.wording for each in found}) > 12
    assert {each.row.language for each in found} == set(context.scope.languages)
    assert len({each.row.prompt for each in found}) == len(found), "each question once, with the model's own note"


def test_languages_and_forms_are_those_of_the_recipe(pocket: dict[str, Any]) -> None:
    some = questions(pocket, amount=100, languages=["es"], forms=["lower", "comparison"]).augmentation.questions
    assert {(each.row.language, each.row.wording) for each in some} == {("es", "lower"), ("es", "comparison")}


def test_no_composed_question_is_measured(pocket: dict[str, Any]) -> None:
    context = questions(pocket, amount=100_000)
    measured = {row.question for rows in context.task.measured.values() for row in rows}
    assert len(context.augmentation.questions) > 1000
    assert not measured & {each.row.question for each in context.augmentation.questions}


@pytest.mark.parametrize(
    ("train", "share", "expected"),
    [
        # 3 steps of 4 + 4 rows; each question costs as much as 2 rows.
        ({"steps": 3}, 0.3, FEWEST),
        ({"steps": 100}, 0.3, 400),  # 100 * 8 / 2
        ({"steps": 100}, 0.9, 400),  # steps are fixed, so the training gets no longer
        ({"steps": None, "epochs": 40.0}, 0.5, FEWEST),  # twice as many steps: no time is left
        ({"steps": 100, "batch_size": 8, "retain_batch_size": 2}, 0.3, 500),
    ],
)
def test_auto_at_most_doubles_the_training(
    train: dict[str, Any], share: float, expected: int, pocket: dict[str, Any]
) -> None:
    context = questions(changed(pocket, train=train), share=share)
    assert len(context.augmentation.questions) == expected


def test_auto_counts_the_longer_training_of_epochs(pocket: dict[str, Any]) -> None:
    data = changed(pocket, train={"steps": None, "epochs": 40.0})
    context = questions(data, share=0.2)
    steps = round(40 * len(context.training_splits["forget"]) / 4)
    # A quarter more steps, so three quarters of the time are left.
    assert len(context.augmentation.questions) == int(0.75 * steps * 8 / 2) > FEWEST


# What is planned is what is run


def test_a_dry_run_counts_composed_rows_and_generates_nothing(
    short: dict[str, Any], generated: list[list[str]], tmp_path: Path
) -> None:
    recipe = make_recipe(changed(short, data=TEN, method=METHODS["tru"]))
    dry_run(recipe)
    check(recipe)
    assert not generated and not recipe.folder.exists()


@pytest.mark.parametrize("augment", [TEN, {}], ids=["augmented", "plain"])
def test_the_planned_steps_are_those_of_the_run(
    augment: dict[str, Any], short: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlearnkit.pipeline.preflight import preflight

    totals: list[int] = []
    real: Callable[..., Any] = Trainer.run

    def noted(self: Trainer, *arguments: Any, **options: Any) -> Any:
        totals.append(self.total)
        return real(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "run", noted)
    data = changed(short, data=augment, train={"steps": None, "epochs": 0.5})
    planned = preflight(RunContext(make_recipe(data))).steps
    done(data)
    assert totals == [planned]
