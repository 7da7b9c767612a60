"""List and describe the registered plug-ins."""

from __future__ import annotations

import difflib
import inspect
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from unlearnkit.attacks.base import ATTACKS, Attack
from unlearnkit.core.errors import InputError
from unlearnkit.core.registry import Entry, Registry
from unlearnkit.judges.listing import JUDGES, describe_judge
from unlearnkit.localization.base import LOCALIZERS, Localizer
from unlearnkit.methods.base import EDITS, GUARDS, SCHEMES, Method
from unlearnkit.methods.objective import OBJECTIVES, Objective
from unlearnkit.metrics.base import METRICS, Metric
from unlearnkit.suites.base import SUITES
from unlearnkit.targets.base import TEACHERS
from unlearnkit.training.combiner import COMBINERS

_ALL = (OBJECTIVES, EDITS, GUARDS, SCHEMES, LOCALIZERS, COMBINERS, TEACHERS, SUITES, ATTACKS, METRICS)
REGISTRIES: dict[str, Registry[Any]] = {registry.kind: registry for registry in _ALL}
KINDS = (*REGISTRIES, "judge")

_SIGNS = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))


@dataclass(frozen=True)
class Listed:
    """Entry for one plug-in in the output of `unlearn ls`."""

    name: str
    summary: str
    paper: str | None
    equation: str | None


def catalog(kind: str) -> list[Listed]:
    """Return all registered plug-ins of one kind."""
    if kind == "judge":
        return [Listed(name, judge.summary, judge.paper, None) for name, judge in JUDGES.items()]
    if kind not in REGISTRIES:
        kinds = ", ".join(KINDS)
        raise InputError("there is no such kind of plug-in", value=kind, allowed=kinds, fix="choose one of these kinds")
    entries = map(REGISTRIES[kind].get, REGISTRIES[kind].names())
    return [Listed(entry.name, entry.summary, entry.paper, entry.equation) for entry in entries]


def describe(name: str) -> list[str]:
    """Return the paragraphs that describe every plug-in named `name`."""
    found: list[str] = []
    for kind, registry in REGISTRIES.items():
        if name in registry.names():
            found += _plugin(kind, registry.get(name))
    if name in JUDGES:
        found += describe_judge(name)
    if not found:
        names = sorted({*JUDGES, *(known for registry in REGISTRIES.values() for known in registry.names())})
        near = difflib.get_close_matches(name, names, n=2)
        raise InputError(
            "no plug-in with this name is registered",
            value=name,
            allowed=", ".join(names),
            fix=f"did you mean {' or '.join(near)}?" if near else None,
        )
    return found


def _plugin(kind: str, entry: Entry[Any]) -> list[str]:
    plugin, source = entry.plugin, " · ".join(part for part in (entry.paper, entry.equation) if part)
    parts = [f"{kind} {entry.name}" + (f"  ({source})" if source else ""), inspect.getdoc(plugin) or ""]
    if issubclass(plugin, BaseModel) and (lines := _setting_lines(plugin)):
        parts.append("\n".join(["Settings:", *lines]))
    if issubclass(plugin, Objective | Method | Localizer):
        parts.append(_needs(plugin()))
    if issubclass(plugin, Metric) and (better := plugin.doc.better("forget")):
        parts.append(f"On forget sets: {better} is better.")
    if issubclass(plugin, Attack):
        parts.append(f"Budget (with these defaults): {plugin().budget()}")
    return [part for part in parts if part]


def _setting_lines(plugin: type[BaseModel], section: str = "") -> list[str]:
    """Return the lines that describe a plug-in's settings.

    For each setting, one line gives the type and the default, and the next line gives the description. If a setting is
    a section, the settings of this section follow.
    """
    lines = []
    for name, field in plugin.model_fields.items():
        kind = field.annotation
        inner = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        shown = kind.__name__ if isinstance(kind, type) else kind
        bounds = "".join(f", {sign} {getattr(b, at)}" for b in field.metadata for at, sign in _SIGNS if hasattr(b, at))
        default = "" if inner or field.is_required() else f" = {field.get_default()!r}"
        lines.append(f"  {section}{name}: {shown}{bounds}{default}")
        if field.description:
            lines.append(f"      {' '.join(field.description.split())}")
        if inner is not None:
            lines += _setting_lines(inner, f"{section}{name}.")
    return lines


def _needs(plugin: Objective | Method | Localizer) -> str:
    by_kind: dict[str, list[str]] = {}
    for quantity in sorted(plugin.needs().quantities, key=lambda quantity: quantity.order):
        by_kind.setdefault(quantity.title, []).append(quantity.view)
    lines = [f"  {title} of {', '.join(views)}" for title, views in sorted(by_kind.items())]
    if isinstance(plugin, Objective | Method) and plugin.from_scratch:
        lines.append("  newly initialized weights, and the suite's whole retain corpus")
    return "Needs (with these defaults):\n" + "\n".join(lines) if lines else ""
