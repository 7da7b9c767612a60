"""Markdown for the reference: tables, blocks, settings of a JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

Cells = tuple[str, ...]

_BOUNDS = (("exclusiveMinimum", ">"), ("minimum", ">="), ("exclusiveMaximum", "<"), ("maximum", "<="))


def escape(text: str) -> str:
    """Prose for Markdown: `<` and `*` lose their meaning outside code."""
    parts = text.split("`")
    return "`".join(part if at % 2 else part.replace("<", "&lt;").replace("*", r"\*") for at, part in enumerate(parts))


def cell(text: str) -> str:
    """One line for a table."""
    return escape(" ".join(text.split())).replace("|", r"\|")


def prose(docstring: str) -> str:
    """A docstring as Markdown; indented lines are code there too."""
    return "\n".join(line if line.startswith("    ") else escape(line) for line in docstring.strip().splitlines())


def table(head: Cells, rows: Iterable[Cells]) -> str:
    """A Markdown table; empty if it has no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *lines]) if lines else ""


def block(language: str, text: str) -> str:
    """A fenced block."""
    return f"```{language}\n{text.strip()}\n```"


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type and bounds of a setting."""
    if "anyOf" in schema or "oneOf" in schema:
        kinds = [kind_of(each) for each in schema.get("anyOf", schema.get("oneOf", ()))]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "$ref" in schema or schema.get("type") == "object":
        return "section"
    if schema.get("type") == "array":
        inner = schema.get("items")
        return "list" if not inner else f"list of {kind_of(inner)}"
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS if key in schema]
    return " ".join([schema.get("type", "any"), " and ".join(bounds)]).strip()


def section_in(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The section that a setting holds, if it holds one."""
    for each in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ())):
        if "$ref" in each:
            return definitions[each["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]
    return None


def settings_rows(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str = "", skip: Iterable[str] = ()
) -> list[Cells]:
    """Name, type, default and meaning of every setting, sections included."""
    rows: list[Cells] = []
    for name, field in schema.get("properties", {}).items():
        if name in skip or "const" in field:
            continue
        inner = section_in(field, definitions)
        optional = inner is None or any(each.get("type") == "null" for each in field.get("anyOf", ()))
        required = name in schema.get("required", ())
        default = "required" if required else f"`{yaml_value(field.get('default'))}`" if optional else ""
        described = field.get("description") or ((inner or {}).get("description", "") if inner else "")
        rows.append((f"`{prefix}{name}`", cell(kind_of(field)), cell(default), cell(described)))
        if inner is not None:
            rows += settings_rows(inner, definitions, f"{prefix}{name}.")
    return rows


def settings_table(schema: Mapping[str, Any], definitions: Mapping[str, Any], skip: Iterable[str] = ()) -> str:
    """The settings of a plug-in or a section as a table."""
    return table(("setting", "type", "default", "meaning"), settings_rows(schema, definitions, skip=skip))


def yaml_value(value: object) -> str:
    """A value as it is written in a recipe, on one line."""
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
