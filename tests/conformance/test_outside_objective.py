"""Adding an objective is one file: this one is not part of the package, and runs like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unlearnkit.core.progress import Progress
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe

OBJECTIVE = '''
from typing import Annotated

import torch
from annotated_types import Gt

from unlearnkit import ForgetObjective, Needs, Step, Term, objective


@objective("simnpo_from_outside", paper="arXiv:2410.07163", equation="Eq. 4")
class SimNPO(ForgetObjective):
    """Simple NPO: as NPO, with the answer's length in the reference's place."""

    beta: Annotated[float, Gt(0)] = 2.5

    def forget_needs(self) -> Needs:
        return Needs(logps=frozenset({"forget"}))

    def forget_term(self, step: Step) -> Term:
        answer = step.logps("forget")
        lengths = torch.bincount(answer.row, minlength=answer.rows)
        losses = 2 / self.beta * torch.nn.functional.softplus(self.beta * answer.per_row() / lengths)
        return Term(losses.sum(), "forget", "sequence")
'''


def test_an_objective_from_outside_runs(
    recipe_data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(OBJECTIVE.strip().splitlines()) < 30
    (tmp_path / "simnpo_from_outside.py").write_text(OBJECTIVE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(OBJECTIVES, "_entries", dict(OBJECTIVES._entries))
    __import__("simnpo_from_outside")
    method = {"name": "simnpo_from_outside", "beta": 1.0, "retain": "nll"}
    folder = run(make_recipe({**recipe_data, "method": method}), progress=Progress(quiet=True))
    assert folder.state().title == "SimNPO" and set(folder.curve()[0].values) == {"loss", "forget", "retain"}
