"""Write a starter recipe and a draft of the scope."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import WriteError, refuse_taken, write_atomic, writing
from unlearnkit.data.columns import COLUMNS
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.data.trace_format import END_THINK, THINK
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import meta_load
from unlearnkit.recipe import load_recipe
from unlearnkit.scope.file import write_scope
from unlearnkit.scope.questions.wordings import LANGUAGES
from unlearnkit.scope.suggest import suggest_scope
from unlearnkit.suites.files.suite import AUTO, Files, FilesData
from unlearnkit.targets.teachers.template import TemplateTeacher

RECIPE, SCOPE = "recipe.yaml", "scope.yaml"
BATCH, EPOCHS, STEPS = 8, 5, 60
"""Number of rows per step, minimum number of epochs, and minimum number of steps. Without the minimum number of steps,
training on only a few rows would end before the model forgets anything."""
LARGE, SMALL = 300_000_000, 50_000_000
"""Numbers of parameters. The recipe proposes an adapter for a model with at least LARGE parameters, and a higher
learning rate for a model with fewer than SMALL parameters."""
ROOM = 128
"""Number of tokens that are added to the length of the longest row to obtain `max_length`, so that refusals with a
trace fit, too. If a scope could be drafted, refusals are composed, and their actual length is used instead."""

WRITTEN = 256
"""Minimum of `max_length`, in tokens, if the model writes the retain rows."""


@dataclass(frozen=True)
class Start:
    """The new recipe and scope files, with notes for the user."""

    recipe: Path
    scope: Path
    notes: tuple[str, ...]


def start(
    model: str,
    forget: str,
    *,
    retain: str | None = None,
    retrained: str | None = None,
    columns: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    out: str | Path,
) -> Start:
    """Write `recipe.yaml` and `scope.yaml` for a model and data.

    Args:
        model: folder or Hub id of the target model. Only the model's configuration and tokenizer are loaded.
        forget: file, folder or Hub id of the rows to forget.
        retain: file, folder or Hub id of the rows to keep; None: the recipe lets the target model write retain rows.
        retrained: folder or Hub id of a model that was trained without the rows to forget; None: there is no retrained
            model.
        columns: names of columns in the files, by the names that unlearnkit uses.
        ignore: columns, and fields of turns, to ignore although they may change what a row means.
        out: folder for the two files. The folder must not yet contain a file `recipe.yaml` or `scope.yaml`.

    Raises:
        InputError: one of the two files exists already, or the model or the rows cannot be read.
    """
    out = Path(out)
    recipe_file, scope_file = out / RECIPE, out / SCOPE
    for file in (recipe_file, scope_file):
        refuse_taken(file, "choose another folder with --out, or move the existing file")
    tokenizer, shape = meta_load(find_model(model, where="--model"))
    size = sum(weight.numel() for weight in shape.parameters())
    columns, ignore = dict(columns or {}), tuple(ignore)
    if unknown := next((name for name in columns if name not in COLUMNS), None):
        raise InputError(
            "unlearnkit reads no column of this name",
            where="--columns",
            value=unknown,
            allowed=", ".join(sorted(COLUMNS)),
            fix="write the name of unlearnkit before the equals sign, and that of your file after it",
        )
    data = FilesData(forget=forget, retain=retain, columns=columns, ignore=ignore, tokenizer=model)
    suite = Files(data=data)
    rows = suite.read(forget, where="--forget")
    kept = suite.read(retain, where="--retain") if retain not in (None, AUTO) else ()
    notes = list(find_model(model, where="--model").notes)
    notes += [] if retain else ["no retain rows were given, so the target model will write some when the run starts"]
    scope = None
    try:
        scope = suggest_scope(rows, kept)
    except InputError as error:
        notes.append(f"no scope could be drafted ({error.what}): write the subjects into {scope_file} by hand")
    questions = all(row.question for row in rows)
    thinks = {THINK, END_THINK} <= set(tokenizer.get_vocab())
    method = "tru" if questions and thinks else "npo"
    encoder = ChatEncoder(tokenizer, sys.maxsize)
    longest = max(_tokens(encoder, row, row.answer, row.trace) for row in rows)
    room = ROOM
    if method == "tru" and scope is not None:
        targets = TemplateTeacher().write(rows, scope, 0)
        taught = [_tokens(encoder, row, t.response, t.trace) for row, t in zip(rows, targets, strict=True)]
        room = max(0, max(taught) - longest)
    text = _TEMPLATE.render(
        recipe=recipe_file,
        model=model,
        forget=forget,
        retain=retain,
        retrained=retrained,
        columns=columns,
        ignore=ignore,
        scope=str(scope_file),
        rows=len(rows),
        size=f"{size / 1e6:,.0f}" if size >= 1e7 else f"{size / 1e6:.1f}",
        large=size >= LARGE,
        questions=questions,
        # Composed questions cannot replace plain texts, and need templates in the language of the rows.
        augment=scope is not None and questions and set(scope.languages) <= set(LANGUAGES),
        method=method,
        lr="1e-4" if size >= LARGE else "3e-4" if size < SMALL else "1e-5",
        longest=longest,
        batch=BATCH,
        epochs=max(EPOCHS, -(-STEPS * BATCH // len(rows))),
        # Retain rows that the model writes may be longer than the rows to forget.
        max_length=max(16 * -(-(longest + (room if method == "tru" else 0)) // 16), 0 if retain else WRITTEN),
    )
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    write_scope(scope_file, scope)
    try:
        write_atomic(recipe_file, text)
    except WriteError:
        scope_file.unlink()  # the next call would fail if the scope file already existed
        raise
    load_recipe(recipe_file)  # check that the new recipe is valid
    return Start(recipe_file, scope_file, tuple(notes))


def _tokens(encoder: ChatEncoder, row: Row, answer: str, trace: str) -> int:
    return len(
        encoder.answer(
            row.question, answer, history=row.history, continues=row.continues, trace=trace, where=f"row {row.id}"
        ).ids
    )


_TEMPLATE = Environment(
    loader=PackageLoader("unlearnkit.pipeline"),
    undefined=StrictUndefined,
    autoescape=False,  # the output is YAML, not HTML; user values are inserted as JSON, which is valid YAML
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
).get_template("recipe.yaml.j2")
