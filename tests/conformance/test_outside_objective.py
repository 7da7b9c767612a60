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


OF_THE_DISTRIBUTION = '''
from unlearnkit import ForgetObjective, Needs, Step, Term, objective


@objective("flatten_from_outside", paper="arXiv:2410.08109", equation="maximum entropy, with a temperature")
class Flatten(ForgetObjective):
    """Flatten: KL(uniform || model) on the forget answers, against KL(model || reference) on the same tokens."""

    temperature: float = 2.0
    near: float = 0.1

    def _loss(self, logits, reference):
        logps = (logits / self.temperature).log_softmax(-1)
        model = logits.log_softmax(-1)
        return -logps.mean(-1) + self.near * (model.exp() * (model - reference.log_softmax(-1))).sum(-1)

    def forget_needs(self) -> Needs:
        return Needs(distribution={("forget", self._loss)})

    def forget_term(self, step: Step) -> Term:
        return Term(step.distribution("forget").map(self._loss).values.sum(), "forget", "token")
'''

FILES = {
    "simnpo_from_outside": (OBJECTIVE, "SimNPO", {"beta": 1.0}),
    "flatten_from_outside": (OF_THE_DISTRIBUTION, "Flatten", {"temperature": 1.5}),
}


@pytest.mark.parametrize("name", FILES)
def test_an_objective_from_outside_runs(
    name: str, recipe_data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, title, options = FILES[name]
    assert len(source.strip().splitlines()) < 30
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(OBJECTIVES, "_entries", dict(OBJECTIVES._entries))
    __import__(name)
    method = {"name": name, "retain": "nll", **options}
    folder = run(make_recipe({**recipe_data, "method": method}), progress=Progress(quiet=True))
    assert folder.state().title == title and set(folder.curve()[0].values) == {"loss", "forget", "retain"}
