"""Read a board file: methods to compare on suites, worlds and seeds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, MinLen
from pydantic import ConfigDict, Field, ValidationError

from unlearnkit.core.settings import LARGEST_SEED, Place, Settings
from unlearnkit.core.yaml_source import BadField, Origins, bad_field, parse
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.recipe import Recipe, make_recipe, suite_section

Seed = Annotated[int, Ge(0), Le(LARGEST_SEED)]

OF_THE_BOARD = ("suite", "seed", "out", "name")
"""Sections of a recipe that a method of a board must not have, because they follow from the board."""
AUGMENT = "augment"
"""Field of the section `data` that a method may set: the rows composed from the scope belong to the method."""

LONGEST_FOLDER = 150
"""Maximum length of a folder's name, in bytes, without the seed."""


class BoardSuite(Settings):
    """A suite of a board: the recipe section `suite`, and worlds."""

    model_config = ConfigDict(extra="allow")

    worlds: Annotated[tuple[Seed, ...], MinLen(1)] | None = None
    """Seeds of the made-up worlds; null: the suite runs once, as it is described."""
    title: Annotated[str, MinLen(1)] | None = None
    """Title in the table; null: the suite's name and the settings that are written here."""

    @property
    def section(self) -> dict[str, Any]:
        """The recipe section `suite`, in which `data` may be a setting."""
        return dict(self.model_extra or {})

    @property
    def heading(self) -> str:
        """The title, or by default the name and the settings."""
        if self.title is not None:
            return self.title
        settings = {key: value for key, value in self.section.items() if key not in ("name", "data")}
        described = ", ".join(f"{key} {value}" for key, value in settings.items())
        return f"{self.section['name']}" + (f" ({described})" if described else "")


class BoardFile(Settings):
    """The content of a board file."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    """Name of the board and, by default, of its folder."""
    suites: Annotated[tuple[BoardSuite, ...], MinLen(1)]
    """Suites, each with its settings, as in a recipe's section `suite`. In addition, `worlds` lists seeds of made-up
    worlds, and `data` is the recipe section of this name."""
    seeds: Annotated[tuple[Seed, ...], MinLen(1)] = (0,)
    """Seeds of the runs."""
    methods: Annotated[dict[str, dict[str, Any]], MinLen(1)]
    """Sections of a recipe (`method`, `train`, `targets`, `model`, ...), by the method's title in the table. Of the
    section `data`, a method may set `augment`."""
    scores: Annotated[dict[str, str], MinLen(1)]
    """Title of each column, by name of the score. Scores have the same names as in a gate."""
    out: Place | None = None
    """Folder for all runs and the tables; null for `runs/boards/<name>`."""
    keep: Annotated[str, Field(pattern=r"\.json(\.gz)?$")] | None = None
    """File for the scores of all runs (`.json` or `.json.gz`); null: no such file is written."""


@dataclass(frozen=True)
class BoardRun:
    """A run of a board."""

    method: str
    """Title of the method."""
    recipe: Recipe


@dataclass(frozen=True)
class Group:
    """A suite in one world, with its runs."""

    title: str
    suite: str
    """Title of the suite, without the world."""
    section: dict[str, Any]
    """The suite's recipe section, with all settings and `data`."""
    folder: Path
    runs: tuple[BoardRun, ...]


@dataclass(frozen=True)
class Board:
    """A board file with all its runs."""

    file: BoardFile
    text: str
    """The board file as it was written."""
    groups: tuple[Group, ...]

    @property
    def folder(self) -> Path:
        """Folder for all runs and the tables."""
        return _folder_of(self.file)


def load_board(path: str | Path) -> Board:
    """Read a board file, and check all its recipes.

    Args:
        path: the YAML file. If it has no `name`, the file's name without its suffix is used.

    Raises:
        InputError: a field is invalid. The message says where the field was set and which values are allowed.
    """
    path = Path(path)
    data, origins = parse(path, (), what="board", begin="name:")
    data.setdefault("name", path.stem)
    try:
        file = BoardFile.model_validate(data)
        _refuse_contradictions(file)
        sections = [_section(each, number) for number, each in enumerate(file.suites)]
    except ValidationError as error:
        raise origins.placed(bad_field(error, BoardFile)) from error
    except BadField as error:
        raise origins.placed(error) from error
    groups = [
        _group(file, each, section, world, origins)
        for each, section in zip(file.suites, sections, strict=True)
        for world in each.worlds or (None,)
    ]
    try:
        _refuse_same(groups, lambda group: group.folder.name, lambda group: group.title, "suites", "a `title`")
        _refuse_different_models(groups[0].runs)
    except BadField as error:
        raise origins.placed(error) from error
    return Board(file, path.read_text(encoding="utf-8"), tuple(groups))


def _refuse_contradictions(file: BoardFile) -> None:
    """Raise `BadField` if a section is misplaced or repeated."""
    for path, numbers in _lists(file):
        twice = next((number for number in numbers if numbers.count(number) > 1), None)
        if twice is not None:
            raise BadField("the list contains a number twice", path=path, value=twice, fix="remove one of the two")
    for title, sections in file.methods.items():
        data = sections.get("data", {})
        if not isinstance(data, dict):
            raise BadField(
                "the section is not a mapping",
                path=("methods", title, "data"),
                value=data,
                allowed=f"a mapping with the field {AUGMENT}",
                fix=f"write data: {{{AUGMENT}: ...}}, or remove the section",
            )
        fields = [("data", name) for name in data if name != AUGMENT]
        misplaced = next((path for path in (*((name,) for name in OF_THE_BOARD), *fields) if path[0] in sections), None)
        if misplaced is not None:
            raise BadField(
                "this setting follows from the board, and a method must not set it",
                path=("methods", title, *misplaced),
                fix="remove the setting; `suites` and `seeds` of the board apply to all methods",
            )
        _refuse_without_folder(title, ("methods", title))
        if folder_name(title) in REFERENCES:
            raise BadField(
                "the title is reserved for a reference model",
                path=("methods", title),
                value=title,
                fix="choose another title",
            )
    for number, suite in enumerate(file.suites):
        if suite.title is not None:
            _refuse_without_folder(suite.title, ("suites", number, "title"))
    _refuse_same(list(file.methods), folder_name, str, "methods", "another title")


def _refuse_without_folder(title: str, path: tuple[str | int, ...]) -> None:
    if not 0 < len(folder_name(title).encode()) <= LONGEST_FOLDER:
        raise BadField(
            "no folder can be named after this title",
            path=path,
            value=title,
            allowed=f"a title with letters or digits, of at most {LONGEST_FOLDER} bytes",
            fix="choose another title",
        )


def _lists(file: BoardFile) -> Iterator[tuple[tuple[str | int, ...], tuple[int, ...]]]:
    yield ("seeds",), file.seeds
    for number, suite in enumerate(file.suites):
        yield ("suites", number, "worlds"), suite.worlds or ()


def _refuse_same(
    members: Iterable[Any], folder: Callable[[Any], str], title: Callable[[Any], str], field: str, remedy: str
) -> None:
    """Raise `BadField` if two members would have the same folder."""
    seen: dict[str, str] = {}
    for member in members:
        name = folder(member)
        if name in seen:
            raise BadField(
                f"two {field} would have the same folder",
                path=(field,),
                value=f"{seen[name]!r} and {title(member)!r}: {name}",
                fix=f"give one of the two {remedy} that differs in letters or digits",
            )
        seen[name] = title(member)


def _section(suite: BoardSuite, number: int) -> dict[str, Any]:
    """Return a suite's section with all settings, except the world."""
    try:
        section = suite_section(suite.section)
    except BadField as error:
        # The path begins with `suite`, unless the field belongs to the section `data`.
        inner = error.path[1:] if error.path[:1] == ("suite",) else error.path
        path = ("suites", number, *inner)
        raise BadField(
            error.what, path=path, value=error.value, allowed=error.allowed, fix=error.fix, hidden=error.hidden
        ) from error
    if suite.worlds is None:
        return section
    if "world_seed" not in section:
        what, fix = "the suite has no made-up worlds", "remove the field; the suite then runs once"
        raise BadField(what, path=("suites", number, "worlds"), fix=fix)
    if "world_seed" in suite.section:
        path, fix = ("suites", number, "world_seed"), "remove world_seed, or remove worlds"
        raise BadField("the suite has both worlds and a world_seed", path=path, fix=fix)
    return section


def _group(file: BoardFile, suite: BoardSuite, section: dict[str, Any], world: int | None, origins: Origins) -> Group:
    """Return a suite in one world, with the recipe of each run."""
    title = suite.heading if world is None else f"{suite.heading}, world {world}"
    section = section if world is None else {**section, "world_seed": world}
    folder = _folder_of(file) / folder_name(title)
    runs = []
    for method, sections in file.methods.items():
        for seed in file.seeds:
            name = f"{folder_name(method)}-seed-{seed}"
            recipe = {
                "gates": [],
                **sections,
                "name": name,
                "seed": seed,
                "suite": {key: value for key, value in section.items() if key != "data"},
                "data": {**section.get("data", {}), **sections.get("data", {})},
                "out": str(folder / name),
            }
            runs.append(BoardRun(method, make_recipe(recipe, origins.below("methods", method))))
    # The recipe completes the section: documents, for example, are split with the model's tokenizer.
    return Group(title, suite.heading, runs[0].recipe.suite_section, folder, tuple(runs))


def _refuse_different_models(runs: Iterable[BoardRun]) -> None:
    """Raise `BadField` if the runs cannot share their reference models."""
    first: BoardRun | None = None
    for run in runs:
        first = first or run
        for path in (("model", "path"), ("model", "dtype"), ("eval", "max_new_tokens"), ("eval", "gradients")):
            section, field = path
            ours, theirs = (getattr(getattr(each.recipe, section), field) for each in (run, first))
            if ours != theirs:
                raise BadField(
                    f"the methods of a board must have the same {section}.{field}, because they are compared with the "
                    "same target model",
                    path=("methods", run.method, section, field),
                    value=ours,
                    allowed=f"{theirs!r}, as for {first.method}",
                    fix="set the same value for all methods, or write a board for each value",
                )


def _folder_of(file: BoardFile) -> Path:
    return Path(file.out) if file.out is not None else Path("runs") / "boards" / file.name


def folder_name(title: str) -> str:
    """Return a folder's name for a title: letters, digits and hyphens."""
    text = unicodedata.normalize("NFKC", title).casefold()
    return re.sub(r"[\W_]+", "-", text).strip("-")
