"""Models that should have come with the package, and did not come whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bad_input.place import Case, Place, assert_told
from unlearnkit.suites.made_up.packaged import MANIFEST
from unlearnkit.suites.pocket.learning import LEARNING
from unlearnkit.suites.pocket.suite import Pocket

LEARNED, INSTALLED = dict(LEARNING), Path(str(Pocket.packaged))
"""As the package has them. The fixture `small_world` changes the first for a whole session."""
EVAL = ("eval", "target", "--suite", "pocket", "--out", "e")
PACKAGED, RETRAIN = "models that come with the package", "unlearn demo --retrain"


def installed(then: Callable[[Place], object]) -> Callable[[Place], None]:
    """The package's models are in `models`, and something happens to them."""

    def breaks(place: Place) -> None:
        shutil.copytree(INSTALLED, place.root / "models")
        place.patch.setattr(Pocket, "packaged", place.root / "models")
        place.patch.setitem(LEARNING, 1, LEARNED[1])
        then(place)

    return breaks


CASES = [
    Case(
        "packaged-weights-truncated",
        installed(lambda place: place.cut("models/target.safetensors")),
        [PACKAGED, "damaged or was changed", "models/target.safetensors", "SHA-256", RETRAIN],
        EVAL,
    ),
    Case(
        "packaged-tokenizer-changed",
        installed(lambda place: place.write("models/tokenizer.json", "{}")),
        [PACKAGED, "damaged or was changed", "models/tokenizer.json", RETRAIN],
        EVAL,
    ),
    Case(
        "packaged-weights-gone",
        installed(lambda place: place.remove("models/target.safetensors")),
        [PACKAGED, "cannot be read", "models/target.safetensors", "install unlearnkit again", RETRAIN],
        EVAL,
        4,
    ),
    Case(
        "packaged-list-truncated",
        installed(lambda place: place.cut(f"models/{MANIFEST}")),
        ["the list of the models", "damaged", f"models/{MANIFEST}", RETRAIN],
        EVAL,
    ),
    Case(
        "packaged-list-gone",
        installed(lambda place: place.remove(f"models/{MANIFEST}")),
        [PACKAGED, "cannot be read", f"models/{MANIFEST}", RETRAIN],
        EVAL,
        4,
    ),
    Case(
        "packaged-models-gone",
        installed(lambda place: place.remove("models")),
        [PACKAGED, "cannot be read", f"models/{MANIFEST}", RETRAIN],
        EVAL,
        4,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)
