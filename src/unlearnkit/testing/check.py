"""Helpers for conformance checks, and checks that several kinds of plug-ins share."""

from __future__ import annotations

import inspect
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from unlearnkit.core.registry import Entry, Registry
from unlearnkit.core.settings import Settings

Check = Callable[[Any], None]
"""Function that takes a plug-in and raises `AssertionError` if the plug-in does not conform."""


class Checks(dict[str, Check]):
    """Dictionary that maps names to checks, for one kind of plug-in."""

    def add(self, function: Check) -> Check:
        """Register a function as a check under the function's name."""
        self[function.__name__] = function
        return function


def ensure(condition: object, message: str) -> None:
    """Raise `AssertionError` with the given message if the condition is false.

    Unlike `assert`, this function also works under `python -O`.
    """
    if not condition:
        raise AssertionError(message)


def close(value: float, expected: float, *, rel: float, abs_tol: float = 0.0) -> bool:
    """Return whether two numbers are equal up to a tolerance."""
    return math.isclose(value, expected, rel_tol=rel, abs_tol=abs_tol)


def made(plugin: Any) -> Any:
    """Return an instance of a plug-in.

    A class is instantiated with its default settings.
    """
    return plugin() if inspect.isclass(plugin) else plugin


def class_of(plugin: Any) -> type[Any]:
    """Return the plug-in's class."""
    return plugin if inspect.isclass(plugin) else type(plugin)


def entry_of(registry: Registry[Any], plugin: Any) -> Entry[Any]:
    """Return the registry entry of a plug-in's class.

    Raises `AssertionError` if the class is not registered.
    """
    entries = (registry.get(name) for name in registry.names())
    found = next((entry for entry in entries if entry.plugin is class_of(plugin)), None)
    if found is None:
        raise AssertionError(f"{class_of(plugin).__name__} is not registered as a plug-in of kind {registry.kind!r}")
    return found


def ensure_documented(entry: Entry[Any]) -> None:
    """Ensure that a class has a docstring with a short first line."""
    own = vars(entry.plugin).get("__doc__")
    ensure(own, "the class needs a docstring")
    ensure(entry.summary.endswith("."), "the first line of the docstring must be a sentence that ends with a period")
    ensure(len(entry.summary) <= 120, "the first line of the docstring must have at most 120 characters")


def ensure_sourced(entry: Entry[Any]) -> None:
    """Ensure that a plug-in is registered with its paper and equation."""
    paper = entry.paper or ""
    ensure(re.fullmatch(r"arXiv:\d{4}\.\d{5}|https?://\S+", paper), "`paper` must be arXiv:NNNN.NNNNN or a URL")
    ensure(entry.equation, "`equation` must name the equation or section of the paper")


def add_source_and_settings(checks: Checks, registry: Registry[Any]) -> None:
    """Add checks of a plug-in's paper, docstrings and settings."""

    @checks.add
    def source_and_docstring(plugin: Any) -> None:
        """The plug-in is documented, and registered with its paper and equation."""
        entry = entry_of(registry, plugin)
        ensure_sourced(entry)
        ensure_documented(entry)

    @checks.add
    def settings_are_documented(plugin: Any) -> None:
        """Every setting has a docstring and a default.

        With these defaults, a recipe can use the plug-in without listing any settings.
        """
        ensure_settings_documented(plugin)

    @checks.add
    def settings_are_frozen_and_survive_json(plugin: Any) -> None:
        """Settings are frozen and can be restored from JSON.

        Run folders store settings as JSON.
        """
        ensure_settings_frozen(made(plugin))


def ensure_settings_documented(plugin: Any, *, required: Iterable[str] = ()) -> None:
    """Ensure that every setting has a docstring and a default.

    The plug-in must also refuse unknown settings.

    Args:
        plugin: the plug-in whose settings are checked.
        required: names of settings that need no default.
    """
    schema = class_of(plugin).model_json_schema()
    json.dumps(schema)
    ensure(schema.get("additionalProperties") is False, "unknown settings must be refused")
    for field, description in schema.get("properties", {}).items():
        text = description.get("description", "")
        ensure(text.endswith("."), f"the setting {field!r} needs a docstring that ends with a period")
        has_default = "default" in description or not class_of(plugin).model_fields[field].is_required()
        ensure(has_default or field in required, f"the setting {field!r} needs a default")


def ensure_settings_frozen(plugin: Settings) -> None:
    """Ensure that settings can be restored from JSON and cannot be changed."""
    again = type(plugin).model_validate_json(plugin.model_dump_json())
    ensure(again == plugin, "the settings changed when they were written to JSON and read back")
    for field in type(plugin).model_fields:
        try:
            setattr(plugin, field, getattr(plugin, field))
        except ValidationError as error:
            ensure("frozen" in str(error), f"the setting {field!r} must be frozen")
        else:
            raise AssertionError(f"the setting {field!r} must be frozen")
