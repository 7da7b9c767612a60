"""Write figures of G-effects for a paper as SVG and PNG.

They show the same as the report's charts, without the predictions. Drawing them needs matplotlib, which the extra
`paper` installs.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from unlearnkit.core.errors import MissingDependency
from unlearnkit.core.files import writing
from unlearnkit.gradient_effect.table import EffectTable


def write_figures(table: EffectTable, folder: Path) -> list[Path]:
    """Draw what was measured, and return the files.

    There are effects over steps, effects by group, the instances' plane and the frontier. The same table and the same
    version of matplotlib give the same bytes.

    Args:
        table: table of G-effects.
        folder: folder of the files; it is created if it does not exist.

    Raises:
        MissingDependency: matplotlib is not installed.
        WriteError: a file cannot be written.
    """
    refuse_without_matplotlib()
    from unlearnkit.report.gradient_effect.paper_figures import FORMATS, figures, save

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures(table).items():
        for extension in FORMATS:
            path = folder / f"{name}.{extension}"
            partial = path.with_name(f".{path.name}.partial")
            with writing(path):
                save(figure, partial, extension)
                partial.replace(path)
            paths.append(path)
    return paths


def refuse_without_matplotlib() -> None:
    """Raise `MissingDependency` if figures cannot be drawn; call it before measuring."""
    if find_spec("matplotlib") is None:
        raise MissingDependency(
            "figures need a package that is not installed: matplotlib", fix='pip install "unlearnkit[paper]"'
        )
