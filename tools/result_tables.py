"""Write the tables of the documents from raw results.

    python tools/result_tables.py            # rewrite every table
    python tools/result_tables.py --check    # write nothing; exit code 1 if a table differs from the results
    python tools/result_tables.py --keep experiments/results/demo.json runs/demo-authors    # keep the scores of runs

A table in a document is between the lines `<!-- table: NAME -->` and `<!-- end of table -->`. `docs/tables.yaml`
describes each table: the file with the raw results, and what the table shows of them. The raw results are the scores of
each run, with intervals and counts (`.json`, or compressed `.json.gz`).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

import yaml
from pydantic import Field
from rich.console import Console

from unlearnkit.core.number_format import number
from unlearnkit.core.settings import Value
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.wordings import ANY, parse_wording
from unlearnkit.pipeline.board_file import folder_name
from unlearnkit.report.build import find_runs
from unlearnkit.report.compare import board_table
from unlearnkit.report.first_lines import first_lines
from unlearnkit.report.tables.writers import terminal
from unlearnkit.runs.raw_results import Results, read_results, write_results
from unlearnkit.suites.made_up.base import REACHED

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "docs" / "tables.yaml"
_BLOCK = re.compile(r"(<!-- table: ([\w.-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
_ABSENT = "not measured"


def _cell(score: Score, intervals: bool) -> str:
    if score.value is None:
        return _ABSENT
    if not intervals or score.low is None or score.high is None:
        return number(score.value)
    return f"{number(score.value)} [{number(score.low)}, {number(score.high)}]"


class Drawn(Value):
    """What a table shows of a file with raw results."""

    results: str
    """File with the raw results, relative to the root of the project."""
    models: dict[str, str]
    """Title of each column, by name of the run."""

    def drawn(self, root: Path) -> str:
        """Return the table of the results in a project's folder as Markdown."""
        return self.text(read_results(root / self.results))

    @abstractmethod
    def text(self, results: Results) -> str:
        """Return the table as Markdown."""


class Columns(Drawn):
    """A table with one column for each model and one row for each score."""

    kind: Literal["columns"] = "columns"
    rows: dict[str, str]
    """Title of each row, by name of the score."""
    intervals: bool = False
    """Whether the 95 % interval is shown after each value."""

    def text(self, results: Results) -> str:
        """Return the table as Markdown."""
        lines = [["", *self.models.values()], ["---", *("--:" for _ in self.models)]]
        for flat, title in self.rows.items():
            lines.append(
                [title, *(_cell(results[name].get(flat, NOT_MEASURED), self.intervals) for name in self.models)]
            )
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


class ByForm(Drawn):
    """A table with one column for each model and one row for each form of questions."""

    kind: Literal["by_form"]
    set: str
    """The row set."""
    part: str
    """What is shown, such as `known`; see `unlearnkit.metrics.wordings`."""
    intervals: bool = False
    """Whether the 95 % interval is shown after each value."""

    def text(self, results: Results) -> str:
        """Return the table as Markdown."""
        counted = next(iter(self.models))
        names = (parse_wording(flat) for flat in results[counted])
        forms = sorted(one.wording for one in names if one and (one.split, one.part) == (self.set, self.part))
        forms.sort(key=lambda form: form != ANY)  # all forms together come first
        lines = [["form", "questions", *self.models.values()], ["---", *("--:" for _ in ["questions", *self.models])]]
        for form in forms:
            flat = f"wording.{self.set}.{form}.{self.part}"
            count = str(results[counted].get(flat, NOT_MEASURED).count)
            cells = (_cell(results[name].get(flat, NOT_MEASURED), self.intervals) for name in self.models)
            lines.append([form, count, *cells])
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


class Board(Drawn):
    """The board as `unlearn compare` prints it."""

    kind: Literal["board"]

    def text(self, results: Results) -> str:
        """Return the board in a code block."""
        chosen = {title: results[name] for name, title in self.models.items()}
        console = Console(file=StringIO(), width=140, no_color=True)
        console.print(terminal(board_table(chosen, ScoreDocs())))
        lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
        return "\n".join(["```text", *lines, "```"]).replace("\n\n```", "\n```")


class Lines(Drawn):
    """The first lines about each model."""

    kind: Literal["lines"]

    def text(self, results: Results) -> str:
        """Return a list with one item for each model."""
        docs = ScoreDocs()
        items = ((title, first_lines(name, results, docs)) for name, title in self.models.items())
        return "\n".join(f"- {title}: {' '.join(lines)}" for title, lines in items if lines)


class Methods(Value):
    """A table with one row for each method of a board, and columns for each suite.

    A cell shows the mean over the seeds.
    """

    kind: Literal["methods"]
    results: dict[str, str]
    """File that the board kept, relative to the root of the project, by title of the suite."""
    rows: dict[str, str]
    """Title of each row, by the method's title in the board."""
    columns: dict[str, str]
    """Title of each column of a suite, by name of the score."""
    ranges: bool = False
    """Whether the lowest and the highest value over the seeds are shown after each mean."""

    def drawn(self, root: Path) -> str:
        """Return the table of the results in a project's folder as Markdown."""
        kept = {suite: _by_method(read_results(root / file)) for suite, file in self.results.items()}
        heads = [f"{suite}: {title}" if len(kept) > 1 else title for suite in kept for title in self.columns.values()]
        lines = [["method", *heads], ["---", *("--:" for _ in heads)]]
        for method, title in self.rows.items():
            cells = (
                self._cell(runs.get(folder_name(method), []), flat) for runs in kept.values() for flat in self.columns
            )
            lines.append([title, *cells])
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

    def _cell(self, runs: Sequence[Mapping[str, Score]], flat: str) -> str:
        values = [score.value for run in runs if (score := run.get(flat)) is not None and score.value is not None]
        if not values:
            return _ABSENT
        span = f" ({number(min(values))}–{number(max(values))})" if self.ranges and len(values) > 1 else ""
        return number(fmean(values)) + span


def _by_method(results: Results) -> dict[str, list[Mapping[str, Score]]]:
    """Return the scores of each method's runs in a file that a board kept, by the method's name in folders."""
    methods: dict[str, list[Mapping[str, Score]]] = {}
    for name, scores in results.items():
        methods.setdefault(name.rpartition("/")[2].partition("-seed-")[0], []).append(scores)
    return methods


class Forms(Value):
    """A table of the forms of questions that the target model of a suite answers."""

    kind: Literal["forms"]
    results: str
    """File that `experiments/forms.py` wrote, relative to the root of the project."""

    def drawn(self, root: Path) -> str:
        """Return the table of the results in a project's folder as Markdown."""
        forms = json.loads((root / self.results).read_text(encoding="utf-8"))["forms"]
        lines = ["| form | accuracy | questions |", "|---|--:|--:|"]
        for form, each in sorted(forms.items()):
            missed = "" if each["accuracy"] >= REACHED else " (not reached)"
            lines.append(f"| {form} | {each['accuracy']:.2f}{missed} | {each['questions']} |")
        reached = sum(each["accuracy"] >= REACHED for each in forms.values())
        return "\n".join([*lines, "", f"{reached} of {len(forms)} forms are reached."])


Tables = dict[str, Annotated[Columns | ByForm | Board | Lines | Methods | Forms, Field(discriminator="kind")]]


class Described(Value):
    """The content of `docs/tables.yaml`."""

    tables: Tables


def keep(path: Path, folders: Sequence[Path]) -> None:
    """Write the measured scores of all runs in these folders to a file of raw results."""
    write_results(path, {run.name: run.scores() for run in find_runs(folders)})


def documents(root: Path) -> Iterator[Path]:
    """Yield the documents that may have tables."""
    yield root / "README.md"
    yield from sorted((root / "docs").rglob("*.md"))


def rewritten(text: str, tables: Tables, root: Path) -> str:
    """Return a document with its tables written anew.

    Raises:
        KeyError: a table of the document is not described.
    """

    def block(match: re.Match[str]) -> str:
        table = tables[match[2]]
        return f"{match[1]}\n{table.drawn(root)}\n\n{match[3]}"

    return _BLOCK.sub(block, text)


def main() -> int:
    """Write, check or keep; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a table differs")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the scores of the runs in FOLDERS to a file")
    parser.add_argument("folders", type=Path, nargs="*", help="with --keep: run folders, or folders that contain runs")
    options = parser.parse_args()
    if options.keep is not None:
        keep(options.keep, options.folders)
        return 0
    tables = Described.model_validate({"tables": yaml.safe_load(TABLES.read_text(encoding="utf-8"))}).tables
    used, differing = set[str](), []
    for path in documents(ROOT):
        text = path.read_text(encoding="utf-8")
        used |= {match[2] for match in _BLOCK.finditer(text)}
        new = rewritten(text, tables, ROOT)
        if new != text:
            differing.append(path)
            if not options.check:
                path.write_text(new, encoding="utf-8")
    for name in sorted(set(tables) - used):
        print(f"{TABLES}: no document has the table {name}", file=sys.stderr)  # noqa: T201
    if options.check:
        for path in differing:
            print(f"{path}: a table differs from its results; run python tools/result_tables.py", file=sys.stderr)  # noqa: T201
    return int(bool(set(tables) - used) or (options.check and bool(differing)))


if __name__ == "__main__":
    sys.exit(main())
