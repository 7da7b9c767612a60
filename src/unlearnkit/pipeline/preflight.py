"""What a run will do with rows, done before its folder is made: whatever is wrong with them costs no training."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.rows import TRAINED_SPLITS, Row
from unlearnkit.methods.objective import Needs, Objective, View
from unlearnkit.models.folder import ModelFolder, positions
from unlearnkit.recipe import Recipe
from unlearnkit.records.measure import encoded_answers
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.suites.base import Suite, Task
from unlearnkit.targets.compose import taught
from unlearnkit.targets.llm_teacher import ChatTeacher
from unlearnkit.targets.retain_trace import with_trace
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.training.views import TARGET, TAUGHT, encode_views, training_renderer


def training_splits(suite: Suite, objective: Objective) -> dict[str, Sequence[Row]]:
    """The rows that the method may train on; one that starts from scratch learns all that is kept."""
    task = suite.task()
    splits: dict[str, Sequence[Row]] = {name: task.splits[name] for name in TRAINED_SPLITS if name in task.splits}
    if objective.from_scratch:
        splits["retain"] = suite.kept()
    needed = {view.partition(":")[0] for view in objective.needs().views} - task.to_be_written
    if TAUGHT in needed:
        splits[TAUGHT] = splits["forget"]
    if "retain" in needed and not splits.get("retain"):
        raise InputError(
            "the method keeps what must stay by training on it, and there are no retain rows",
            where="data.retain",
            allowed="a file of rows; auto: rows that the target model itself writes",
            fix="name a file: data.retain=FILE; or data.retain=auto; or a method that needs none (method.name=ga)",
        )
    return splits


def scope_mentions(task: Task, splits: Mapping[str, Sequence[Row]]) -> tuple[ScopeQuestion, ...]:
    """The questions composed from the scope, or borrowed for it; none of them is measured."""
    measured = [row for rows in task.measured.values() for row in rows]
    return mentions(task.scope, splits["forget"], splits.get("retain", ()), measured)


def rehearsed_views(
    recipe: Recipe,
    splits: Mapping[str, Sequence[Row]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    *,
    at_most: int | None = None,
) -> dict[View, list[Encoded]]:
    """Every view that the method trains on, encoded, as far as that needs no model.

    What the target model itself would say, of the scope's neighbors and in place of retain rows, is left out. For a
    teacher that is a chat model writes the one that will stand in for it where it fails: nothing is asked or sent.

    Args:
        recipe: what to do.
        splits: rows of `training_splits`.
        task: what is to be forgotten, and measured.
        tokenizer: the target model's.
        at_most: rows of each split that are looked at; None for all.

    Raises:
        InputError: a row does not fit, or is of a kind that the method cannot train on.
        UnlearnError: a target tells a secret.
    """
    needs = recipe.make_objective().needs()
    rows = {name: members[:at_most] for name, members in splits.items()}
    named = scope_mentions(task, splits) if f"scope:{TARGET}" in needs.views else ()
    rows["scope"] = [mention.row for mention in named if not mention.stays][:at_most]
    targets = []
    if any(view.endswith(f":{TARGET}") for view in needs.views):
        asked = recipe.make_teacher()
        teacher = TemplateTeacher() if isinstance(asked, ChatTeacher) else asked
        targets = taught([*rows["forget"], *rows["scope"]], task.scope, teacher, recipe.seed)
        rows |= {name: with_trace(rows[name], recipe.targets.retain_trace) for name in rows if name == "retain"}
    views = [view for view in needs.views if rows.get(view.partition(":")[0])]
    encoder = training_renderer(tokenizer, recipe.train)
    return encode_views(views, rows, encoder, targets=targets, seed=recipe.seed)


def rehearse(recipe: Recipe, suite: Suite, model: ModelFolder, tokenizer: PreTrainedTokenizerBase) -> None:
    """Complain of rows that cannot be trained on, taught or measured, and of a layer that the model has not.

    Raises what `training_splits` and `rehearsed_views` raise.
    """
    objective, task = recipe.make_objective(), suite.task()
    _try_layers(objective.needs(), model)
    rehearsed_views(recipe, training_splits(suite, objective), task, tokenizer)
    rehearse_measuring(task, model, tokenizer, recipe.eval.system_prompt)


def rehearse_measuring(
    task: Task, model: ModelFolder, tokenizer: PreTrainedTokenizerBase, system_prompt: str | None = None
) -> None:
    """Complain of rows that cannot be measured under this system prompt: `InputError` for one that finds no room."""
    encoder = ChatEncoder(tokenizer, positions(model.config))
    for rows in task.measured.values():
        for row in rows:
            encoded_answers(encoder, row.with_system_prompt(system_prompt))


def try_weights(objective: Objective, model: PreTrainedModel) -> None:
    """Complain where no gradient can reach what is to be trained: all of it comes after the layers that are read."""
    needs = objective.needs()
    if needs.reads_head or not needs.hidden:
        return
    count = int(model.config.get_text_config().num_hidden_layers)
    deepest = max(layer % count for _, layer in needs.hidden)
    # A layer's number stands in its weights' names, in every family.
    after = [re.compile(rf"\.{layer}\.") for layer in range(deepest + 1, count)]
    causal: Any = model
    head, embeddings = causal.get_output_embeddings(), causal.get_input_embeddings()
    apart = {id(p) for p in head.parameters()} - {id(p) for p in embeddings.parameters()}
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    if all(id(p) in apart or any(number.search(name) for number in after) for name, p in trained):
        raise InputError(
            "the method reads a layer before every weight that is to be trained, so it cannot move them",
            where="model.parameters",
            value=trained[0][0],
            allowed=f"weights of layer {deepest} (method.layer), or before it",
            fix="name such weights, or a later layer",
        )


def _try_layers(needs: Needs, model: ModelFolder) -> None:
    count = int(model.config.get_text_config().num_hidden_layers)
    asked = sorted({layer for _, layer in needs.hidden | needs.reference_hidden})
    beyond = next((layer for layer in asked if not -1 <= layer < count), None)
    if beyond is not None:
        raise InputError(
            "the model has no such layer",
            where="method.layer",
            value=beyond,
            allowed=f"0 to {count - 1}, or -1 for the last",
            fix="name one of these layers",
        )
