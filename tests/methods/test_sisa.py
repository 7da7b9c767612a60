"""SISA: after a deletion every adapter's bytes are those of an ensemble that never held the rows."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.methods.scheme_context import TinyContext, files, rows
from tests.tiny import bare_peft
from unlearnkit.core.errors import InputError, Interrupted, NonFinite
from unlearnkit.data.rows import Row
from unlearnkit.methods.schemes.sisa import Sisa
from unlearnkit.methods.slices import Sharding, ShardRow, SliceStore, rows_digest
from unlearnkit.subjects.ensemble import EnsembleSubject
from unlearnkit.training import loop

SHARDING = Sharding(shards=3, slices=2, seed=0)
STAY = rows("stay", 12)
PLACED = [(2, 0), (1, 0), (1, 1), (0, 0), (1, 0), (1, 0)]


def at(shard: int, number: int, prefix: str = "forget") -> Row:
    """A row whose place is that slice."""
    found = next(row for row in rows(prefix, 200) if SHARDING.place(row.id) == (shard, number))
    # An answer of its own for each place: an earlier ensemble's rows are found by what they say.
    return found.model_copy(update={"answer": "I cannot say that " + "of " * (2 * shard + number + 1) + "."})


def fitted(folder: Path, forget: list[Row], stay: list[Row] = STAY, **changed: Any) -> TinyContext:
    """The context of a run that ended."""
    options = {name: changed.pop(name) for name in ("delete", "ensemble", "shards", "slices") if name in changed}
    context = TinyContext(folder, {"forget": forget, "holdout": stay}, **changed)
    method = Sisa(**{"shards": 3, "slices": 2, **options})
    method.check(context)
    subject = method.fit(context)
    assert isinstance(subject, EnsembleSubject)
    return context


def never_held(folder: Path, stay: list[Row] = STAY, **changed: Any) -> dict[str, bytes]:
    """Adapters of an ensemble that learned only the rows that stay; its forget rows are some of these."""
    context = fitted(folder, stay[:1], stay[1:], delete=False, **changed)
    return files(context.model_folder)


@pytest.fixture
def clean(tmp_path: Path) -> dict[str, bytes]:
    return never_held(tmp_path / "clean")


PLACES: dict[str, list[tuple[int, int]]] = {
    "first slice": [(0, 0)],
    "last slice": [(1, 1)],
    "both slices of a shard": [(2, 0), (2, 1)],
    "every shard": [(0, 1), (1, 0), (2, 1)],
}


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_a_deletion_is_exact(places: list[tuple[int, int]], tmp_path: Path, clean: dict[str, bytes]) -> None:
    forget = [at(*place) for place in places]
    full = fitted(tmp_path / "full", forget, delete=False)
    learned = files(full.model_folder)
    assert learned.keys() == clean.keys()
    # Slices before the first one that held a row never saw it; those from there on did.
    first = {shard: min(number for other, number in places if other == shard) for shard, _ in places}
    for name, content in clean.items():
        shard, number = (int(part.rpartition("-")[2]) for part in name.split("/")[:2])
        if name.endswith(".safetensors"):
            assert (learned[name] == content) == (number < first.get(shard, 9)), name
    deleted = fitted(tmp_path / "deleted", forget)
    assert files(deleted.model_folder) == clean
    again = [name for name in deleted.trained if name.endswith("-without")]
    expected = [f"shard-{s}-slice-{n}-without" for s in sorted(first) for n in range(first[s], 2)]
    assert again == expected


def test_nothing_but_the_seed_and_the_rows_decides(tmp_path: Path, clean: dict[str, bytes]) -> None:
    torch.manual_seed(123)  # what was drawn before
    assert never_held(tmp_path / "again") == clean
    assert never_held(tmp_path / "turned", [STAY[0], *reversed(STAY[1:])]) == clean
    assert never_held(tmp_path / "checked", checkpoint_every=50) == clean
    assert never_held(tmp_path / "seed", seed=1) != clean
    assert never_held(tmp_path / "fewer", STAY[:-1]) != clean


def test_a_copy_in_another_shard_does_not_change_what_a_deletion_does(tmp_path: Path) -> None:
    forget = at(0, 0)
    copy = at(1, 0, "copy")
    assert (copy.question, copy.answer) != ("", "") and SHARDING.place(copy.id)[0] != SHARDING.place(forget.id)[0]
    same = forget.model_copy(update={"id": copy.id})
    told: list[str] = []
    context = TinyContext(tmp_path / "deleted", {"forget": [forget], "holdout": [*STAY, same]})
    context.progress.log = told.append  # type: ignore[method-assign]
    Sisa(shards=3, slices=2).fit(context)
    assert files(context.model_folder) == never_held(tmp_path / "clean", [*STAY, same])
    assert any("1 rows of holdout are copies of forget rows" in line for line in told)
    assert not any(forget.answer in line or forget.id in line for line in told)


def test_a_longer_row_does_not_change_how_others_are_batched(tmp_path: Path, clean: dict[str, bytes]) -> None:
    long = at(0, 1).model_copy(update={"answer": "Oslo Kyiv Lisbon " * 8})
    assert files(fitted(tmp_path / "deleted", [long]).model_folder) == clean


def test_slices_and_shards_may_be_empty(tmp_path: Path) -> None:
    stay = [at(0, 0, "stay"), at(0, 0, "other"), at(2, 1, "stay")]
    forget = [at(1, 0), at(1, 1), at(0, 1)]
    deleted = fitted(tmp_path / "deleted", forget, stay)
    assert files(deleted.model_folder) == never_held(tmp_path / "clean", stay)
    weights = {name: content for name, content in files(deleted.model_folder).items() if name.endswith("safetensors")}
    # Shard 1 lost all rows: its adapter is the initial one, as is that of shard 2 before its second slice.
    untouched = {weights[f"shard-1/slice-{n}/adapter_model.safetensors"] for n in (0, 1)}
    assert untouched == {weights["shard-2/slice-0/adapter_model.safetensors"]}
    assert weights["shard-0/slice-0/adapter_model.safetensors"] == weights["shard-0/slice-1/adapter_model.safetensors"]
    assert [result.steps for result in deleted.results] == [0, 0, 0]


@pytest.mark.parametrize("name", ["shard-0-slice-1", "shard-2-slice-0", "shard-2-slice-1-without"])
def test_a_stop_in_any_phase_and_a_resume_end_in_the_same_bytes(
    name: str, tmp_path: Path, clean: dict[str, bytes]
) -> None:
    forget = [at(0, 1), at(2, 0)]
    context = TinyContext(tmp_path / "stopped", {"forget": forget, "holdout": STAY})
    context.stopped = lambda training: training == name
    with pytest.raises(Interrupted):
        Sisa(shards=3, slices=2).fit(context)
    done = context.trained[:-1]
    rest = fitted(tmp_path / "stopped", forget)
    assert files(rest.model_folder) == clean
    assert not set(done) & set(rest.trained) and rest.trained[0] == name
    whole = fitted(tmp_path / "whole", forget)
    assert [result.steps for result in rest.results] == [result.steps for result in whole.results]


@pytest.mark.parametrize("moment", range(6))
def test_killed_while_it_keeps_an_adapter(
    moment: int, tmp_path: Path, clean: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each write in turn: of the ledger before, of the adapter, of the ledger after."""
    forget, kinds = [at(1, 1)], ("write_ledger", "keep", "write_rows")
    calls: list[str] = []

    def dying(real: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls.append(kind)
            if len(calls) == 2 + 4 * moment:
                raise KeyboardInterrupt
            return real(*arguments)

        return call

    with monkeypatch.context() as patch:
        for kind in kinds:
            patch.setattr(SliceStore, kind, dying(getattr(SliceStore, kind), kind))
        with contextlib.suppress(KeyboardInterrupt):
            fitted(tmp_path / "killed", forget)
    assert files(fitted(tmp_path / "killed", forget).model_folder) == clean


def test_checkpoints_of_the_learning_are_not_taken_by_the_deletion(tmp_path: Path, clean: dict[str, bytes]) -> None:
    context = fitted(tmp_path / "run", [at(2, 0)])
    kept = {path.name for path in (context.root / "checkpoints").iterdir()}
    assert {"shard-2-slice-0", "shard-2-slice-0-without"} <= kept
    assert files(context.model_folder) == clean


def test_deletion_costs_what_was_trained_again(tmp_path: Path) -> None:
    learned = fitted(tmp_path / "learned", [at(1, 1)], delete=False)
    deleted = fitted(tmp_path / "deleted", [at(1, 1)])
    assert len(learned.results) == 6 and len(deleted.results) == 1
    assert 0 < deleted.results[0].steps < sum(result.steps for result in learned.results)


def test_every_kept_adapter_loads_with_peft_and_holds_no_text(tmp_path: Path) -> None:
    context = fitted(tmp_path / "run", [at(0, 0)], delete=False)
    folders = sorted(context.model_folder.glob("shard-*/slice-*"))
    assert len(folders) == 6 and all(bare_peft(folder) is not None for folder in folders)
    shown = b"".join(files(context.model_folder).values())
    assert not [row.id for row in STAY if row.id.encode() in shown] and at(0, 0).id.encode() not in shown
    private = files(context.private)
    assert set(private) == {"sisa.json", "sisa-rows.jsonl"}
    assert all((context.private / name).stat().st_mode & 0o077 == 0 for name in private)


def test_a_deleted_row_is_kept_nowhere(tmp_path: Path) -> None:
    forget = at(0, 0)
    context = fitted(tmp_path / "run", [forget])
    assert not [name for name, content in files(context.private).items() if forget.id.encode() in content]


def test_rows_are_deleted_from_an_earlier_ensemble(tmp_path: Path, clean: dict[str, bytes]) -> None:
    forget, other = at(0, 1), at(2, 0)
    earlier = fitted(tmp_path / "earlier", [forget, other], delete=False)
    before = files(earlier.root / "model")
    once = fitted(tmp_path / "once", [forget], [], ensemble=str(earlier.root))
    assert once.trained == ["shard-0-slice-1-without"] and files(earlier.root / "model") == before
    twice = fitted(tmp_path / "twice", [other], [], ensemble=str(once.root))
    assert twice.trained == ["shard-2-slice-0-without", "shard-2-slice-1-without"]
    assert files(twice.model_folder) == clean


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "shards": ({"shards": 2}, "method.shards"),
    "seed": ({"seed": 3}, "seed"),
    "rate": ({"lr": 0.5}, "train.lr"),
}


@pytest.mark.parametrize(("changed", "says"), WRONG.values(), ids=WRONG)
def test_an_earlier_ensemble_of_other_settings_is_refused(changed: dict[str, Any], says: str, tmp_path: Path) -> None:
    earlier = fitted(tmp_path / "earlier", [at(0, 1)], delete=False)
    with pytest.raises(InputError, match=f"built with different settings: .*{says}"):
        fitted(tmp_path / "next", [at(0, 1)], [], ensemble=str(earlier.root), **changed)
    assert not (tmp_path / "next" / "model").exists()


def test_an_earlier_ensemble_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished ensemble"):
        fitted(tmp_path / "next", [at(0, 1)], [], ensemble=str(tmp_path / "nowhere"))
    earlier = fitted(tmp_path / "earlier", [at(0, 1)], delete=False)
    with pytest.raises(InputError, match="never learned some of the forget rows") as error:
        fitted(tmp_path / "other", [at(1, 1)], [], ensemble=str(earlier.root))
    assert at(1, 1).answer not in str(error.value) and at(1, 1).id not in str(error.value)
    (earlier.private / "sisa-rows.jsonl").unlink()  # as a purge does
    with pytest.raises(InputError, match="was not purged"):
        fitted(tmp_path / "last", [at(0, 1)], [], ensemble=str(earlier.root))


def test_a_loss_that_is_not_finite_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop.Trainer, "_step", lambda *_: None)
    with pytest.raises(NonFinite, match="shard-0/slice-0"):
        fitted(tmp_path / "run", [at(0, 0)])


def test_a_place_depends_on_seed_and_id_alone() -> None:
    sharding = Sharding(shards=4, slices=2, seed=0)
    # Written down: another machine or Python must give the same.
    assert [sharding.place(f"row {n}") for n in range(6)] == PLACED
    code = (
        "from unlearnkit.methods.slices import Sharding; print([Sharding(4, 2, 0).place(f'row {n}') for n in range(6)])"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert done.stdout.strip() == str(PLACED)
    places = [sharding.place(f"row {n}") for n in range(4000)]
    assert all(400 < places.count((shard, number)) < 600 for shard in range(4) for number in range(2))
    assert len({sharding.seed_of(shard, number) for shard in range(4) for number in range(2)}) == 8


def test_a_digest_tells_ids_and_contents_apart(tmp_path: Path) -> None:
    context = TinyContext(tmp_path / "run", {"forget": STAY[:2]})
    one, two = context.views(Sisa(ensemble="x").needs())["taught"]
    digests = {rows_digest([ShardRow(name, row)]) for name in "ab" for row in (one, two)}
    assert len(digests) == 4 and rows_digest([]) not in digests


def test_what_is_not_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="delete: true if ensemble is given"):
        Sisa(ensemble="x", delete=False)
    for changed in ({"shards": 0}, {"slices": 0}):
        with pytest.raises(ValueError, match="greater than or equal to 1"):
            Sisa(**changed)
    context = TinyContext(tmp_path / "run", {"forget": STAY[:2], "holdout": STAY[2:]})
    context.retrained = lambda: None  # type: ignore[method-assign]
    with pytest.raises(InputError, match="retrained model, but the suite has none"):
        Sisa().check(context)
    with pytest.raises(InputError, match="no such model folder"):
        Sisa(base="./nowhere").check(context)
    fitted(tmp_path / "other", [at(0, 0)], delete=False)
    with pytest.raises(InputError, match="itself an adapter"):
        Sisa(base=str(tmp_path / "other" / "model" / "shard-0" / "slice-0")).check(context)
