"""One registry for every kind of plug-in.

A plug-in is a decorated class in a file of its own, and the file's name is the registered name. Nothing is imported to
list names; a plug-in is imported when it is asked for. Other packages add theirs through an entry point in the group
`unlearnkit.<kind>`, or by running the decorator.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from unlearnkit.core.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A registered plug-in and where it comes from."""

    name: str
    plugin: T
    paper: str | None
    equation: str | None

    @property
    def summary(self) -> str:
        """The first line of the plug-in's docstring."""
        return (getattr(self.plugin, "__doc__", None) or "").strip().partition("\n")[0]


class Registry(Generic[T]):
    """All plug-ins of one kind. Every module of a plug-in folder holds one plug-in, named after the module.

    Args:
        kind: name of the kind, as it stands in messages and in the entry-point group `unlearnkit.<kind>`.
        package: the plug-in folder.
        module: for plug-ins that need several files: each is a sub-package, which gives the name, and is registered in
            the module of this name in it. None: each is a single module, at any depth.
    """

    def __init__(self, kind: str, package: str, *, module: str | None = None) -> None:
        self.kind, self._package, self._module = kind, package, module
        self._entries: dict[str, Entry[T]] = {}

    def register(self, name: str, *, paper: str | None = None, equation: str | None = None) -> Callable[[T], T]:
        """Decorate a plug-in with its name and source."""

        def keep(plugin: T) -> T:
            known = self._entries.get(name)
            # A module that is reloaded (a notebook) registers the same class again; another class is a clash.
            if known is not None and _origin(known.plugin) != _origin(plugin):
                raise self._clash(name, _origin(known.plugin), _origin(plugin))
            # One of this package's that was not imported yet must not be shadowed.
            ours = self._modules.get(name)
            if ours is not None and ours != getattr(plugin, "__module__", None):
                raise self._clash(name, ours, _origin(plugin))
            self._entries[name] = Entry(name, plugin, paper, equation)
            return plugin

        return keep

    def _clash(self, name: str, one: str, other: str) -> InputError:
        what = f"two {self.kind} plug-ins have the same name"
        return InputError(what, where=f"{one} and {other}", value=name, fix="rename one of them")

    @cached_property
    def _modules(self) -> dict[str, str]:
        """Module of every plug-in of this package by the plug-in's name, found without importing them.

        Raises:
            InputError: two modules in different sub-folders give the same name.
        """
        package = importlib.import_module(self._package)
        modules: dict[str, str] = {}
        for found in pkgutil.walk_packages(package.__path__, self._package + "."):
            parent, _, name = found.name.rpartition(".")
            if self._module is not None:
                if name != self._module or parent == self._package:
                    continue
                name = parent.rpartition(".")[2]
            if found.ispkg:
                continue
            if name in modules:
                raise self._clash(name, modules[name], found.name)
            modules[name] = found.name
        return modules

    @cached_property
    def _outside(self) -> dict[str, list[Any]]:
        """Entry points of other packages, by name."""
        outside: dict[str, list[Any]] = {}
        for point in entry_points(group=f"unlearnkit.{self.kind}"):
            outside.setdefault(point.name, []).append(point)
        return outside

    def names(self) -> tuple[str, ...]:
        """Every name that `get` knows, sorted."""
        return tuple(sorted({*self._modules, *self._outside, *self._entries}))

    def get(self, name: str) -> Entry[T]:
        """The plug-in of that name. Raises `InputError` with the nearest names when there is none."""
        if name not in self._entries:
            offered = [self._modules[name]] if name in self._modules else []
            offered += [point.value for point in self._outside.get(name, [])]
            if len(offered) > 1:
                raise self._clash(name, *offered[:2])
            if name in self._modules:
                importlib.import_module(self._modules[name])
            elif name in self._outside:
                self._outside[name][0].load()
        if name not in self._entries:
            raise self._unknown(name)
        return self._entries[name]

    def _unknown(self, name: str) -> InputError:
        near = difflib.get_close_matches(name, self.names(), n=2, cutoff=0.5)
        return InputError(
            f"there is no {self.kind} of that name",
            value=name,
            allowed=", ".join(self.names()),
            fix=f"did you mean {' or '.join(near)}?" if near else "name one of these",
        )


class UnionRegistry(Registry[T]):
    """Several kinds of plug-ins that share one namespace."""

    def __init__(self, kind: str, *registries: Registry[Any]) -> None:
        self.kind, self.registries = kind, registries

    def register(self, name: str, **_: object) -> Callable[[T], T]:
        """Not possible here: a plug-in registers under its own kind."""
        raise TypeError(f"register {name!r} as one of {', '.join(each.kind for each in self.registries)}")

    def names(self) -> tuple[str, ...]:
        """Every name of every kind, sorted.

        Raises:
            InputError: two kinds have a plug-in of the same name.
        """
        names = [name for registry in self.registries for name in registry.names()]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            kinds = " and ".join(registry.kind for registry in self.registries if twice in registry.names())
            raise self._clash(twice, kinds, self.kind)
        return tuple(sorted(names))

    def get(self, name: str) -> Entry[T]:
        """Return the plug-in of that name, of whatever kind.

        Raises:
            InputError: there is none; the message has the nearest names.
        """
        if name not in self.names():
            raise self._unknown(name)
        return self.registry_of(name).get(name)

    def registry_of(self, name: str) -> Registry[Any]:
        """Return the registry of the kind that has this name."""
        return next(registry for registry in self.registries if name in registry.names())


def _origin(plugin: object) -> str:
    return f"{getattr(plugin, '__module__', '?')}.{getattr(plugin, '__qualname__', '?')}"
