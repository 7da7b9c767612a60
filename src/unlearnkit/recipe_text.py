"""From a recipe's text to plain values, and from a value that cannot be used back to the place where it was written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from unlearnkit.errors import BadInput

FieldPath = tuple[str | int, ...]


class BadField(BadInput):
    """A field of a recipe that cannot be used, told by its path; `Origins.placed` makes it a place."""

    def __init__(
        self,
        what: str,
        *,
        path: FieldPath = (),
        value: object = None,
        allowed: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.path = path
        super().__init__(what, where=f"field {dotted(path)}", value=value, allowed=allowed, fix=fix)


@contextmanager
def at_field(*path: str | int) -> Iterator[None]:
    """Give the field that is looked at to an error that does not know it."""
    try:
        yield
    except BadInput as error:
        raise BadField(error.what, path=path, value=error.value, allowed=error.allowed, fix=error.fix) from error


@dataclass(frozen=True)
class Origins:
    """Where each field was written: `recipe.yaml:7`, or the override that set it."""

    places: dict[FieldPath, str]
    whole: str
    """The place of a field that was written nowhere."""

    def placed(self, error: BadField) -> BadInput:
        """The error with the place of its field, or of the nearest section that holds it."""
        at = next((self.places[error.path[:n]] for n in range(len(error.path), 0, -1) if error.path[:n] in self.places),
                  self.whole)  # fmt: skip
        field = f", field {dotted(error.path)}" if error.path else ""
        return BadInput(error.what, where=f"{at}{field}", value=error.value, allowed=error.allowed, fix=error.fix)


def dotted(path: Iterable[str | int]) -> str:
    """A path as it is written in an override."""
    return ".".join(map(str, path))


def parse(
    path: Path, overrides: Sequence[str], *, what: str = "recipe", begin: str = "suite:"
) -> tuple[dict[str, Any], Origins]:
    """Read a YAML file and put the overrides on top; `what` it is and how it may `begin` are for the errors.

    An override that gives a section another `name`, as in method.name=rmu, leaves out what the file says beside the
    name: those are settings of another plug-in.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        problem = f"the {what} cannot be read: {reason}"
        raise BadInput(problem, value=str(path), fix="give the path of a YAML file") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"not YAML: {error.problem}", where=f"{path}{line}", fix="mend that line") from error
    except yaml.YAMLError as error:
        raise BadInput("not YAML", where=str(path), value=str(error)) from error
    if not isinstance(data, dict):
        raise BadInput(f"a {what} is a mapping of fields", where=str(path), value=data, fix=f"begin with `{begin}`")
    places: dict[FieldPath, str] = {}
    _note_places(node, (), str(path), places)
    # Names first: they decide whose settings the others are.
    for override in sorted(overrides, key=lambda text: not _is_name(text)):
        _override(data, override, places)
    return data, Origins(places, str(path))


def _note_places(node: Any, at: FieldPath, file: str, places: dict[FieldPath, str]) -> None:
    """Note the line of every field; a field that is written twice is refused, since YAML would drop one unsaid."""
    if isinstance(node, yaml.SequenceNode):
        pairs = [(number, item, item) for number, item in enumerate(node.value)]
    elif isinstance(node, yaml.MappingNode):
        pairs = [(key.value, key, value) for key, value in node.value]
    else:
        return
    for name, written, value in pairs:
        path, place = (*at, name), f"{file}:{written.start_mark.line + 1}"
        if path in places:
            raise BadInput("the field is written twice", where=f"{places[path]} and {place}", value=dotted(path))
        places[path] = place
        _note_places(value, path, file, places)


def _is_name(override: str) -> bool:
    return override.partition("=")[0].strip().endswith(".name")


def _override(data: dict[str, Any], override: str, places: dict[FieldPath, str]) -> None:
    key, equals, text = override.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise BadInput("not an override", value=override, allowed="key=value, as in train.lr=1e-4")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput("the override's value is not YAML", value=override) from error
    section = data
    for n, part in enumerate(path[:-1], 1):
        if section.get(part) is None:
            section[part] = {}
        section = section[part]
        if not isinstance(section, dict):
            what = "the override reaches into a field that is no section"
            raise BadInput(what, where=f"field {dotted(path[:n])}", value=override)
    gone = path
    if len(path) > 1 and path[-1] == "name" and section.get("name") not in (None, value):
        # Another plug-in: the settings that were written beside the name are of the one before.
        section.clear()
        gone = path[:-1]
    section[path[-1]] = value
    for old in [p for p in places if p[: len(gone)] == gone]:
        del places[old]
    places[path] = f"override {override!r}"


def bad_field(
    error: ValidationError, model: type[BaseModel], prefix: FieldPath = (), *, besides: tuple[str, ...] = ()
) -> BadField:
    """The first thing that is wrong, in the words of this package. `besides` are names allowed beside the fields."""
    first = error.errors()[0]
    path = (*prefix, *first["loc"])
    owner = _owner(model, first["loc"][:-1])
    if first["type"] == "extra_forbidden" and owner is not None:
        name, names = str(path[-1]), [*besides, *owner.model_fields]
        meant = [*difflib.get_close_matches(name, names, n=2, cutoff=0.6), *_elsewhere(name, owner)]
        return BadField(
            "there is no such setting",
            path=path,
            value=name,
            allowed=", ".join(names),
            fix=f"did you mean {' or '.join(meant)}?" if meant else None,
        )
    if first["type"] == "missing":
        return BadField("a setting is missing", path=path, fix=f"write {dotted(path)}")
    message = first["msg"].removeprefix("Value error, ")
    allowed = message.removeprefix("Input should be ")
    return BadField("a setting has a value that cannot be used", path=path, value=first["input"], allowed=allowed)


def _owner(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The section that a path leads to; None where it leads to no section."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = _section(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    return model


def _elsewhere(name: str, model: type[BaseModel]) -> list[str]:
    """Where else a setting of that name stands, one section down."""
    sections = {field: _section(info.annotation) for field, info in model.model_fields.items()}
    return [f"{field}.{name}" for field, inner in sections.items() if inner is not None and name in inner.model_fields]


def _section(annotation: Any) -> type[BaseModel] | None:
    choices = (annotation, *get_args(annotation))
    return next((c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)), None)
