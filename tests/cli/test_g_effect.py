"""`unlearn g-effect` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unlearnkit.gradient_effect.table import EffectTable


def test_a_recipe_then_its_folder(recipe_data: dict[str, Any], tmp_path: Path, call: Any) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(json.dumps(recipe_data))
    code, out, err = call("g-effect", str(recipe), "--objectives", "ga,wga", "--rows", "4", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert {row["objective"] for row in found} == {"ga", "wga"} and {"head", "all"} <= {row["group"] for row in found}
    code, out, err = call("g-effect", recipe_data["out"], "--groups", "none", "--rows", "4", "--risks", "forget, near")
    assert code == 0, err
    assert "graddiff" in out and "95 % interval" in out and "near" in out
    assert "g_effect" in err.replace("\n", "")  # a long path is wrapped
    assert EffectTable.read(Path(recipe_data["out"]) / "g_effect").chosen(risk="near")


def test_a_sweep_and_figures(recipe_data: dict[str, Any], tmp_path: Path, call: Any) -> None:
    recipe, figures = tmp_path / "r.yaml", tmp_path / "figures"
    recipe.write_text(json.dumps(recipe_data))
    options = ("--objectives", "npo,ga", "--rows", "4", "--groups", "none")
    code, out, err = call("g-effect", str(recipe), *options, "--sweep", "beta=0.05:4:log:3", "--figures", str(figures))
    assert code == 0, err
    assert "beta=0.447" in out
    swept = EffectTable.read(Path(recipe_data["out"]) / "g_effect").sweeps
    assert {row.objective for row in swept} == {"npo"} and {row.field for row in swept} == {"beta"}
    assert sorted({round(row.value, 3) for row in swept}) == [0.05, 0.447, 4.0]
    assert (figures / "frontier.svg").exists() and str(figures / "frontier.png") in err.replace("\n", "")
    code, _, err = call("g-effect", str(recipe), "--groups", "halves")
    assert code == 2 and "diagnose.groups" in err and "layers" in err
    code, _, err = call("g-effect", str(recipe), *options, "--sweep", "gamma=1,2")
    assert code == 2 and "none of the chosen objectives has the setting" in err and "beta" in err
