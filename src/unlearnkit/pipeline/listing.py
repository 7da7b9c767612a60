"""What is registered, in words."""

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

REGISTRIES: dict[str, Registry[Any]] = {
    "objective": OBJECTIVES,
    "edit": EDITS,
    "guard": GUARDS,
    "scheme": SCHEMES,
    "localizer": LOCALIZERS,
    "combiner": COMBINERS,
    "teacher": TEACHERS,
    "suite": SUITES,
    "attack": ATTACKS,
    "metric": METRICS,
}
KINDS = (*REGISTRIES, "judge")

_SIGNS = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))


@dataclass(frozen=True)
class Listed:
    """A line of the list."""

    name: str
    summary: str
    paper: str | None
    equation: str | None


def catalog(kind: str) -> list[Listed]:
    """Everything of one kind."""
    if kind == "judge":
        return [Listed(name, judge.summary, judge.paper, None) for name, judge in JUDGES.items()]
    if kind not in REGISTRIES:
        raise InputError(
            "there is no such kind of plug-in",
            value=kind,
            allowed=", ".join(KINDS),
            fix="name one of these",
        )
    entries = [REGISTRIES[kind].get(name) for name in REGISTRIES[kind].names()]
    return [Listed(entry.name, entry.summary, entry.paper, entry.equation) for entry in entries]


def describe(name: str) -> list[str]:
    """Paragraphs about every plug-in of that name."""
    found = [_plugin(kind, registry.get(name)) for kind, registry in REGISTRIES.items() if name in registry.names()]
    if name in JUDGES:
        found.append(describe_judge(name))
    if not found:
        names = sorted({*JUDGES, *(n for registry in REGISTRIES.values() for n in registry.names())})
        near = difflib.get_close_matches(name, names, n=2)
        raise InputError(
            "nothing of that name is registered",
            value=name,
            allowed=", ".join(names),
            fix=f"did you mean {' or '.join(near)}?" if near else None,
        )
    return [paragraph for paragraphs in found for paragraph in paragraphs]


def _plugin(kind: str, entry: Entry[Any]) -> list[str]:
    source = " · ".join(part for part in (entry.paper, entry.equation) if part)
    parts = [f"{kind} {entry.name}" + (f"  ({source})" if source else ""), inspect.getdoc(entry.plugin) or ""]
    if issubclass(entry.plugin, BaseModel):
        parts.append(_settings(entry.plugin))
    if issubclass(entry.plugin, Objective | Method | Localizer):
        parts.append(_needs(entry.plugin()))
    if issubclass(entry.plugin, Metric) and (better := entry.plugin.doc.better("forget")):
        parts.append(f"On forget sets: {better} is better.")
    if issubclass(entry.plugin, Attack):
        parts.append(f"Budget (with these defaults): {entry.plugin().budget()}")
    return [part for part in parts if part]


def _settings(plugin: type[BaseModel]) -> str:
    lines = _setting_lines(plugin)
    return "Settings:\n" + "\n".join(lines) if lines else ""


def _setting_lines(plugin: type[BaseModel], section: str = "") -> list[str]:
    """Two lines a setting; those of a section within follow its own."""
    lines = []
    for name, field in plugin.model_fields.items():
        bounds = "".join(
            f", {sign} {getattr(b, key)}" for b in field.metadata for key, sign in _SIGNS if hasattr(b, key)
        )
        kind = getattr(field.annotation, "__name__", None) if not hasattr(field.annotation, "__args__") else None
        inner = field.annotation
        within = isinstance(inner, type) and issubclass(inner, BaseModel)
        default = "" if within or field.is_required() else f" = {field.get_default()!r}"
        lines.append(f"  {section}{name}: {kind or field.annotation}{bounds}{default}")
        lines += [f"      {' '.join(field.description.split())}"] if field.description else []
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            lines += _setting_lines(inner, f"{section}{name}.")
    return lines


def _needs(plugin: Objective | Method | Localizer) -> str:
    by_kind: dict[str, list[str]] = {}
    for quantity in sorted(plugin.needs().quantities, key=lambda quantity: quantity.order):
        by_kind.setdefault(quantity.title, []).append(quantity.view)
    lines = [f"  {title} of {', '.join(views)}" for title, views in sorted(by_kind.items())]
    if isinstance(plugin, Objective | Method) and plugin.from_scratch:
        lines.append("  newly initialized weights, and everything that the suite keeps")
    return "Needs (with these defaults):\n" + "\n".join(lines) if lines else ""
