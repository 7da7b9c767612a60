"""What progress prints where stderr is no terminal."""

from __future__ import annotations

import pytest

from unlearnkit.core import progress


@pytest.mark.parametrize(("total", "line"), [(12, "  measuring: 3 of 12 loss 0.5"), (None, "  measuring: 3 loss 0.5")])
def test_a_line_has_the_total_if_it_is_known(
    total: int | None, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    with progress.Progress().task("measuring", total) as task:
        task.update(3, note="loss 0.5")
    with progress.Progress(quiet=True).task("measuring", total) as task:
        task.update(3)
    assert capsys.readouterr() == ("", line + "\n")
