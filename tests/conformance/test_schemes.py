"""What every registered scheme must do: give a subject that measures, the same one each time, after any stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.methods.scheme_context import files
from unlearnkit.core.errors import InputError, Interrupted
from unlearnkit.core.progress import Progress
from unlearnkit.methods.base import SCHEMES
from unlearnkit.pipeline.attack import attack
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.listing import describe
from unlearnkit.pipeline.run import run
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.testing import checks_for
from unlearnkit.training.loop import Trainer

QUIET = Progress(quiet=True)
OPTIONS: dict[str, dict[str, Any]] = {"sisa": {"shards": 2, "slices": 2}}
"""Settings that make a run short; a scheme without an entry runs at its defaults."""

CHECKS = checks_for("scheme")

pytestmark = pytest.mark.parametrize("name", SCHEMES.names())


@pytest.fixture
def recipe(name: str, recipe_data: dict[str, Any], small_world: str) -> dict[str, Any]:
    """A run that is over in seconds; the base is the target model, which spares building another one."""
    base = {"base": small_world} if "base" in SCHEMES.get(name).plugin.model_fields else {}
    train = {**recipe_data["train"], "steps": 2, "checkpoint_every": 1}
    return {**recipe_data, "method": {"name": name, **base, **OPTIONS.get(name, {})}, "train": train}


def made(recipe: dict[str, Any], out: Path, *, resume: bool = False) -> RunFolder:
    return run(make_recipe({**recipe, "out": str(out)}), resume=resume, progress=QUIET)


def test_its_subject_is_measured_attacked_and_opened_again(name: str, recipe: dict[str, Any], tmp_path: Path) -> None:
    folder = made(recipe, tmp_path / "run")
    state, spec = folder.state(), folder.subject()
    assert state.done and state.train is not None and state.train.steps > 0 and state.cost is not None
    assert folder.scores()["forget.accuracy"].count > 0 and folder.card_file.exists() and folder.report_file.exists()
    again = open_subject(folder)
    assert {"generate"} <= again.capabilities
    assert all((folder.model / member).is_dir() for member in spec.members)
    before = folder.records()
    evaluate(folder.path, progress=QUIET)
    assert folder.records() == before
    elsewhere = evaluate(folder.path, out=tmp_path / "elsewhere", progress=QUIET)
    assert elsewhere.records() == before
    scores = attack(folder, at_most=2, progress=QUIET)
    done = set(folder.state().attacks)
    assert scores and "prefilled_answer" in done
    if not {"weights", "gradients"} <= again.capabilities:
        assert "relearn" not in done
        with pytest.raises(InputError, match="relearn needs a capability that the model does not offer"):
            attack(folder, ["relearn"], at_most=2, progress=QUIET)


def test_it_is_deterministic_and_goes_on_after_a_stop(
    name: str, recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = files(made(recipe, tmp_path / "whole").model)
    real, steps = Trainer._step, [0]
    for stop in (Interrupted("stopped"), KeyboardInterrupt()):  # by the user, and by a kill
        steps[0] = 0

        def step(self: Trainer, number: int, stop: BaseException = stop) -> Any:
            steps[0] += 1
            if steps[0] == 4:
                raise stop
            return real(self, number)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "_step", step)
            with pytest.raises(type(stop)):
                made(recipe, tmp_path / "broken", resume=True)
    assert files(made(recipe, tmp_path / "broken", resume=True).model) == whole


@pytest.mark.parametrize("check", CHECKS)
def test_a_scheme_conforms(name: str, check: str) -> None:
    CHECKS[check](SCHEMES.get(name).plugin(**OPTIONS.get(name, {})))


def test_it_is_described(name: str) -> None:
    told = "\n".join(describe(name))
    assert f"scheme {name}" in told and "Settings:" in told
