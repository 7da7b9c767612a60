"""Conformance checks for schemes, i.e. methods with their own training loop.

Each check takes a `Scheme`, or a `Scheme` class that has a default for every setting. Several checks run the complete
training. Choose settings that keep the training short.
"""

from __future__ import annotations

from pathlib import Path

from unlearnkit.core.errors import InputError
from unlearnkit.methods.base import SCHEMES, Scheme
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.pipeline.subject import open_subject
from unlearnkit.testing.check import Checks, add_source_and_settings, ensure, made
from unlearnkit.testing.tiny_run import QUIET, add_views_check, tiny_runs

Plugin = Scheme | type[Scheme]
CHECKS = Checks()


def _files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


add_views_check(CHECKS)


@CHECKS.add
def a_run_measures_its_model_and_opens_it_again(plugin: Plugin) -> None:
    """A model that is saved and reopened gives the same records."""
    with tiny_runs(made(plugin)) as runs:
        folder = run(runs.recipe("run"), progress=QUIET)
        ensure("generate" in open_subject(folder).capabilities, "the scheme's model cannot generate outputs")
        ensure(folder.scores()["forget.accuracy"].value is not None, "the scheme's model is not measured")
        again = evaluate(folder.path, out=runs.folder / "again", progress=QUIET)
        ensure(again.records() == folder.records(), "the saved and reopened model gives different records")


@CHECKS.add
def the_same_seed_gives_the_same_bytes(plugin: Plugin) -> None:
    """Runs with the same seed give the same model files."""
    with tiny_runs(made(plugin)) as runs:
        one, again = (_files(run(runs.recipe(out), measured=False, progress=QUIET).model) for out in ("one", "again"))
    ensure(one, "the scheme saves no model in the run's folder")
    ensure(one == again, "the same seed gives different model files")


@CHECKS.add
def a_mask_is_refused_unless_it_can_be_masked(plugin: Plugin) -> None:
    """A recipe may set a mask only for schemes with `can_be_masked`.

    All other schemes would ignore the mask, so the recipe would contain a setting without effect.
    """
    scheme = made(plugin)
    with tiny_runs(scheme, {"name": "gradient_saliency"}) as runs:
        try:
            runs.recipe("run")
        except InputError:
            ensure(not scheme.can_be_masked, "`can_be_masked` is True, but the recipe refuses a mask")
        else:
            ensure(scheme.can_be_masked, "`can_be_masked` is False, but the recipe accepts a mask")


add_source_and_settings(CHECKS, SCHEMES)
