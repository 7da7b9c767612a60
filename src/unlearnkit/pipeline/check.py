"""Check a recipe's data before anything is loaded on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnkit.core.errors import UnlearnError
from unlearnkit.data.checks import check_splits, shown
from unlearnkit.data.findings import Finding, finding
from unlearnkit.data.rows import Row
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import load_tokenizer
from unlearnkit.pipeline.context import RunContext
from unlearnkit.pipeline.preflight import notes, preflight
from unlearnkit.recipe import Recipe
from unlearnkit.scope.scope import Scope
from unlearnkit.training.step import split_of
from unlearnkit.training.views import training_renderer


@dataclass(frozen=True)
class Checked:
    """The findings of a check, and the data that was checked."""

    findings: tuple[Finding, ...]
    rows: Mapping[str, int]
    """Number of rows of each set."""
    examples: Mapping[str, Sequence[str]]
    """A row of each set as the model sees it; what is learned or measured is in double brackets."""
    scope: Scope
    notes: tuple[str, ...]
    """What may surprise the user."""

    @property
    def errors(self) -> int:
        """Number of findings with which a run would fail or be wrong."""
        return sum(finding.severity == "error" for finding in self.findings)


def check(recipe: Recipe) -> Checked:
    """Read every row that a recipe names, and return what is wrong.

    Loads a tokenizer and no weights.

    Raises:
        InputError: a file, one of its records or the scope cannot be read.
    """
    context = RunContext(recipe)
    task = context.task
    sets: dict[str, tuple[Row, ...]] = {**task.measured, **task.splits}
    # What the target model itself is going to write cannot be checked yet.
    trained = {split_of(view) for view in context.needs.views} - task.to_be_written
    found = None if recipe.model.path is None else find_model(recipe.model.path)
    tokenizer = context.suite.meta_load()[0] if found is None else load_tokenizer(found)
    encoder = training_renderer(tokenizer, recipe.train)
    findings = check_splits(sets, encoder, languages=task.scope.languages, needs_retain="retain" in trained)
    if found is not None and not any(each.severity == "error" for each in findings):
        try:
            preflight(context)
        except UnlearnError as error:  # a reason for which a run would refuse to begin, and that no single row causes
            where = "" if error.where is None else f" ({error.where})"
            findings.insert(0, finding("error", "run_refuses", f"{error.what}{where}", error.fix or "correct it"))
    rows = {name: len(members) for name, members in sets.items()}
    return Checked(tuple(findings), rows, shown(sets, encoder), task.scope, tuple(notes(context, tokenizer)))
