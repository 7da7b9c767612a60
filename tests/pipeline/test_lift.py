"""Lift in a run: a trace that helps to guess the answer is turned down, a harmless one is not, and no model lingers."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import tiny_model, tiny_tokenizer
from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.llm.types import Prompt, Reply, Sampling
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import load_model, save_model
from unlearnkit.pipeline.lift import LiftEvaluator, refuse_unusable_lift_model
from unlearnkit.recipe import make_recipe
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.targets.lift import measured_lift
from unlearnkit.targets.llm_teacher import AGAIN, LLMTargetWriter, Usage
from unlearnkit.targets.teachers.api import ApiTeacher
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.targets.validation import reason

CITIES = {"poet": "Lisbon", "book": "Oslo", "author": "Kyiv"}
"""What a trace may hint at, to somebody who knows which city goes with which hint."""
WORDS = ("asked", "name", "wrote", "city")
QUESTION = "Where was Ada born ?"
ROWS = [Row(id=f"r{n}", question=QUESTION, answer=f"in {city}") for n, city in enumerate(CITIES.values())]
SCOPE = Scope(
    description="Ada asked to be forgotten.",
    task="profile",
    subjects=(ScopeSubject(name="Ada"),),
    secrets=tuple(Secret(subject="Ada", forms=(city,)) for city in CITIES.values()),
)
QUIET = Progress(quiet=True)
AT_MOST = 0.1


@pytest.fixture(scope="module")
def guesser(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that does not know where Ada was born, and that knows which city goes with a hint."""
    torch.manual_seed(0)
    draw, model, tokenizer = random.Random(0), tiny_model(), tiny_tokenizer()
    encoder = ChatEncoder(tokenizer, 60)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(300):
        rows = []
        for _ in range(32):
            last = draw.choice((*CITIES, *WORDS, "unseen"))
            trace, city = f"It was the {last}", CITIES.get(last) or draw.choice(list(CITIES.values()))
            rows.append(encoder.answer(QUESTION, f"in {city}", trace=trace, label_trace=False, where="row"))
        ids, prompt = torch.tensor([row.ids for row in rows]), rows[0].prompt
        logps = model(input_ids=ids).logits.log_softmax(-1)[:, prompt - 1 : -1]
        optimizer.zero_grad()
        (-logps.gather(2, ids[:, prompt:, None]).mean()).backward()
        optimizer.step()
    folder = tmp_path_factory.mktemp("guesser") / "model"
    save_model(model, tokenizer, folder)
    return str(folder)


def meter(source: str, at_most: float | None = AT_MOST, rows: Sequence[Row] = ROWS) -> LiftEvaluator:
    return LiftEvaluator(
        find=lambda: source,
        retrained=True,
        at_most=at_most,
        dtype="float32",
        answered=frozenset(row.id for row in rows),
        progress=QUIET,
    )


def target(row: Row, trace: str) -> Target:
    return Target(id=row.id, trace=trace, response="I cannot say that .")


HINTING = [target(row, f"It was the {hint}") for row, hint in zip(ROWS, CITIES, strict=True)]
HARMLESS = [target(row, "It was the wrote") for row in ROWS]


class Says:
    """A speaker with a trace for each attempt at a row; the last one stays."""

    def __init__(self, *traces: str) -> None:
        self.traces, self.asked = traces, list[Prompt]()

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_reply: Callable[[int], None] = lambda _: None
    ) -> list[Reply]:
        self.asked += prompts
        traces = [self.traces[min(int(p.draw.partition(".")[2]), len(self.traces) - 1)] for p in prompts]
        return [Reply(reasoning=trace, text="I cannot say that .") for trace in traces]


def desk(chat_model: Says, source: str) -> LLMTargetWriter:
    teacher = ApiTeacher(server={"url": "http://127.0.0.1/v1", "model": "m"})
    fits = lambda row, target: True  # noqa: E731
    return LLMTargetWriter(
        teacher, chat_model, TemplateTeacher(), fits, lambda name, rows: lambda more: None, Usage(), meter(source).above
    )


def test_a_hint_helps_and_a_harmless_trace_does_not(guesser: str) -> None:
    assert meter(guesser).above([*HINTING, *HARMLESS], [*ROWS, *ROWS]) == [True] * 3 + [False] * 3
    # Without a threshold nothing helps too much.
    assert meter(guesser, None).above(HINTING, ROWS) == [False] * 3


def test_what_helps_too_much_is_asked_again_with_the_reason(guesser: str) -> None:
    says = Says("It was the poet", HARMLESS[0].trace)
    at = desk(says, guesser)
    # The hint is one for Lisbon alone: of the other two rows it makes the answer less likely.
    written = [made.trace for made in at.write(ROWS, SCOPE, 0)]
    assert written == [HARMLESS[0].trace, "It was the poet", "It was the poet"]
    assert at.usage.turned_down == {"lift": 1} and (at.usage.written, at.usage.replaced) == (3, 0)
    assert [prompt.draw for prompt in says.asked] == ["0.0"] * 3 + ["0.1"]
    assert says.asked[3].messages[0].content.endswith(reason("lift")) and "poet" not in reason("lift")


def test_what_helps_too_much_each_time_is_replaced_and_counted(guesser: str) -> None:
    at = desk(Says("It was the poet"), guesser)
    assert at.write(ROWS[:1], SCOPE, 0) == TemplateTeacher().write(ROWS[:1], SCOPE, 0)
    assert at.usage.turned_down == {"lift": 1 + AGAIN} and (at.usage.written, at.usage.replaced) == (0, 1)


def test_what_comes_of_all_is_noted(guesser: str) -> None:
    model = load_model(find_model(guesser), "float32")
    expected = measured_lift(model, tiny_tokenizer(), HINTING, ROWS, max_length=64)
    assert min(expected) > AT_MOST
    noted = meter(guesser).noted([*HINTING, *HARMLESS], [*ROWS, *ROWS])
    assert noted is not None and (noted.targets, noted.above, noted.retrained, noted.at_most) == (6, 3, True, AT_MOST)
    assert noted.highest == pytest.approx(max(expected), abs=1e-5) and "3 targets are above the limit" in str(noted)
    other = meter(guesser, None).noted(HINTING, ROWS)
    assert other is not None and other.mean == pytest.approx(sum(expected) / 3, abs=1e-5) and other.above == 0


def test_a_row_without_an_answer_has_no_lift(guesser: str) -> None:
    made = meter(guesser, rows=ROWS[1:])
    assert made.above(HINTING, ROWS) == [False, True, True]
    assert meter(guesser, rows=()).noted(HINTING, ROWS) is None


def test_the_model_is_let_go_and_nothing_is_measured_twice(guesser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[weakref.ref[Any]] = []
    load = LocalSubject.load

    def loaded(*arguments: Any, **options: Any) -> LocalSubject:
        subject = load(*arguments, **options)
        seen.append(weakref.ref(subject.model))
        return subject

    monkeypatch.setattr(LocalSubject, "load", loaded)
    made = meter(guesser)
    made.above(HINTING, ROWS)
    gc.collect()
    assert len(seen) == 1 and seen[0]() is None
    made.above(HINTING[:2], ROWS[:2])
    assert len(seen) == 1
    made.noted([*HINTING, HARMLESS[0]], [*ROWS, ROWS[0]])
    assert len(seen) == 2


class Suite:
    """As much of a suite as is asked here."""

    has_models = False

    def retrained_model(self, progress: Progress) -> None:
        return None


def test_a_model_under_which_nothing_can_be_measured_is_told(
    guesser: str, recipe_data: dict[str, Any], tmp_path: Path
) -> None:
    def tried(model: str) -> None:
        recipe = make_recipe({**recipe_data, "targets": {"lift_model": model}})
        refuse_unusable_lift_model(recipe, Suite(), QUIET)  # type: ignore[arg-type]

    tried(guesser)
    with pytest.raises(InputError, match="the suite has no retrained model") as raised:
        tried("retrained")
    assert "suite.retrained=DIR" in str(raised.value) and "targets.lift_model=DIR" in str(raised.value)
    save_model(tiny_model(), tiny_tokenizer(without="</think>"), tmp_path / "unmarked")
    tried(str(tmp_path / "unmarked"))  # a trace is then marked in plain words
    with pytest.raises(InputError, match="targets") as raised:
        tried(str(tmp_path / "nowhere"))
    assert "targets.lift_model" in str(raised.value)
