"""Run a method on a tiny model and a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from unlearnkit.core.progress import Progress
from unlearnkit.core.settings import Settings
from unlearnkit.data.rows import write_rows
from unlearnkit.methods.base import METHODS
from unlearnkit.methods.objective import Needs
from unlearnkit.models.load import save_model
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.open_run import open_run
from unlearnkit.recipe import Recipe, make_recipe
from unlearnkit.scope.file import write_scope
from unlearnkit.testing.check import Checks, ensure, entry_of, made
from unlearnkit.testing.example import FORGET, HOLDOUT, NEAR, scope_of
from unlearnkit.testing.tiny import tiny_model, tiny_tokenizer

QUIET = Progress(quiet=True)
ROWS = {"forget": FORGET, "retain": NEAR, "holdout": HOLDOUT}
TRAIN = {"epochs": None, "steps": 3, "batch_size": 2, "lr": 1e-3, "max_length": 48}


class TinyRuns:
    """Creates recipes and runs of one method, with tiny models.

    Args:
        folder: folder to which data, models and runs are written.
        method: method that the recipes use. The method's class must be registered.
        mask: the recipe section `method.mask`; None: no mask.
    """

    def __init__(self, folder: Path, method: Settings, mask: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.method = {"name": entry_of(METHODS, method).name, **method.model_dump(mode="json"), "mask": mask}
        for split, rows in ROWS.items():
            write_rows(folder / f"{split}.jsonl", rows)
        write_scope(folder / "scope.yaml", scope_of())
        for seed, name in enumerate(("target", "retrained")):
            save_model(tiny_model(seed=seed), tiny_tokenizer(), folder / name)

    def recipe(self, out: str, **sections: Any) -> Recipe:
        """Return a recipe for a run in the subfolder that `out` names."""
        files = {split: str(self.folder / f"{split}.jsonl") for split in ROWS}
        recipe: Recipe = make_recipe(
            {
                "name": "tiny",
                "suite": {"name": "files", "retrained": str(self.folder / "retrained")},
                "data": {**files, "scope": str(self.folder / "scope.yaml")},
                "model": {"path": str(self.folder / "target")},
                "method": self.method,
                "train": TRAIN,
                "eval": {"max_new_tokens": 3},
                "out": str(self.folder / out),
                **sections,
            }
        )
        return recipe

    def context(self, out: str, **sections: Any) -> RunContext:
        """Open a new run for training, and return the run's context."""
        context = RunContext(self.recipe(out, **sections), progress=QUIET)
        open_run(context, resume=False)
        context.prepare()
        return context


@contextmanager
def tiny_runs(method: Settings, mask: dict[str, Any] | None = None) -> Iterator[TinyRuns]:
    """Yield a `TinyRuns` object that writes to a temporary folder."""
    with TemporaryDirectory() as folder:
        yield TinyRuns(Path(folder), method, mask)


class ViewsRead:
    """Tracks which views are read from a run's context."""

    def __init__(self, context: RunContext) -> None:
        self.names: set[str] = set()
        self._views = context.views
        context.views = self._read  # type: ignore[method-assign]

    def _read(self, needs: Needs) -> Any:
        self.names.update(needs.views)
        return self._views(needs)


def add_views_check(checks: Checks) -> None:
    """Add the check that a method reads only the views in `needs`."""

    @checks.add
    def it_reads_only_the_views_that_it_needs(plugin: Any) -> None:
        """`needs` names every view that `fit` reads.

        A view is a set of training rows. The package checks the files of the views in `needs` before a run starts.
        Therefore, a missing file is reported early.
        """
        method = made(plugin)
        with tiny_runs(method) as runs:
            context = runs.context("run")
            read = ViewsRead(context)
            method.fit(context)
        undeclared = ", ".join(sorted(read.names - method.needs().views))
        ensure(not undeclared, f"`fit` reads views that `needs` does not declare: {undeclared}")


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of a model's weights, by name."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Return whether two float32 tensors are equal bit for bit.

    Unlike `torch.equal`, this function distinguishes 0.0 from -0.0.
    """
    return torch.equal(one.contiguous().view(torch.int32), other.contiguous().view(torch.int32))
