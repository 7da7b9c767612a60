"""Read this project's Markdown: its files, links, headings, fenced blocks and tables."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def documents() -> list[Path]:
    """Every Markdown file that a reader is led to."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tools/*.md")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def without_blocks(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def blocks(text: str, language: str) -> list[str]:
    """Contents of the fenced blocks of a language."""
    return [content for name, content in _FENCE.findall(text) if name == language]


def links(text: str) -> list[str]:
    """Targets of all links outside code."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", without_blocks(text)))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
        slug = slug.replace(" ", "-")
        repeats = sum(1 for each in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", each))
        found.add(f"{slug}-{repeats}" if repeats else slug)
    return found


def table_rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without its head."""
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[part.strip() for part in line.strip("|").split("|")] for line in lines[2:]]
