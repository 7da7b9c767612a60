"""Plan a run before the run's folder exists, to find errors early."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import peak_rss_mb
from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder, Encoded, layout_notes
from unlearnkit.data.rows import Row, merged_note
from unlearnkit.data.target import Target
from unlearnkit.methods.objective import Needs, View
from unlearnkit.methods.objective_method import ObjectiveMethod
from unlearnkit.models.folder import positions
from unlearnkit.models.load import DTYPES
from unlearnkit.models.logprob import CHUNK_ELEMENTS
from unlearnkit.pipeline.augmentation import fitting
from unlearnkit.pipeline.context import RunContext
from unlearnkit.records.measure import other_answers
from unlearnkit.suites.base import SuiteTask
from unlearnkit.targets.compose import forget_targets
from unlearnkit.targets.llm_teacher import ChatTeacher
from unlearnkit.targets.retain_trace import with_trace
from unlearnkit.targets.teachers.template import TemplateTeacher
from unlearnkit.training.combination import tasks_of
from unlearnkit.training.step import number_of_steps, portions_per_process, split_of
from unlearnkit.training.views import encode_views, training_renderer


@dataclass(frozen=True)
class Plan:
    """Data, steps and estimated costs of a run that has not started.

    The plan is used by the commands `unlearn check` and `unlearn run`, with or without `--dry-run`.
    """

    views: Mapping[View, Sequence[Encoded]]
    """Encoded rows of each view that the method reads. If the teacher is a chat model, the rows contain targets of the
    template teacher instead, because the chat model has not been asked yet."""
    sizes: Mapping[str, int]
    """Total number of rows in each split, even if only some of the rows were encoded."""
    steps: int
    """Number of optimizer steps; 0 for a method that trains nothing."""
    targets: int
    """Number of targets among the encoded rows."""
    memory: Mapping[str, float]
    """Rough estimate of the peak memory in bytes, by part."""
    flops: float
    """Rough number of floating-point operations of the training: 6 per parameter and token."""

    def seconds(self) -> float:
        """Estimate the training time on this machine, in seconds.

        This method measures the speed of a matrix product. The estimate assumes that training has the same speed.
        """
        size, began = 512, time.perf_counter()
        matrix = torch.ones(size, size)
        for _ in range(4):
            matrix = (matrix @ matrix) / size
        return self.flops * (time.perf_counter() - began) / (4 * 2 * size**3)


def preflight(context: RunContext, *, at_most: int | None = None) -> Plan:
    """Check a run's rows and models without loading weights.

    A run makes the same checks when it starts.

    Args:
        context: the run's context.
        at_most: maximum number of rows to encode per split; None: all rows.

    Returns:
        The plan of the run.

    Raises:
        InputError: rows are missing, are too long for the model, or are otherwise unusable; the method reads a layer
            that the model does not have; or the method cannot change the weights that are trained.
        UnlearnError: a target contains a secret.
    """
    splits = context.training_splits  # this check comes first, because it takes no time
    tokenizer, model = context.meta_model
    _refuse_untouched_weights(context.needs, model)
    _refuse_missing_layers(context.needs, model.config)
    views, targets = _encoded_views(context, splits, tokenizer, at_most)
    refuse_unmeasurable(context.task, model.config, tokenizer, context.recipe.eval.system_prompt)
    whole = context.augmentation.added(splits, context.augmentation.placeholders())
    sizes = {split_of(view): len(whole[split_of(view)]) for view in views}
    settings, steps, tokens = context.train_settings, 0, 0.0
    if sizes:
        added = {split: size - len(splits.get(split, ())) for split, size in sizes.items()}
        steps = number_of_steps(settings, sizes, added, context.composed_share)
        if context.method.data_parallel:
            portions_per_process(settings, sizes, processes=1)  # refuses empty micro-batches
        lengths = {view: fmean(len(row.ids) for row in rows) for view, rows in views.items()}
        tokens = steps * sum(settings.rows(split_of(view)) * length for view, length in lengths.items())
    weights = sum(parameter.numel() for parameter in model.parameters())
    return Plan(views, sizes, steps, targets, _memory(context, model, views), 6.0 * weights * tokens)


def _encoded_views(
    context: RunContext, splits: Mapping[str, Sequence[Row]], tokenizer: PreTrainedTokenizerBase, at_most: int | None
) -> tuple[dict[View, list[Encoded]], int]:
    """Return the encoded rows of every view, and the number of targets."""
    recipe, needs = context.recipe, context.needs
    rows: dict[str, Sequence[Row]] = {name: members[:at_most] for name, members in splits.items()}
    encoder, targets = training_renderer(tokenizer, recipe.train), list[Target]()
    composed = fitting(context.augmentation.placeholders(), encoder)[:at_most]
    if context.is_taught:
        teacher = recipe.make_teacher()
        writer = TemplateTeacher() if isinstance(teacher, ChatTeacher) else teacher
        refused = [each.to_refuse for each in composed if not each.stays]
        targets = forget_targets([*rows["forget"], *refused], context.scope, writer, recipe.seed)
        if "retain" in rows:
            rows["retain"] = with_trace(rows["retain"], recipe.targets.retain_trace, recipe.seed)
    rows = context.augmentation.added(rows, composed)
    views = [view for view in needs.views if rows.get(split_of(view))]
    encoded = encode_views(views, rows, encoder, targets=targets, composed=composed, seed=recipe.seed)
    return encoded, len(targets)


def notes(context: RunContext, tokenizer: PreTrainedTokenizerBase, *, usable: bool = True) -> list[str]:
    """Return notes about details of a run that users may not expect.

    `usable` states whether all rows can be encoded.
    """
    found = layout_notes(tokenizer)
    merged, rows = context.merged_rows(tokenizer) if usable else (0, 0)
    if merged:
        found.append(merged_note(merged, rows))
    if context.recipe.model.path is not None:
        found += context.found.notes
    found += context.task.notes
    found += [
        f"the rows of the split {split} are not counted here, because the target model writes them when the run starts"
        for split in sorted(context.task.to_be_written)
    ]
    if context.is_taught and isinstance(context.recipe.make_teacher(), ChatTeacher):
        found.append(
            "the targets counted and shown here are written by the template teacher; the recipe's teacher is asked "
            "when the run starts, or by `unlearn targets`"
        )
    questions = context.augmentation.questions
    if questions:
        stay = sum(each.stays for each in questions)
        found.append(
            f"{len(questions) - stay} questions in scope and {stay} out of scope are composed from the scope "
            f"(data.augment). Of the rows of a step, {context.composed_share:.0%} are composed. Questions without a "
            "usable answer of the target model are left out when the run starts"
        )
    elif context.recipe.augment is not None:
        found.append(f"the method {context.recipe.method['name']} does not train on composed rows (data.augment)")
    if "scope" in context.recipe.data and context.recipe.data["scope"] is None:
        found.append("the recipe names no scope (data.scope), so the scope is drafted from the forget rows")
    return found


def refuse_unmeasurable(
    task: SuiteTask, config: PretrainedConfig, tokenizer: PreTrainedTokenizerBase, system_prompt: str | None = None
) -> None:
    """Raise `InputError` if a measured row is too long for the model.

    The length of a row includes the system prompt, the question, the trace and an answer.
    """
    encoder = ChatEncoder(tokenizer, positions(config))
    for rows in task.measured.values():
        for row in (row.with_system_prompt(system_prompt) for row in rows):
            for one in (row, *other_answers(row)):
                encoder.row(one, where=f"row {one.id}")


def _refuse_untouched_weights(needs: Needs, model: PreTrainedModel) -> None:
    """Raise `InputError` if the method's loss depends on no trained weight.

    The loss depends on no trained weight if all trained weights come after the layers that the method reads.
    """
    layers = {quantity.layer for quantity in needs.of_model if quantity.layer is not None}
    if needs.reads_head or not layers:
        return
    count = int(model.config.get_text_config().num_hidden_layers)
    deepest = max(layer % count for layer in layers)
    # In every model family, the number of a layer is part of the names of the layer's weights.
    after = [re.compile(rf"\.{layer}\.") for layer in range(deepest + 1, count)]
    causal: Any = model
    head, embeddings = causal.get_output_embeddings(), causal.get_input_embeddings()
    apart = {id(p) for p in head.parameters()} - {id(p) for p in embeddings.parameters()}
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    if all(id(p) in apart or any(number.search(name) for number in after) for name, p in trained):
        raise InputError(
            "the method cannot change the trained weights, because they all come after the layer that the method reads",
            where="model.parameters",
            value=trained[0][0],
            allowed=f"weights of layer {deepest} (method.layer) or of an earlier layer",
            fix="choose weights of these layers with model.parameters, or set method.layer to a later layer",
        )


def _refuse_missing_layers(needs: Needs, config: PretrainedConfig) -> None:
    count = int(config.get_text_config().num_hidden_layers)
    layers = {quantity.layer for quantity in needs.quantities if quantity.layer is not None}
    missing = [layer for layer in layers if not -1 <= layer < count]
    if missing:
        raise InputError(
            "the method reads a layer that the model does not have",
            where="method.layer",
            value=min(missing),
            allowed=f"0 to {count - 1}, or -1 for the last",
            fix="choose one of these layers",
        )


def _memory(context: RunContext, model: PreTrainedModel, views: Mapping[View, Sequence[Encoded]]) -> dict[str, float]:
    """Estimate the peak memory of a run in bytes, by part.

    The parts are the program, the weights, the gradients with AdamW's two moments, the activations of one micro-batch,
    and the logits.
    """
    recipe = context.recipe
    size = DTYPES[recipe.model.dtype].itemsize
    weights = sum(p.numel() * p.itemsize for p in model.parameters())
    trained = sum(p.numel() * p.itemsize for p in model.parameters() if p.requires_grad) if views else 0
    moments = sum(8 * p.numel() for p in model.parameters() if p.requires_grad) if views else 0  # two, in float32
    config = model.config.get_text_config()
    # For each token, a decoder layer keeps about ten vectors of the hidden size and three of the intermediate size.
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    kept = config.num_hidden_layers * (10 * config.hidden_size + 3 * inner) * size
    tokens, labels = 0.0, 0.0
    for view, rows in views.items():
        batch = recipe.train.rows(split_of(view))
        batch = min(batch, recipe.train.micro_batch_size or batch)
        tokens += batch * fmean(len(row.ids) for row in rows)
        labels += batch * fmean(row.labels for row in rows)
    combiner = recipe.train.make_combiner()
    gradients = 1
    if combiner is not None and isinstance(context.method, ObjectiveMethod):
        gradients = combiner.copies(len(tasks_of(combiner, context.method.objective)))
    return {
        "program": peak_rss_mb() * 1e6,
        "weights": weights,
        "gradients and optimizer": moments + gradients * trained,
        "activations": tokens * kept,
        "logits": 3 * 4 * min(CHUNK_ELEMENTS, labels * config.vocab_size),
    }
