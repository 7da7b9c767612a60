"""Documents lead where they say: links, paths, commands and recipes in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, anchors, blocks, documents, links, name_of

PATHS = re.compile(r"(?<![\w/.-])((?:benchmarks|docs|experiments|recipes|src|tests|tools)/[\w./-]*\w)(?![\w/]*[*{<])")
"""A path of this repository in running text or code."""


def broken_links(path: Path) -> list[str]:
    """Relative links of a document whose file or heading does not exist."""
    text, broken = path.read_text(encoding="utf-8"), []
    for target in links(text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (
            anchor and place.suffix == ".md" and anchor not in anchors(place.read_text(encoding="utf-8"))
        ):
            broken.append(target)
    return broken


@pytest.mark.parametrize("path", documents(), ids=name_of)
def test_relative_links_resolve(path: Path) -> None:
    assert broken_links(path) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading\n\n# A heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](gone.md) [c](there.md#a-heading-1) [d](there.md#none) [e](https://example.org/x)\n"
        "`[f](no.md)`\n```text\n[g](no.md)\n```\n",
        encoding="utf-8",
    )
    assert broken_links(page) == ["gone.md", "there.md#none"]


@pytest.mark.parametrize("path", [path for path in documents() if path.name not in ("CHANGELOG.md",)], ids=name_of)
def test_paths_of_this_repository_exist(path: Path) -> None:
    named = PATHS.findall(path.read_text(encoding="utf-8"))
    assert [each for each in named if "NAME" not in each and not (ROOT / each).exists()] == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        targets = [target.partition("#")[0] for target in links(path.read_text(encoding="utf-8"))]
        ahead += [(path.parent / target).resolve() for target in targets if target and ":" not in target]
    assert {name_of(path) for path in documents() if "tools" not in path.parts} <= {name_of(path) for path in reached}


def test_the_readme_is_short_and_claims_no_proof() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert 'pip install -c constraints.txt -e ".[dev]" && unlearn demo\n' in text and "pytest -q\n" in text
    for path in (ROOT / "README.md", ROOT / "pyproject.toml", ROOT / "src/unlearnkit/__init__.py"):
        assert not re.search(r"\bproves?\b|\bproof\b", path.read_text(encoding="utf-8"), re.IGNORECASE), path


def test_the_blocks_of_a_language_are_found() -> None:
    assert blocks("```bash\na\n```\n```yaml\nb\n```\n```bash\nc\n```\n", "bash") == ["a\n", "c\n"]
