"""Demo: several methods unlearn a part of a synthetic world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

import yaml

from unlearnkit.core.errors import InputError, Interrupted, MissingDependency
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.pipeline.looked_at import Look, write_looks
from unlearnkit.pipeline.subprocess_jobs import is_measured, unlearn
from unlearnkit.report.build import write_report
from unlearnkit.report.model import Report
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import PACKAGED_FILE
from unlearnkit.suites.base import SUITES, DemoSuite

METHODS = ("tru", "po", "npo", "graddiff")

AT_ONCE = 2
"""Number of models to work on in parallel. The demo's models are so small that one model can hardly use more than one
thread. Two models that run in parallel, each on half of the threads, therefore finish much earlier than two models that
run one after the other on all threads."""

SUITE = "pocket"
"""Name of the suite whose world the demo uses."""


@dataclass(frozen=True)
class Demo:
    """Settings of a demo: world, request, methods, seeds, folder and models."""

    request: str | None = None
    """Part of the world to forget; None: the suite's default."""
    methods: Sequence[str] = METHODS
    world_seed: int = 0
    edition: int = 1
    """Edition of the world. The demo uses the first one, because its models are built in a fraction of the time."""
    seed: int = 0
    out: Path | None = None
    retrain: bool = False
    """Whether the world's models are trained on this machine even if they come with the package. They are cached, and
    later commands use them."""

    @property
    def folder(self) -> Path:
        """Folder for the runs and the report."""
        from unlearnkit.recipe import suite_section

        if self.out is not None:
            return self.out
        request = self.request if self.request is not None else suite_section({"name": SUITE})["request"]
        return Path("runs") / f"demo-{request}"

    @property
    def suite(self) -> dict[str, Any]:
        """The section `suite`, which all recipes of the demo share."""
        request = {} if self.request is None else {"request": self.request}
        return {"name": SUITE, "world_seed": self.world_seed, "edition": self.edition, **request}

    def recipe(self, method: str) -> dict[str, Any]:
        """Return a method's recipe for the demo's request."""
        return {
            "name": method,
            "seed": self.seed,
            "suite": self.suite,
            **method_settings(method),
            "gates": demo_gates(),
            "report": {"show_forget_text": True, "show_names": True},
            "out": str(self.folder / method),
        }


def demo_folder() -> Traversable:
    """Return the folder with the suite's settings of the demo.

    Raises:
        MissingDependency: the package was installed without the suite.
    """
    folder: Traversable | None = None
    if SUITE in SUITES.names():
        folder = getattr(SUITES.get(SUITE).plugin, "demo", None)
    if folder is None:
        raise MissingDependency(
            "the demo needs a suite that is missing from this installation",
            value=SUITE,
            fix="install unlearnkit again with all its files, or start a run with a recipe of your own: unlearn init",
        )
    return folder


def demo_gates() -> list[str]:
    """Return the gates that every method of the demo must meet."""
    settings: dict[str, list[str]] = yaml.safe_load((demo_folder() / "demo.yaml").read_text(encoding="utf-8"))
    return settings["gates"]


def method_settings(method: str) -> dict[str, Any]:
    """Return a method's recipe sections, tuned for the demo's world."""
    known = demo_folder() / "methods"
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
    demo_folder()  # raises an error if the suite is missing
    if len(set(plan.methods)) < len(plan.methods) or not plan.methods:
        what, value = "the list of methods is empty, or contains a method twice", ",".join(plan.methods)
        raise InputError(what, value=value, fix="list the methods, for example --methods tru,npo")
    recipes = [plan.recipe(method) for method in plan.methods]
    write_looks([Look("demo", plan.suite, plan.seed, [method_settings(method) for method in plan.methods])])
    try:
        run_all([Job(name, _reference, (name, plan)) for name in REFERENCES], progress, at_once=AT_ONCE)
        if packaged := [name for name in REFERENCES if _is_packaged(RunFolder(plan.folder / name))]:
            progress.log(
                f"models that come with the package: {', '.join(packaged)}; "
                "to train them on this machine instead: unlearn demo --retrain --out DIR"
            )
        run_all([Job(recipe["name"], unlearn, (recipe,)) for recipe in recipes], progress, at_once=AT_ONCE)
    except Interrupted as error:
        raise Interrupted(error.what, fix="to continue the demo, start it again with the same options") from None
    runs = [RunFolder(plan.folder / name) for name in (*REFERENCES, *plan.methods)]
    return runs, write_report(runs, plan.folder / "report.html")


def _is_packaged(reference: RunFolder) -> bool:
    """Return whether a measured reference model comes with the package."""
    return (Path(reference.subject_path()) / PACKAGED_FILE).exists()


def _reference(name: str, plan: Demo, progress: Progress) -> None:
    """Build a reference model if it is missing, and measure it.

    This function is run in a separate process.
    """
    from unlearnkit.pipeline.evaluate import evaluate, suite_model
    from unlearnkit.recipe import make_suite

    folder = RunFolder(plan.folder / name)
    measured = is_measured(folder, plan.suite)
    suite = make_suite(plan.suite)
    model = cast(DemoSuite, suite).train_model(name, progress) if plan.retrain else suite_model(suite, name, progress)
    if not measured:
        evaluate(name, plan.suite, out=folder.path, progress=progress)
    elif Path(model).name != Path(folder.subject_path()).name:  # the cache may have moved
        raise InputError(
            "the folder contains a demo with another model of the same world",
            where=str(plan.folder),
            value=folder.subject_path(),
            allowed=model,
            fix="choose another folder with --out, or delete this folder",
        )
