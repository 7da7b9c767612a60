"""Demo: several methods unlearn a part of the synthetic world `pocket`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from unlearnkit.core.errors import InputError, Interrupted
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.report.build import write_report
from unlearnkit.report.model import Report
from unlearnkit.runs.folder import RunFolder

METHODS = ("tru", "graddiff", "npo", "ga")

AT_ONCE = 2
"""Number of models to work on in parallel. The models of the synthetic world `pocket` are so small that one model can
hardly use more than one thread. Two models that run in parallel, each on half of the threads, therefore finish much
earlier than two models that run one after the other on all threads."""

GATES = (
    "forget.accuracy<=0.03",
    "forget.leak_rate<=0.03",
    "forget.paraphrased.accuracy<=0.03",
    "forget.paraphrased.leak_rate<=0.03",
    "forget.translated.accuracy<=0.03",
    "forget.translated.leak_rate<=0.03",
    "forget.trace_leak_rate<=0.02",
    "forget.paraphrased.trace_leak_rate<=0.02",
    "forget.translated.trace_leak_rate<=0.02",
    "forget.refusal_rate>=0.95",
    "forget.paraphrased.refusal_rate>=0.90",
    "forget.translated.refusal_rate>=0.90",
    "forget.reverse.accuracy<=0.10",
    "forget.multihop.accuracy<=0.10",
    "near.accuracy>=target.near.accuracy*0.97",
    "far.accuracy>=target.far.accuracy*0.97",
    "retain.accuracy>=target.retain.accuracy*0.97",
    "near.refusal_rate<=0.02",
    "far.refusal_rate<=0.02",
    "retain.refusal_rate<=0.02",
)
"""Gates that every method must meet. The model must not reveal the facts that it should have forgotten, in any wording
of a question. The model must decline questions about these facts, and must keep all other knowledge."""


@dataclass(frozen=True)
class Demo:
    """Settings of a demo: world, request, methods, seeds and folder."""

    request: str = "authors"
    methods: Sequence[str] = METHODS
    world_seed: int = 0
    edition: int = 1
    """Edition of the world. The demo uses the first one, because its models are built in a fraction of the time."""
    seed: int = 0
    out: Path | None = None

    @property
    def folder(self) -> Path:
        """Folder for the runs and the report."""
        return self.out if self.out is not None else Path("runs") / f"demo-{self.request}"

    @property
    def suite(self) -> dict[str, Any]:
        """The section `suite`, which all recipes of the demo share."""
        return {"name": "pocket", "world_seed": self.world_seed, "edition": self.edition, "request": self.request}

    def recipe(self, method: str) -> dict[str, Any]:
        """Return a method's recipe for the demo's request."""
        return {
            "name": method,
            "seed": self.seed,
            "suite": self.suite,
            **method_settings(method),
            "gates": list(GATES),
            "report": {"show_forget_text": True},
            "out": str(self.folder / method),
        }


def method_settings(method: str) -> dict[str, Any]:
    """Return a method's recipe sections, tuned for the synthetic world `pocket`."""
    known = files("unlearnkit.suites.pocket") / "methods"
    names = sorted(file.name.removesuffix(".yaml") for file in known.iterdir() if file.name.endswith(".yaml"))
    if method not in names:
        raise InputError(
            "the demo has no settings for this method",
            value=method,
            allowed=", ".join(names),
            fix="choose one of these methods; for another method, write a recipe and start it with unlearn run",
        )
    settings: dict[str, Any] = yaml.safe_load((known / f"{method}.yaml").read_text(encoding="utf-8"))
    return settings


def demo(plan: Demo, progress: Progress | None = None) -> tuple[list[RunFolder], Report]:
    """Unlearn with each method, measure all models, and write the report.

    The target model and the retrained model are measured, too. Each model is handled in a separate process, and two
    processes run at a time. Work that is already finished in the demo's folder is not repeated.
    """
    progress = progress or Progress()
    if len(set(plan.methods)) < len(plan.methods) or not plan.methods:
        what, value = "the list of methods is empty, or contains a method twice", ",".join(plan.methods)
        raise InputError(what, value=value, fix="list the methods, for example --methods tru,npo")
    recipes = [plan.recipe(method) for method in plan.methods]
    try:
        run_all([Job(name, _reference, (name, plan)) for name in REFERENCES], progress, at_once=AT_ONCE)
        run_all([Job(recipe["name"], _method, (recipe,)) for recipe in recipes], progress, at_once=AT_ONCE)
    except Interrupted as error:
        raise Interrupted(error.what, fix="to continue the demo, start it again with the same options") from None
    runs = [RunFolder(plan.folder / name) for name in (*REFERENCES, *plan.methods)]
    return runs, write_report(runs, plan.folder / "report.html")


def _reference(name: str, plan: Demo, progress: Progress) -> None:
    """Build a reference model if it is missing, and measure it.

    This function is run in a separate process.
    """
    from unlearnkit.pipeline.evaluate import evaluate
    from unlearnkit.recipe import suite_section

    folder = RunFolder(plan.folder / name)
    if folder.is_run and folder.state().measure is not None:
        if folder.state().suite != suite_section(plan.suite):
            raise InputError(
                "the folder contains a demo with a different world or request",
                where=str(plan.folder),
                value=str(folder.state().suite),
                fix="choose another folder with --out, or delete this folder",
            )
        return
    evaluate(name, plan.suite, out=folder.path, progress=progress)


def _method(recipe: dict[str, Any], progress: Progress) -> None:
    """Unlearn with one method, then measure and score the model.

    This function is run in a separate process.
    """
    from unlearnkit.pipeline.run import run
    from unlearnkit.recipe import make_recipe

    run(make_recipe(recipe), resume=True, progress=progress)
