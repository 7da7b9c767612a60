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
    assert "g_effect" in err
    assert EffectTable.read(Path(recipe_data["out"]) / "g_effect").chosen(risk="near")
