from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from unlearnkit.core.errors import MissingDependency
from unlearnkit.core.files import WriteError
from unlearnkit.gradient_effect.table import EffectTable
from unlearnkit.report.gradient_effect import figure_files as figures
from unlearnkit.report.gradient_effect.figure_files import write_figures

from . import worked_effects as worked

SMALL = worked.table(steps=(0, 10), objectives=("npo(beta=0.5)",))


def test_every_figure_is_written_as_svg_and_png(tmp_path: Path) -> None:
    made = write_figures(replace(SMALL, sweeps=worked.sweeps()), tmp_path / "new")
    names = ("effects-over-steps", "effects-by-group", "pg-effect-plane", "frontier")
    assert [path.name for path in made] == [f"{name}.{kind}" for name in names for kind in ("svg", "png")]
    assert sorted(made) == sorted((tmp_path / "new").iterdir())
    for path in made:
        if path.suffix == ".png":
            content = path.read_bytes()
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            assert content.endswith(b"IEND\xaeB`\x82")
        else:
            root = ET.parse(path).getroot()
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 10


def test_the_same_table_gives_the_same_bytes_without_a_date(tmp_path: Path) -> None:
    bare = EffectTable([worked.row("npo", "forget", step) for step in (0, 10)])
    first, second = (write_figures(bare, tmp_path / name) for name in ("one", "two"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert not any(b"dc:date" in path.read_bytes() for path in first)


def test_only_what_was_measured_is_drawn(tmp_path: Path) -> None:
    bare = EffectTable([worked.row("ga", "forget", 0)])
    assert [path.name for path in write_figures(bare, tmp_path)] == ["effects-over-steps.svg", "effects-over-steps.png"]
    assert write_figures(EffectTable([]), tmp_path) == []


def test_names_with_signs_of_mathematics_are_written_as_they_are(tmp_path: Path) -> None:
    row = worked.row("ga", "forget", 0)
    odd = EffectTable([type(row)(**{**row.__dict__, "objective": "my_$objective$ <b>&"})])
    assert ET.parse(write_figures(odd, tmp_path)[0]).getroot().tag.endswith("svg")
    wrong = EffectTable([type(row)(**{**row.__dict__, "objective": r"$\frac$", "risk": r"near$\x$"})])
    assert ET.parse(write_figures(wrong, tmp_path)[0]).getroot().tag.endswith("svg")


def test_without_matplotlib_the_way_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="matplotlib") as caught:
        write_figures(worked.table(), tmp_path / "new")
    assert 'pip install "unlearnkit[paper]"' in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        write_figures(EffectTable([worked.row("ga", "forget", 0)]), tmp_path / "file")
