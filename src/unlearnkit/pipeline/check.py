"""Check a recipe's data before any weights are loaded."""

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
    """Result of checking a recipe's data."""

    findings: tuple[Finding, ...]
    rows: Mapping[str, int]
    """Number of rows in each set."""
    examples: Mapping[str, Sequence[str]]
    """For each set, one example row as the model sees it. In the example, the tokens that are learned or measured are
    in double brackets."""
    scope: Scope
    notes: tuple[str, ...]
    """Sentences about settings or data that the user may not expect."""

    @property
    def errors(self) -> int:
        """Number of findings with severity "error".

        An error makes a run fail or give wrong results.
        """
        return sum(finding.severity == "error" for finding in self.findings)


def check(recipe: Recipe) -> Checked:
    """Read all rows of a recipe, and return the problems found.

    This function loads the tokenizer, but no weights.

    Raises:
        InputError: a file, a record in a file, or the scope cannot be read.
    """
    context = RunContext(recipe)
    task = context.task
    sets: dict[str, tuple[Row, ...]] = {**task.measured, **task.splits}
    # Rows that the target model will write at the start of the run cannot be checked yet.
    trained = {split_of(view) for view in context.needs.views} - task.to_be_written
    found = None if recipe.model.path is None else find_model(recipe.model.path)
    tokenizer = context.suite.meta_load()[0] if found is None else load_tokenizer(found)
    encoder = training_renderer(tokenizer, recipe.train)
    findings = check_splits(sets, encoder, languages=task.scope.languages, needs_retain="retain" in trained)
    if found is not None and not any(each.severity == "error" for each in findings):
        try:
            preflight(context)
        except UnlearnError as error:  # an error that prevents the run, but concerns no single row
            where = "" if error.where is None else f" ({error.where})"
            fix = error.fix or "correct this first: the run would not start"
            findings.insert(0, finding("error", "run_refuses", f"{error.what}{where}", fix))
    rows = {name: len(members) for name, members in sets.items()}
    notices = notes(context, tokenizer, usable=not any(each.severity == "error" for each in findings))
    return Checked(tuple(findings), rows, shown(sets, encoder), task.scope, tuple(notices))
