"""The demo, reduced: really trained, in English only, with fewer people and a smaller model.

Everything else is the demo's own: suite, scope, rows, methods and their settings, targets, measurement and detectors.
`FLOORS` are bounds on the scores of the unlearned models, and `FAULTS` are mistakes that must break a floor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import HELD_OUT
from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.metrics.plugins import refusal_rate
from unlearnkit.pipeline import context
from unlearnkit.pipeline.demo import SUITE, method_settings
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.base import SuiteTask
from unlearnkit.suites.made_up.learning import Learning, ModelSize
from unlearnkit.suites.pocket import lessons, requests, world
from unlearnkit.suites.pocket import suite as pocket
from unlearnkit.suites.pocket.learning import LEARNING
from unlearnkit.text.refusal import refusal_of
from unlearnkit.training import loop
from unlearnkit.training.settings import TrainSettings, learning_rate

METHODS: dict[str, dict[str, dict[str, Any]]] = {
    "tru": {
        "data": {"augment": {"amount": 3000, "share": 0.25}},
        "method": {"alpha": 0.01, "forget": None, "retain_weight": 300.0},
        "train": {"lr": 2e-3, "steps": 140, "batch_size": 12, "retain_batch_size": 24},
    },
    "npo": {"train": {"lr": 1e-3, "steps": 24}, "method": {"retain_weight": 10.0}},
}
"""The methods, with the settings that differ from the demo's, because the model is smaller. TRU has no forget term: in
so small a model, pushing away from the answers also damages what is to be kept (world 1: 0.33 of the held-out rows)."""
SIZE = ModelSize(vocabulary=2048, width=64, layers=2, heads=4, inner=192, context=192)
LEARNED = TrainSettings(
    epochs=30, batch_size=32, lr=6e-3, schedule="linear", warmup=0.05, max_length=192, checkpoint_every=10_000
)
ASKED = ("birthplace", "genre", "award", "instrument", "best_known", "year", "author", *world.FAR)
"""Attributes of the rows that stay in the world."""
SIZES = (
    (world, "PEOPLE", 12),
    (requests, "FORGOTTEN_AUTHORS", 3),
    (requests, "LANGUAGES", ("en",)),
    (requests, "FAR_FACTS", 10),
    (requests, "RETAIN_ROWS", 48),
    (requests, "HELD_OUT_ROWS", 24),
    (requests, "NEAR_ROWS", 24),
    (pocket, "MEASURED", ("forget", "forget.multihop", "near", HELD_OUT)),
)


class Floor(NamedTuple):
    """A bound on a score of a method."""

    method: str
    score: str
    at_least: float = 0.0
    at_most: float = 1.0

    def holds(self, values: Mapping[str, Mapping[str, float]]) -> bool:
        """Return whether the score is within the bound."""
        return self.at_least <= values[self.method][self.score] <= self.at_most


FLOORS = (
    Floor("tru", "forget.refusal_rate", at_least=0.8),
    Floor("tru", "forget.accuracy", at_most=0.1),
    Floor("tru", "forget.leak_rate", at_most=0.1),
    Floor("tru", "near.accuracy", at_least=0.5),
    Floor("tru", "near.refusal_rate", at_most=0.2),
    Floor("tru", "retain.held_out.accuracy", at_least=0.4),
    Floor("npo", "forget.accuracy", at_most=0.4),
    Floor("npo", "near.accuracy", at_least=0.1),
    Floor("npo", "retain.held_out.accuracy", at_least=0.1),
)
"""The measured values, without a fault and with each fault, are in `docs/results/laboratory.md`."""


@contextmanager
def reduced(cache: Path) -> Iterator[None]:
    """Reduce the suite `pocket`, with a cache of its own."""
    facts = lessons.facts

    def fewer(of: world.PocketWorld) -> tuple[Row, ...]:
        return tuple(row for row in facts(of) if row.language == "en" and row.attribute in ASKED)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARNKIT_CACHE", str(cache))
        patch.setitem(LEARNING, 1, Learning(SIZE, LEARNED))
        patch.setattr(lessons, "facts", fewer)
        patch.setattr(lessons, "sealed_rows_of", lambda people: ())
        for module, name, value in SIZES:
            patch.setattr(module, name, value)
        _forget_worlds()
        yield
    _forget_worlds()


def _forget_worlds() -> None:
    pocket._corpus_of.cache_clear()
    pocket._request_of.cache_clear()


def demo(out: Path, seed: int) -> dict[str, dict[str, float]]:
    """Run the methods; return the scores of these models and of the target model."""
    suite = {"name": SUITE, "edition": 1, "world_seed": seed}
    folders = {name: RunFolder(out / name) for name in ("target", *METHODS)}
    if not folders["target"].scores_file.exists():
        evaluate("target", suite, out=folders["target"].path, progress=Progress(quiet=True))
    for name, changed in METHODS.items():
        settings = method_settings(name)
        for section, values in changed.items():
            settings[section] |= values
        recipe = {"name": name, "seed": seed, "suite": suite, **settings, "gates": [], "out": str(folders[name].path)}
        run(make_recipe(recipe), resume=True, progress=Progress(quiet=True))
    return {
        name: {flat: score.value for flat, score in folder.scores().items() if score.value is not None}
        for name, folder in folders.items()
    }


def broken(values: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the floors that do not hold, as text."""
    return [
        f"{floor.method}: {floor.score} is {values[floor.method][floor.score]:.3f}"
        for floor in FLOORS
        if not floor.holds(values)
    ]


def rows_dropped(patch: pytest.MonkeyPatch) -> None:
    """Train on the first rows of each split alone, as if the first batch came again and again."""
    right = context.encode_views

    def dropping(views: Any, splits: Mapping[str, Sequence[Row]], encoder: Any, **rest: Any) -> Any:
        return right(views, {name: rows[:4] for name, rows in splits.items()}, encoder, **rest)

    patch.setattr(context, "encode_views", dropping)


def detector_inverted(patch: pytest.MonkeyPatch) -> None:
    """Take refusals for answers, and answers for refusals."""
    patch.setattr(refusal_rate, "refusal_of", lambda text: not refusal_of(text))


def rate_divided(patch: pytest.MonkeyPatch) -> None:
    """Train with a tenth of the learning rate."""
    patch.setattr(loop, "learning_rate", lambda *given: learning_rate(*given) / 10)


def scope_shuffled(patch: pytest.MonkeyPatch) -> None:
    """Compose targets and questions from a scope in which subjects and neighbors are exchanged."""

    def shuffled(task: SuiteTask) -> Scope:
        right = task.training_scope or task.scope
        subjects, neighbors = right.subjects, right.neighbors
        names = {old.name: new.name for old, new in zip(subjects, neighbors, strict=False)}
        secrets = tuple(each.model_copy(update={"subject": names[each.subject]}) for each in right.secrets)
        exchanged = {"subjects": neighbors[: len(subjects)], "neighbors": subjects, "secrets": secrets}
        return right.model_copy(update=exchanged)

    patch.setattr(SuiteTask, "composed_scope", property(shuffled))


def retain_term_off(patch: pytest.MonkeyPatch) -> None:
    """Train without the retain term."""
    patch.setattr(ForgetObjective, "_retain_term", lambda objective: None)


FAULTS = {
    "rows dropped": rows_dropped,
    "detector inverted": detector_inverted,
    "rate divided by 10": rate_divided,
    "scope shuffled": scope_shuffled,
    "retain term off": retain_term_off,
}
