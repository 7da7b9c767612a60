"""Arguments that had another name in an earlier version still work, with a warning."""

from __future__ import annotations

from typing import Any

import pytest

import unlearnkit
from unlearnkit.core.errors import InputError
from unlearnkit.core.renamed_arguments import renamed_arguments
from unlearnkit.core.settings import RenamedWarning
from unlearnkit.recipe import make_recipe


def test_an_earlier_name_is_accepted_with_a_warning() -> None:
    @renamed_arguments(take_from="import_from")
    def read(*, import_from: str = "default") -> str:
        return import_from

    call: Any = read
    with pytest.warns(RenamedWarning, match="'take_from' is now called 'import_from'") as caught:
        assert call(take_from="file") == "file"
    assert caught[0].filename == __file__
    assert call() == "default" and call(import_from="file") == "file"
    with pytest.raises(TypeError, match="take_from"):
        call(take_from="one", import_from="other")


@pytest.mark.parametrize(("old", "new"), [("take_from", "import_from"), ("give_to", "export_to")])
def test_teach_accepts_its_earlier_arguments(old: str, new: str) -> None:
    recipe = make_recipe({"name": "a", "suite": {"name": "pocket"}, "method": {"name": "npo"}})
    teach: Any = unlearnkit.teach
    with pytest.warns(RenamedWarning, match=new), pytest.raises(InputError, match="does not train on targets"):
        teach(recipe, **{old: "targets.jsonl"})
