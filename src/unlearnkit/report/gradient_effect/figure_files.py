"""Write figures of G-effects for a paper, as SVG and PNG files.

The figures show the same values as the report's charts, except that there is no figure of predicted and measured
changes. Drawing the figures requires matplotlib, which the extra `paper` installs.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from unlearnkit.core.errors import MissingDependency
from unlearnkit.core.files import writing
from unlearnkit.gradient_effect.table import EffectTable


def write_figures(table: EffectTable, folder: Path) -> list[Path]:
    """Draw the figures of a G-effect table, and return the files.

    The figures show effects over steps, effects by group of weights, the plane of instances, and the frontier. Figures
    without measurements are omitted. With the same table and the same version of matplotlib, the files are identical
    byte for byte.

    Args:
        table: table of G-effects.
        folder: folder for the files; the folder is created if it does not exist.

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
    """Raise `MissingDependency` if matplotlib is not installed.

    Call this function before the G-effects are measured, so that the user does not wait for measurements that cannot be
    drawn.
    """
    if find_spec("matplotlib") is None:
        raise MissingDependency(
            "figures need the package matplotlib, which is not installed", fix='pip install "unlearnkit[paper]"'
        )
