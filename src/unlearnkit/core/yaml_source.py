"""Parse a recipe's YAML, and report where invalid fields were written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import read_text
from unlearnkit.core.redaction import describe_type

FieldPath = tuple[str | int, ...]


class BadField(InputError):
    """Error about a recipe field that cannot be used.

    The error contains the path of the field. `Origins.placed` adds the place where the field was written.
    """

    def __init__(
        self,
        what: str,
        *,
        path: FieldPath = (),
        value: object = None,
        allowed: str | None = None,
        fix: str | None = None,
        hidden: bool = False,
    ) -> None:
        """Create the error.

        Set `hidden` to true if the value of the field may be a secret key, and do not pass the value as `value`. If the
        field was set by an override, `Origins.placed` then does not quote the override.
        """
        self.path, self.hidden = path, hidden
        super().__init__(what, where=f"field {dotted(path)}", value=value, allowed=allowed, fix=fix)


@contextmanager
def at_field(*path: str | int) -> Iterator[None]:
    """Convert an `InputError` into a `BadField` with the given path."""
    try:
        yield
    except InputError as error:
        raise BadField(error.what, path=path, value=error.value, allowed=error.allowed, fix=error.fix) from error


@dataclass(frozen=True)
class Origins:
    """The place where each field was written.

    A place is a line, such as `recipe.yaml:7`, or the override that set the field.
    """

    places: dict[tuple[str, ...], str]
    """Maps the path of each field to its place. In a path, an item of a list is named by its index."""
    whole: str
    """Place of the whole source: the path of the file, or the command line. This place is reported if `places` contains
    neither the field nor an enclosing section."""
    section: FieldPath = ()
    """Path of the section whose fields are checked. Paths in errors begin in this section; they are empty for the
    section itself."""

    def below(self, *path: str | int) -> Origins:
        """Return the origins for errors whose paths begin in a section."""
        return replace(self, section=(*self.section, *path))

    def placed(self, error: BadField) -> InputError:
        """Return the error with the place of its field.

        If the place of the field is unknown, the place of the nearest enclosing section is used.
        """
        fields = (*self.section, *error.path)
        path = tuple(map(str, fields))
        at = next((self.places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.places), self.whole)
        at = "an override" if error.hidden and at.startswith(_OVERRIDE) else at
        field = f", field {dotted(fields)}" if fields else ""
        return InputError(error.what, where=f"{at}{field}", value=error.value, allowed=error.allowed, fix=error.fix)


_FOR_A_KEY = re.compile("key|token|secret|passw", re.IGNORECASE)
"""Pattern that matches the names of unknown settings whose value may be a secret key."""

_OVERRIDE = "override"
"""First word of each place in `Origins.places` that is an override instead of a line."""


def dotted(path: Iterable[str | int]) -> str:
    """Join a path with dots, as in an override."""
    return ".".join(map(str, path))


def parse(
    path: Path, overrides: Sequence[str], *, what: str = "recipe", begin: str = "suite:"
) -> tuple[dict[str, Any], Origins]:
    """Read a YAML file and apply the overrides.

    An override can select a different plug-in for a section, as `method.name=rmu` and `targets.teacher=local` do. The
    section's other settings in the file then have no effect, because they belong to the previous plug-in.

    Args:
        path: the YAML file.
        overrides: overrides in the form `key=value`, as in `train.lr=1e-4`.
        what: name of the kind of file, for error messages.
        begin: line that error messages suggest as the first line of the file.
    """
    text = read_text(path, f"the {what}", fix="give the path of a YAML file")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = f"the {what} is not YAML: " + ", ".join(filter(None, (error.context, error.problem)))
        fix = "replace the tab with spaces" if "\\t" in str(error.problem) else "correct that line or the line above it"
        raise InputError(problem, where=f"{path}{line}", fix=fix) from error
    except yaml.reader.ReaderError as error:
        place, odd = f"{path}:{text.count(chr(10), 0, error.position) + 1}", text[error.position]
        problem = f"the {what} is not YAML: it contains a character that YAML does not allow"
        raise InputError(problem, where=place, value=f"U+{ord(odd):04X}", fix="remove the character") from error
    except (RecursionError, ValueError) as error:  # nested too deeply, or an impossible date or number
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"the {what} cannot be read: {reason}", where=str(path), fix="correct the file") from error
    if not isinstance(data, dict):
        raise InputError(
            f"a {what} must be a mapping of fields",
            where=str(path),
            value=describe_type(data),
            allowed="lines of `field: value`",
            fix=f"start with `{begin}`",
        )
    places: dict[tuple[str, ...], str] = {}
    try:
        _note_places(node, (), str(path), places)
    except RecursionError as error:
        problem = f"the {what} contains itself: an alias refers to a section that contains the alias"
        raise InputError(problem, where=str(path), fix="replace the alias with the fields") from error
    # Overrides that select a plug-in come first, because they remove the settings of the previous plug-in.
    for override in sorted(overrides, key=lambda text: not _names_a_plugin(_path_of(text))):
        _override(data, override, places)
    return data, Origins(places, str(path))


def typed(settings: Sequence[str]) -> tuple[dict[str, Any], Origins]:
    """Parse settings that are given on the command line as `key=value`.

    Raises:
        InputError: a setting is not of the form `key=value`.
    """
    data: dict[str, Any] = {}
    places: dict[tuple[str, ...], str] = {}
    for setting in settings:
        _override(data, setting, places)
    return data, Origins(places, "the command line")


def _note_places(node: Any, at: tuple[str, ...], file: str, places: dict[tuple[str, ...], str]) -> None:
    """Record the line of every field; raise on duplicate fields.

    The YAML parser would silently ignore all but one of the duplicates.
    """
    if isinstance(node, yaml.SequenceNode):
        pairs = [(str(number), item, item) for number, item in enumerate(node.value)]
    elif isinstance(node, yaml.MappingNode):
        pairs = [(key.value, key, value) for key, value in node.value]
    else:
        return
    for name, written, value in pairs:
        path, place = (*at, name), f"{file}:{written.start_mark.line + 1}"
        if path in places:
            both = f"{places[path]} and {place}"
            raise InputError("the field is written twice", where=both, value=dotted(path), fix="remove one of the two")
        places[path] = place
        _note_places(value, path, file, places)


def name_key(section: str) -> str:
    """Return the key that contains the name of a section's plug-in."""
    return "teacher" if section == "targets" else "name"


def _path_of(override: str) -> tuple[str, ...]:
    return tuple(override.partition("=")[0].strip().split("."))


def _names_a_plugin(path: tuple[str, ...]) -> bool:
    return len(path) > 1 and path[-1] == name_key(path[-2])


def _override(data: dict[str, Any], override: str, places: dict[tuple[str, ...], str]) -> None:
    path = _path_of(override)
    _, equals, text = override.partition("=")
    if not equals or not all(path):
        raise InputError(
            "this is not an override",
            value=override,
            allowed="key=value, as in train.lr=1e-4",
            fix="write the override as FIELD=VALUE; if you meant an option, put -- before its name",
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        fix = "put the value in quotes, once for YAML and once for the shell"
        raise InputError("the value of the override is not YAML", value=override, fix=fix) from error
    section = data
    for n, part in enumerate(path[:-1], 1):
        if section.get(part) is None:
            section[part] = {}
        section = section[part]
        if not isinstance(section, dict):
            what = f"the override sets a field inside {dotted(path[:n])}, which is not a section"
            fix = f"write {dotted(path[:n])}=VALUE, or correct the name of the field"
            raise InputError(what, where=f"field {dotted(path[:n])}", value=override, fix=fix)
    gone = path
    if _names_a_plugin(path) and section.get(path[-1]) not in (None, value):
        # The plug-in changes, and the section's other settings belong to the previous plug-in.
        section.clear()
        gone = path[:-1]
    section[path[-1]] = value
    for old in [p for p in places if p[: len(gone)] == gone]:
        del places[old]
    places[path] = f"{_OVERRIDE} {override!r}"


def bad_field(
    error: ValidationError, model: type[BaseModel], prefix: FieldPath = (), *, besides: tuple[str, ...] = ()
) -> BadField:
    """Convert the first error of a pydantic validation to a `BadField`.

    Args:
        error: the validation error.
        model: the class that was validated.
        prefix: path of the section that `model` describes.
        besides: names allowed in addition to the fields of `model`.
    """
    first = error.errors()[0]
    path = (*prefix, *first["loc"])
    owner = _owner(model, first["loc"][:-1])
    if first["type"] == "extra_forbidden" and owner is not None:
        name, names = str(path[-1]), [*(besides if owner is model else ()), *owner.model_fields]
        meant = [*difflib.get_close_matches(name, names, n=2, cutoff=0.6), *_elsewhere(name, owner)]
        return BadField(
            "there is no such setting",
            path=path,
            value=name,
            allowed=", ".join(names),
            fix=f"did you mean {' or '.join(meant)}?"
            if meant
            else "remove the setting, or use one of the allowed names",
            hidden=bool(_FOR_A_KEY.search(name)),
        )
    if first["type"] == "missing":
        return BadField("a setting is missing", path=path, fix=f"add the field {dotted(path)}")
    value = first["input"]
    if first["type"] == "invalid_key":
        return BadField("a setting's name is not text", path=path, value=value, fix="put the name in quotes")
    allowed = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if first["type"] in _SECTIONS:
        allowed = "a section, i.e. settings on indented lines below the name of the section"
    if first["type"] == "finite_number":
        allowed = "a finite number"
    field = owner.model_fields.get(str(path[-1])) if owner is not None and path else None
    hidden = field is not None and not field.repr
    return BadField(
        "a setting has a value that cannot be used",
        path=path,
        value=None if hidden else "null" if value is None else value,
        allowed=allowed,
        fix=_fix(value, first["type"], field, path),
        hidden=hidden,
    )


_SECTIONS = ("model_type", "model_attributes_type", "dict_type", "mapping_type")
"""Types of pydantic's errors about a value that should be a section."""


def _fix(value: object, problem: str, field: FieldInfo | None, path: FieldPath) -> str:
    if isinstance(value, bool) or (problem == "string_type" and isinstance(value, (int, float, date))):
        return "correct the value; put text in quotes, because YAML may read unquoted text as another type"
    if problem in _SECTIONS:
        plugged = isinstance(value, str) and path[-1] in ("suite", "method", "combiner")
        name = f", as in {{name: {value}}}" if plugged else ""
        return f"write the settings of the section{name}; or remove the line to use the defaults"
    if field is None or field.is_required():
        return "correct the value"
    default = field.get_default(call_default_factory=True)
    return "correct the value" + (f"; the default is {default!r}" if isinstance(default, (str, int, float)) else "")


def _owner(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the class of the section at a path.

    Returns None if there is no section at the path.
    """
    for part in path:
        if isinstance(part, int):
            continue  # the index of an item in a list of sections
        field = model.model_fields.get(str(part))
        inner = _section(field.annotation) if field else None
        if inner is None:
            return None
        model = inner
    return model


def _elsewhere(name: str, model: type[BaseModel]) -> list[str]:
    """Return the paths of settings with the given name in inner sections."""
    sections = {field: _section(info.annotation) for field, info in model.model_fields.items()}
    return [f"{field}.{name}" for field, inner in sections.items() if inner is not None and name in inner.model_fields]


def _section(annotation: Any) -> type[BaseModel] | None:
    choices = (annotation, *get_args(annotation))
    return next((c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)), None)
