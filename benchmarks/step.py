"""What one optimizer step of a method costs, as a multiple of a bare transformers fine-tuning step on the same tokens.

    python benchmarks/step.py [--pairs 60] [--json benchmarks/results/step.json] [--smoke]

The bare step is what a user would write: collate the rows, `AutoModelForCausalLM` with labels, `loss.backward()`,
`clip_grad_norm_`, fused AdamW. It comes in three kinds: all rows padded into one batch; each row set padded into a
batch of its own, so that short rows are not padded to the length of targets; and the latter without attention masks,
which right-padded rows do not need. Our step and the bare ones take turns in one process, and the ratio is the
median over the turns, so that a machine that is busy for a while slows both.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from machine import describe_machine
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.objective import OBJECTIVES
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import reference_values
from unlearnkit.training.loop import Trainer
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.step import TrainData, step_indices

BARS = {"graddiff": 1.2, "npo": 1.3, "tru": 1.3}
"""Highest ratio to the bare step that we accept. NPO runs with its NLL retain term."""
OPTIONS: dict[str, dict[str, object]] = {"npo": {"retain": "nll"}}
VOCABULARY, WIDTH, LAYERS, HEADS, INNER = 3072, 160, 3, 4, 448
FORGET_ROWS, RETAIN_ROWS, BATCH, RETAIN_BATCH, PAD = 120, 720, 12, 36, 0

Batches = list[tuple[Tensor, Tensor | None, Tensor]]


def fresh_model() -> PreTrainedModel:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=192,
        tie_word_embeddings=True,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    return model


def made_up_rows(number: int, prompt: int, answer: int, trace: int, draw: random.Random) -> list[Encoded]:
    """Rows of random tokens; each part's length varies by a quarter."""

    def part(mean: int) -> tuple[int, ...]:
        return tuple(draw.randrange(1, VOCABULARY) for _ in range(round(mean * draw.uniform(0.75, 1.25))))

    rows = []
    for _ in range(number):
        question, thought, rest = part(prompt), part(trace), part(answer)
        rows.append(Encoded(question + thought + rest, len(question), len(thought)))
    return rows


class BareStep:
    """A fine-tuning step as a user of transformers would write it, on the rows that the method's step sees."""

    def __init__(self, views: dict[str, list[Encoded]], settings: TrainSettings, *, apart: bool, mask: bool) -> None:
        self.model, self.settings, self.apart, self.mask = fresh_model().train(), settings, apart, mask
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=settings.lr, weight_decay=0.0, fused=True)
        # Rows are tensors before the clock starts; what is timed of collation is the padding.
        self.ids = {view: [torch.tensor(row.ids) for row in rows] for view, rows in views.items()}
        self.labels = {
            view: [torch.tensor((-100,) * row.prompt + row.ids[row.prompt :]) for row in rows]
            for view, rows in views.items()
        }

    def __call__(self, indices: dict[str, Sequence[int]]) -> None:
        batches = self._collate(indices)
        self.optimizer.zero_grad()
        for ids, mask, labels in batches:
            self.model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def _collate(self, indices: dict[str, Sequence[int]]) -> Batches:
        chosen = [[(view, i) for i in indices[view.partition(":")[0]]] for view in self.ids]
        groups = chosen if self.apart else [[row for rows in chosen for row in rows]]
        batches: Batches = []
        for rows in groups:
            ids = pad_sequence([self.ids[view][i] for view, i in rows], batch_first=True, padding_value=PAD)
            labels = pad_sequence([self.labels[view][i] for view, i in rows], batch_first=True, padding_value=-100)
            batches.append((ids, (ids != PAD).long() if self.mask else None, labels))
        return batches


def our_trainer(name: str, views: dict[str, list[Encoded]], settings: TrainSettings) -> Trainer:
    objective = OBJECTIVES.get(name).plugin(**OPTIONS.get(name, {}))
    engine = Engine(fresh_model())
    needs = objective.needs()
    own = {view: views[view] for view in needs.views}
    engine.freeze_reference_head()
    reference = reference_values(engine, needs, own, pad_id=PAD)
    trainer = Trainer(engine, objective, TrainData(own, PAD), settings, seed=0, reference=reference)
    trainer.wrapped.train()
    return trainer


def per_step(view: str, rows: Sequence[Encoded]) -> float:
    """Mean number of a view's tokens in one step, padding not counted."""
    return (RETAIN_BATCH if view == "retain" else BATCH) * statistics.mean(len(row.ids) for row in rows)


def measure(name: str, views: dict[str, list[Encoded]], pairs: int) -> dict[str, object]:
    settings = TrainSettings(epochs=None, steps=pairs + 3, batch_size=BATCH, retain_batch_size=RETAIN_BATCH, lr=1e-5)
    trainer = our_trainer(name, views, settings)
    own = dict(trainer.data.views)
    bare = {
        "one batch": BareStep(own, settings, apart=False, mask=True),
        "split apart": BareStep(own, settings, apart=True, mask=True),
        "split apart, no mask": BareStep(own, settings, apart=True, mask=False),
    }
    seconds: dict[str, list[float]] = {key: [] for key in ("ours", *bare)}
    for number in range(pairs + 3):
        indices = step_indices(trainer.data, settings, 0, number)
        turns: list[tuple[str, Callable[[], object]]] = [("ours", lambda n=number: trainer._step(n))]
        turns += [(key, lambda step=step, rows=indices: step(rows)) for key, step in bare.items()]
        # Who goes first changes from turn to turn, so that nobody always runs on a warm or a cold cache.
        shift = number % len(turns)
        for key, run in turns[shift:] + turns[:shift]:
            began = time.perf_counter()
            run()
            if number >= 3:
                seconds[key].append(time.perf_counter() - began)
    ratios = {
        key: statistics.median(ours / theirs for ours, theirs in zip(seconds["ours"], seconds[key], strict=True))
        for key in bare
    }
    return {
        "method": name,
        "bar": BARS[name],
        "ratio": {key: round(value, 3) for key, value in ratios.items()},
        "met": max(ratios.values()) <= BARS[name],
        "milliseconds": {key: round(1000 * statistics.median(values), 1) for key, values in seconds.items()},
        "tokens": round(sum(per_step(view, rows) for view, rows in own.items())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=60, help="measured turns")
    parser.add_argument("--smoke", action="store_true", help="3 turns: does it run?")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    draw = random.Random(0)
    views = {
        "forget": made_up_rows(FORGET_ROWS, 12, 8, 0, draw),
        "retain": made_up_rows(RETAIN_ROWS, 12, 8, 0, draw),
        "forget:target": made_up_rows(FORGET_ROWS, 12, 20, 28, draw),
    }
    pairs = 3 if options.smoke else options.pairs
    results = [measure(name, views, pairs) for name in BARS]
    kinds = list(results[0]["ratio"])  # type: ignore[call-overload]
    print(f"{'method':10s} {'bar':>5s} " + " ".join(f"{kind:>22s}" for kind in kinds) + f" {'ours, ms':>10s}")
    for result in results:
        ratio, spent = result["ratio"], result["milliseconds"]
        print(
            f"{result['method']:10s} {result['bar']:5.2f} "
            + " ".join(f"{ratio[kind]:22.3f}" for kind in kinds)  # type: ignore[index]
            + f" {spent['ours']:10.1f}"  # type: ignore[index]
        )
    if options.json:
        figures = {"turns": pairs, "machine": describe_machine(), "results": results}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
