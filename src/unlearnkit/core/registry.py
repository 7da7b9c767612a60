"""Registries of plug-ins, one for each kind.

A plug-in is a decorated class in a separate file, and the name of the file is the name of the plug-in. Listing the
names imports no plug-in; `Registry.get` imports only the requested plug-in. Other packages add plug-ins through an
entry point in the group `unlearnkit.<kind>`, or by applying the decorator `Registry.register`.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from unlearnkit.core.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A registered plug-in and the publication that it implements."""

    name: str
    plugin: T
    paper: str | None
    equation: str | None

    @property
    def summary(self) -> str:
        """The first line of the plug-in's docstring."""
        return (getattr(self.plugin, "__doc__", None) or "").strip().partition("\n")[0]


class Registry(Generic[T]):
    """All plug-ins of one kind.

    The plug-ins of this package are found by listing the modules of a folder. A plug-in has the name of its module or
    sub-package.

    Args:
        kind: name of the kind of plug-ins. The name appears in messages and in the entry-point group
            `unlearnkit.<kind>`.
        package: import path of the plug-in folder.
        module: None if each plug-in is a single module of the folder or of a sub-folder. If each plug-in is a
            sub-package, the name of the module in the sub-package that registers the plug-in.
    """

    def __init__(self, kind: str, package: str, *, module: str | None = None) -> None:
        self.kind, self._package, self._module = kind, package, module
        self._entries: dict[str, Entry[T]] = {}

    def register(self, name: str, *, paper: str | None = None, equation: str | None = None) -> Callable[[T], T]:
        """Return a decorator that registers a plug-in.

        `paper` and `equation` cite the publication that the plug-in implements.
        """

        def keep(plugin: T) -> T:
            known = self._entries.get(name)
            # A reloaded module (or notebook cell) may register the same class again. Registering a different class
            # under the same name is an error.
            if known is not None and _origin(known.plugin) != _origin(plugin):
                raise self._clash(name, _origin(known.plugin), _origin(plugin))
            # A plug-in of this package must not be shadowed, even if it is not imported yet.
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
        """Maps each plug-in's name to the import path of its module.

        Only plug-ins of this package are included. The modules are listed but not imported.

        Raises:
            InputError: two modules in different sub-folders have the same plug-in name.
        """
        package = importlib.import_module(self._package)
        modules: dict[str, str] = {}
        for module in pkgutil.walk_packages(package.__path__, self._package + "."):
            parent, _, name = module.name.rpartition(".")
            if self._module is not None:
                if name != self._module or parent == self._package:
                    continue
                name = parent.rpartition(".")[2]
            if module.ispkg:
                continue
            if name in modules:
                raise self._clash(name, modules[name], module.name)
            modules[name] = module.name
        return modules

    @cached_property
    def _entry_points(self) -> tuple[EntryPoint, ...]:
        """Entry points with which other packages add plug-ins of this kind."""
        return tuple(entry_points(group=f"unlearnkit.{self.kind}"))

    def names(self) -> tuple[str, ...]:
        """Return every name that `get` accepts, sorted."""
        return tuple(sorted({*self._modules, *(point.name for point in self._entry_points), *self._entries}))

    def get(self, name: str) -> Entry[T]:
        """Return the plug-in with the given name, importing it if necessary.

        Raises:
            InputError: no plug-in has the given name, or several plug-ins have this name. If no plug-in has the name,
                the message suggests similar names.
        """
        if name not in self._entries:
            points = [point for point in self._entry_points if point.name == name]
            modules = [self._modules[name]] if name in self._modules else []
            sources = [*modules, *(point.value for point in points)]
            if len(sources) > 1:
                raise self._clash(name, *sources[:2])
            for module in modules:
                importlib.import_module(module)
            for point in points:
                point.load()
        if name not in self._entries:
            raise self._unknown(name)
        return self._entries[name]

    def _unknown(self, name: str) -> InputError:
        near = difflib.get_close_matches(name, self.names(), n=2, cutoff=0.5)
        return InputError(
            f"there is no {self.kind} of that name",
            value=name,
            allowed=", ".join(self.names()),
            fix=f"did you mean {' or '.join(near)}?" if near else "use one of the allowed names",
        )


class UnionRegistry(Registry[T]):
    """A registry of several kinds of plug-ins that share one namespace."""

    def __init__(self, kind: str, *registries: Registry[Any]) -> None:
        self.kind, self.registries = kind, registries

    def register(self, name: str, **_: object) -> Callable[[T], T]:
        """Raise `TypeError`: a plug-in must be registered in one of `registries`."""
        raise TypeError(f"register {name!r} under one of the kinds {', '.join(each.kind for each in self.registries)}")

    def names(self) -> tuple[str, ...]:
        """Return the names of the plug-ins of all kinds, sorted.

        Raises:
            InputError: plug-ins of two kinds have the same name.
        """
        kinds: dict[str, str] = {}
        for registry in self.registries:
            for name in registry.names():
                if name in kinds:
                    raise self._clash(name, kinds[name], registry.kind)
                kinds[name] = registry.kind
        return tuple(sorted(kinds))

    def get(self, name: str) -> Entry[T]:
        """Return the plug-in with the given name, regardless of its kind.

        Raises:
            InputError: no plug-in has the given name. The message suggests similar names.
        """
        if name not in self.names():
            raise self._unknown(name)
        return next(registry for registry in self.registries if name in registry.names()).get(name)


def _origin(plugin: object) -> str:
    return f"{getattr(plugin, '__module__', '?')}.{getattr(plugin, '__qualname__', '?')}"
