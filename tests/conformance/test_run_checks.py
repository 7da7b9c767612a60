"""Plug-ins from outside: a good one of each kind passes, and a wrong one fails the check that it should."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from numpy.random import Generator
from torch import Tensor

from unlearnkit.attacks.base import ATTACKS, PromptAttack, attack
from unlearnkit.core.errors import InputError
from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row, Splits
from unlearnkit.data.target import Target
from unlearnkit.judges.base import Item, Judged, OnJudged
from unlearnkit.judges.rule.judge import Rules
from unlearnkit.localization.base import LOCALIZERS, LocalizationContext, Localizer, WeightMask, localizer
from unlearnkit.methods.base import (
    EDITS,
    GUARDS,
    SCHEMES,
    Edit,
    Guard,
    MethodContext,
    Scheme,
    edit,
    guard,
    scheme,
)
from unlearnkit.methods.composition import ForgetObjective
from unlearnkit.methods.objective import OBJECTIVES, Needs, Step, Term, View, objective
from unlearnkit.methods.objectives.finetune import Finetune
from unlearnkit.metrics.base import METRICS, Metric, metric
from unlearnkit.metrics.score import Score, mean_score
from unlearnkit.metrics.score_doc import LOW, ScoreDoc
from unlearnkit.models.parameter_vectors import add
from unlearnkit.records.probe import Probe
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.subjects.base import Subject
from unlearnkit.subjects.guarded import GuardedSubject
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.suites.base import SUITES, SuiteTask, UserModelSuite, suite
from unlearnkit.targets.base import TEACHERS, teacher
from unlearnkit.testing import checks_for, kinds, run_checks
from unlearnkit.testing.example import FORGET, NEAR, scope_of
from unlearnkit.training.combiner import (
    COMBINERS,
    Combined,
    Combiner,
    Gradient,
    Task,
    TaskGradients,
    combiner,
    forgets,
)
from unlearnkit.training.loop import Trainer
from unlearnkit.training.step import TrainData

REGISTRIES: tuple[Registry[Any], ...] = (
    OBJECTIVES, COMBINERS, TEACHERS, SUITES, ATTACKS, METRICS, EDITS, GUARDS, SCHEMES, LOCALIZERS,
)  # fmt: skip


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the plug-ins below for the length of a test, so that no other test finds them."""
    for registry in REGISTRIES:
        for name in registry.names():
            registry.get(name)  # a module that is first imported below would lose its entry afterwards
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    source = {"paper": "arXiv:2402.15159", "equation": "Eq. 1"}
    for known in (Ascent, MeanTerm, Greedy):
        objective(f"outside_{known.__name__}", **source)(known)
    for kind, plugins in (
        (edit, (Shrink, Drifting, Hidden)), (guard, (Curt, Moody)), (scheme, (Rehearse, Nosy)),
        (localizer, (Everywhere, Nowhere, Meddling)),
    ):  # fmt: skip
        for each in plugins:
            kind(f"outside_{each.__name__}", **source)(each)
    for made in (Sum, Forgetful):
        combiner(f"outside_{made.__name__}", **source)(made)
    for writer in (Silent, Telling):
        teacher(f"outside_{writer.__name__}")(writer)
    for bench in (Example, Tactless):
        suite(f"outside_{bench.__name__}")(bench)
    for plain in (Polite, Leading):
        attack(f"outside_{plain.__name__}")(plain)
    for measured in (Length, Always):
        metric(f"outside_{measured.__name__}")(measured)


# --- objectives


class Ascent(ForgetObjective):
    """Raise the loss on the forget answers."""

    def forget_needs(self) -> Needs:
        return Needs(logps={"forget"})

    def forget_term(self, step: Step) -> Term:
        return Term(step.logps("forget").values.sum(), "forget", "token")


class MeanTerm(Ascent):
    """Return a mean where a sum is asked for."""

    def forget_term(self, step: Step) -> Term:
        return Term(step.logps("forget").values.mean(), "forget", "token")


class Greedy(Ascent):
    """Declare more than is read."""

    def forget_needs(self) -> Needs:
        return Needs(logps={"forget"}, entropy={"forget"})


# --- edits


class Shrink(Edit):
    """Shrink the weights that the engine trains."""

    strength: float = 0.1
    """Share of each weight that is taken away."""

    def delta(self, context: MethodContext) -> Mapping[str, Tensor]:
        return {name: -self.strength * weight.detach() for name, weight in context.engine.named_parameters()}


class Drifting(Shrink):
    """Shrink more with each call."""

    calls: ClassVar[list[int]] = []

    def delta(self, context: MethodContext) -> Mapping[str, Tensor]:
        self.calls.append(1)
        return {name: len(self.calls) * change for name, change in super().delta(context).items()}


class Hidden(Shrink):
    """Change a weight that `delta` does not name, and read rows that `needs` does not name."""

    def fit(self, context: MethodContext) -> Subject:
        context.views(Needs(logps={"retain"}))
        subject = super().fit(context)
        assert isinstance(subject, LocalSubject)
        with torch.no_grad():
            next(iter(subject.engine.parameters())).add_(1.0)
        return subject


# --- guards


class Declines:
    """Rules that answer every request with one sentence."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = list(sentences)

    def before(self, probe: Probe) -> Generation:
        sentence = self.sentences.pop(0) if len(self.sentences) > 1 else self.sentences[0]
        return Generation(text=sentence, trace="", response=sentence, ended="eos")

    def after(self, probe: Probe, generation: Generation) -> Generation:
        return generation


class Curt(Guard):
    """Decline every question."""

    def wrap(self, subject: Subject, scope: Scope) -> Subject:
        return GuardedSubject(subject, Declines(["No."]))


class Moody(Curt):
    """Decline in other words at first."""

    def wrap(self, subject: Subject, scope: Scope) -> Subject:
        return GuardedSubject(subject, Declines(["Not now.", "No."]))


# --- schemes


class Rehearse(Scheme):
    """Train on the rows that stay."""

    def needs(self) -> Needs:
        return Needs(logps={"retain"})

    def fit(self, context: MethodContext) -> Subject:
        views = context.views(self.needs())
        data = TrainData({"retain": views["retain"]}, context.pad_id)
        context.run_trainer(Trainer(context.engine, Finetune(), data, context.train_settings, seed=context.seed))
        return LocalSubject(context.model, context.tokenizer)


class Nosy(Rehearse):
    """Read the forget rows, too."""

    def fit(self, context: MethodContext) -> Subject:
        context.views(Needs(logps={"forget"}))
        return super().fit(context)


# --- localizers


class Everywhere(Localizer):
    """Let every weight change."""

    def mask(self, context: LocalizationContext) -> WeightMask:
        trained = {name: weight for name, weight in context.engine.named_parameters() if weight.requires_grad}
        return WeightMask({name: torch.ones_like(weight, dtype=torch.bool) for name, weight in trained.items()})


class Nowhere(Everywhere):
    """Let nothing change."""

    def mask(self, context: LocalizationContext) -> WeightMask:
        return WeightMask({name: ~kept for name, kept in super().mask(context).kept.items()})


class Meddling(Everywhere):
    """Change a weight while looking."""

    def mask(self, context: LocalizationContext) -> WeightMask:
        with torch.no_grad():
            next(iter(context.engine.parameters())).add_(1.0)
        return super().mask(context)


# --- combiners


class Sum(Combiner):
    """Step along the plain sum of all gradients."""

    def task(self, name: str, view: View) -> Task:
        return Task(name, forgets(view))

    def refuse(self, tasks: Collection[Task]) -> None:
        if not tasks:
            raise InputError("there is nothing to combine", fix="give the method a term")

    def copies(self, tasks: int) -> int:
        return max(tasks, 1)

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        first, *others = gradients.by_task.values()
        for other in others:
            add(first, other)
        return Combined(first, False)


class Forgetful(Sum):
    """Count steps outside the memory."""

    steps: ClassVar[list[int]] = []

    def combine(self, gradients: TaskGradients, memory: Gradient, draw: Generator) -> Combined:
        self.steps.append(1)
        found = super().combine(gradients, memory, draw).gradient
        return Combined({name: value * len(self.steps) for name, value in found.items()}, False)


# --- teachers


class Silent(Settings):
    """Decline in the same words each time."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        return [Target(id=row.id, trace="This must not be answered.", response="I cannot say that.") for row in rows]


class Telling(Silent):
    """Put the answer into the trace."""

    def write(self, rows: Sequence[Row], scope: Scope, seed: int) -> list[Target]:
        targets = super().write(rows, scope, seed)
        return [target.model_copy(update={"trace": row.answer}) for row, target in zip(rows, targets, strict=True)]


# --- suites


class Example(UserModelSuite):
    """A request of a few rows."""

    version: ClassVar[str] = "1"
    max_new_tokens: ClassVar[int] = 8

    def task(self) -> SuiteTask:
        splits = Splits({"forget": FORGET, "retain": NEAR})
        return SuiteTask("example-1", scope_of(), splits, {"forget": FORGET, "near": NEAR})

    def retain_corpus(self) -> Sequence[Row]:
        return NEAR

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        return {"example.spoken": mean_score([float(record.generation is not None) for record in records])}

    def heading(self) -> str:
        return "one person"


class Tactless(Example):
    """Tell the secret in the heading, and retrain on what must be forgotten."""

    def heading(self) -> str:
        return "somebody from Lisbon"

    def retain_corpus(self) -> Sequence[Row]:
        return (*NEAR, FORGET[0])


# --- judges


class Hasty(Rules):
    """Judge the first item alone."""

    def judge(self, items: Sequence[Item], on_judged: OnJudged) -> Judged:
        return super().judge(items[:1], on_judged)


# --- attacks


class Polite(PromptAttack):
    """Say please."""

    @classmethod
    def name(cls) -> str:
        return f"outside_{cls.__name__}"

    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:
        return Probe(row.model_copy(update={"question": f"Please: {row.question}"}))


class Leading(Polite):
    """Put the answer into the question."""

    def rewrite(self, row: Row, draw: random.Random) -> Probe | None:
        return Probe(row.model_copy(update={"question": f"{row.question} Was it {row.answers[0]}?"}))


# --- metrics


class Length(Metric):
    """Characters of the response."""

    doc = ScoreDoc("Length", "characters of the response; low is wanted everywhere", LOW, highest=500)

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        return None if record.generation is None else float(len(record.generation.response))


class Always(Length):
    """Give a value where nothing was measured."""

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        return 0.0


class Broken(Length):
    """Raise an error."""

    @staticmethod
    def measure(record: Record, scope: Scope) -> float | None:
        raise ZeroDivisionError("oh")


GOOD = {
    "objective": Ascent,
    "edit": Shrink,
    "guard": Curt,
    "scheme": Rehearse,
    "localizer": Everywhere,
    "combiner": Sum,
    "teacher": Silent,
    "suite": Example,
    "judge": Rules,
    "attack": Polite,
    "metric": Length,
}
WRONG: list[tuple[str, Any, str]] = [
    ("objective", MeanTerm, "micro_batches_of_2_rows_give_the_same_gradient"),
    ("objective", Greedy, "needs_are_the_quantities_that_are_read"),
    ("edit", Drifting, "the_same_seed_gives_the_same_bits"),
    ("edit", Hidden, "its_change_is_of_the_targets_weights_and_reversible"),
    ("edit", Hidden, "it_reads_only_the_views_that_it_needs"),
    ("guard", Moody, "outputs_do_not_depend_on_other_probes"),
    ("scheme", Nosy, "it_reads_only_the_views_that_it_needs"),
    ("localizer", Nowhere, "its_mask_is_of_the_trained_weights"),
    ("localizer", Meddling, "it_reads_only_what_it_needs_and_leaves_the_model_as_it_is"),
    ("combiner", Forgetful, "what_it_remembers_is_in_the_memory_alone"),
    ("teacher", Telling, "no_target_leaks"),
    ("suite", Tactless, "heading_and_limitations_hold_no_secret"),
    ("suite", Tactless, "what_is_retained_is_not_forgotten"),
    ("judge", Hasty, "judgments_are_in_the_order_of_items_and_repeats"),
    ("attack", Leading, "no_question_holds_a_secret"),
    ("metric", Always, "it_is_none_where_nothing_was_measured"),
]


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_plug_in_from_outside_conforms(kind: str) -> None:
    run_checks(kind, GOOD[kind])


@pytest.mark.parametrize(("kind", "plugin", "check"), WRONG, ids=[f"{kind}-{check}" for kind, _, check in WRONG])
def test_a_wrong_plug_in_fails_the_check_that_it_should(kind: str, plugin: Any, check: str) -> None:
    with pytest.raises(AssertionError, match=rf"(?m)^- {check}: ") as raised:
        run_checks(kind, plugin)
    failed = re.findall(r"(?m)^- (\w+): ", str(raised.value))
    assert set(failed) < set(checks_for(kind))
    assert f"{len(failed)} of {len(checks_for(kind))} checks of the {kind} failed" in str(raised.value)


def test_an_error_in_a_plug_in_fails_its_check_and_the_others_run() -> None:
    metric("outside_Broken")(Broken)
    with pytest.raises(AssertionError, match="it_is_a_pure_function_of_the_record: ZeroDivisionError: oh") as raised:
        run_checks("metric", Broken)
    assert "it_says_how_to_read_it" not in str(raised.value)


def test_every_kind_has_named_and_documented_checks() -> None:
    assert set(GOOD) == set(kinds())
    for kind in GOOD:
        checks = checks_for(kind)
        assert len(checks) >= 5
        for name, check in checks.items():
            assert isinstance(check, partial) or (check.__name__ == name and check.__doc__)


def test_there_are_no_checks_for_another_kind() -> None:
    with pytest.raises(InputError, match="no checks for this kind"):
        checks_for("tiny")
