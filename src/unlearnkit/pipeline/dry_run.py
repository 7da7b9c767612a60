"""What a recipe would do, said without doing it: nothing is trained, downloaded by the suite or written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnkit.core.environment import peak_rss_mb
from unlearnkit.data.encoding import PLAIN, Encoded, layout, marked
from unlearnkit.methods.objective import View
from unlearnkit.models.load import DTYPES, meta_load, set_trainable
from unlearnkit.models.logprob import CHUNK_ELEMENTS
from unlearnkit.pipeline.preflight import rehearsed_views, scope_mentions, training_splits
from unlearnkit.recipe import Recipe
from unlearnkit.targets.llm_teacher import ChatTeacher
from unlearnkit.training.combination import tasks_of
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData
from unlearnkit.training.views import TARGET

SAMPLE = 32
"""Rows of each view that are rendered, to show one and to learn how long they are."""


def dry_run(recipe: Recipe) -> str:
    """The resolved recipe, an example of each view, rows, steps and a memory estimate."""
    objective, suite = recipe.make_objective(), recipe.make_suite()
    needs, splits, task = objective.needs(), training_splits(suite, objective), suite.task()
    tokenizer, model = _outline(recipe)
    views = rehearsed_views(recipe, splits, task, tokenizer, at_most=SAMPLE)
    if f"scope:{TARGET}" in needs.views:
        splits["scope"] = [mention.row for mention in scope_mentions(task, splits)]
    sizes = {split: len(splits[split]) for split in TrainData(views, 0).sizes()}
    anchor = "forget" if "forget" in sizes else next(iter(sizes))
    steps = recipe.train.total_steps(sizes[anchor], recipe.train.rows(anchor))
    parts = [recipe.dump().rstrip(), "The first row of each view, with what is learned in double brackets:"]
    if layout(tokenizer) == "plain":
        parts.append(f"note: {PLAIN}")
    parts += [
        f"note: the target model will write the rows of {split} when the run begins; they are in none of these figures"
        for split in sorted(task.to_be_written)
    ]
    if isinstance(recipe.make_teacher(), ChatTeacher) and f"forget:{TARGET}" in needs.views:
        parts.append(
            "note: the teacher is asked when the run begins, or by `unlearn targets`; the targets here are what the "
            "template teacher would write in its place"
        )
    parts += [f"{view}\n{marked(rows[0], lambda ids: str(tokenizer.decode(ids)))}" for view, rows in views.items()]
    rows = ", ".join(f"{split} {count} ({recipe.train.rows(split)} a step)" for split, count in sizes.items())
    parts.append(f"rows:   {rows}\nsteps:  {steps}\nmemory: {_memory(recipe, model, views)}\nfolder: {recipe.folder}")
    return "\n\n".join(parts)


def _outline(recipe: Recipe) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer, and a model of the right shape whose weights mean nothing."""
    settings = recipe.model
    model: Any
    if settings.path is None:
        tokenizer, model = recipe.make_suite().meta_load()
    else:
        tokenizer, model = meta_load(settings.path)
    model = model.to(DTYPES[settings.dtype])
    return tokenizer, set_trainable(model, lora=settings.lora, parameters=settings.parameters)


def _memory(recipe: Recipe, model: PreTrainedModel, views: Mapping[View, Sequence[Encoded]]) -> str:
    """A rough estimate of the peak: weights, gradients, AdamW's two moments, activations of one micro-batch, logits."""
    size = DTYPES[recipe.model.dtype].itemsize
    weights = sum(p.numel() for p in model.parameters())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    config = model.config.get_text_config()
    # What a decoder layer keeps of a token: some ten vectors of the model's width, and three of the inner one.
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    kept = config.num_hidden_layers * (10 * config.hidden_size + 3 * inner) * size
    tokens = sum(_tokens(recipe.train, view, rows) for view, rows in views.items())
    labels = sum(
        _tokens(recipe.train, view, rows) * sum(row.labels for row in rows) / sum(len(row.ids) for row in rows)
        for view, rows in views.items()
    )
    combiner = recipe.train.make_combiner()
    gradients = 1 if combiner is None else combiner.copies(len(tasks_of(combiner, recipe.make_objective())))
    logits = 3 * 4 * min(CHUNK_ELEMENTS, labels * config.vocab_size)
    parts = {
        "weights": weights * size,
        "gradients and optimizer": (2 + gradients) * trained * size,
        "activations": tokens * kept,
        "logits": logits,
    }
    said = ", ".join(f"{name} {amount / 1e6:,.0f}" for name, amount in parts.items())
    program = peak_rss_mb()
    return f"about {program + sum(parts.values()) / 1e6:,.0f} MB (the program {program:,.0f}, {said})"


def _tokens(settings: TrainSettings, view: View, rows: Sequence[Encoded]) -> float:
    """Tokens of a view in one micro-batch."""
    batch = settings.rows(view.partition(":")[0])
    count = min(batch, settings.micro_batch_size or batch)
    return count * sum(len(row.ids) for row in rows) / len(rows)
