"""Figures of G-effects for a paper, as SVG and PNG. They show what the report's charts show, but for the predictions.

Drawing them takes matplotlib, which comes with the extra `paper`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from unlearnkit.core.errors import MissingDependency
from unlearnkit.core.files import writing
from unlearnkit.gradient_effect.table import EffectTable


def write_figures(table: EffectTable, folder: Path) -> list[Path]:
    """Draw what was measured, and give the files: effects over steps, by groups, the instances' plane, the frontier.

    The same tables and the same matplotlib give the same bytes.

    Args:
        table: of G-effects.
        folder: where the files go; it is made where it is missing.

    Raises:
        Missing: matplotlib is not installed.
        WriteError: a file cannot be written.
    """
    refuse_without_matplotlib()
    from unlearnkit.report.gradient_effect import paper_figures as paper

    drawn = paper.figures(table)
    made = []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, figure in drawn.items():
        for kind in paper.KINDS:
            path = folder / f"{name}.{kind}"
            partial = path.with_name(f".{path.name}.partial")
            with writing(path):
                paper.save(figure, partial, kind)
                partial.replace(path)
            made.append(path)
    return made


def refuse_without_matplotlib() -> None:
    """Raise `MissingDependency` where figures cannot be drawn, for who wants to know before it measures."""
    if find_spec("matplotlib") is None:
        raise MissingDependency(
            "drawing figures needs a package that is not installed: matplotlib", fix='pip install "unlearnkit[paper]"'
        )
