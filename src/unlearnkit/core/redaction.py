"""Describe values in messages without quoting them."""

from __future__ import annotations


def describe_type(value: object) -> str:
    """Describe the type and size of a value without its content.

    Error messages end up in logs. They must not quote rows, because rows may contain knowledge to forget.
    """
    if isinstance(value, str):
        if not value.strip():
            return "white space" if value else "an empty string"
        return f"a string of length {len(value)}"
    if isinstance(value, dict):
        return f"an object with the fields {', '.join(map(str, value))}"[:200] if value else "an empty object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, bytes):
        return "bytes"
    known: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", type(None): "null"}
    return known.get(type(value), f"a value of type {type(value).__name__}")
