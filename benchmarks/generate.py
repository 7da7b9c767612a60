"""What our greedy generation costs, as a multiple of transformers' `generate` on the same prompts; outputs must agree.

    python benchmarks/generate.py [--pairs 10] [--json benchmarks/results/generate.json] [--smoke]

transformers decodes as a user would call it: prompts sorted by length, padded on the left into batches of the same
size, greedy, with a KV cache. The model is of the pocket world's size and its end token is made likely enough that
outputs end at different times. Random weights make the two best tokens nearly equal now and then, and the two ways
pad differently; an output may differ only where the best two logits are closer than the rounding.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from pathlib import Path
from types import SimpleNamespace

import torch
from transformers import PreTrainedModel

from machine import describe_machine
from step import VOCABULARY, fresh_model
from unlearnkit.models.generate import _decode

PAD, EOS, ROUNDING = 0, 2, 1e-4
TOKENIZER = SimpleNamespace(pad_token_id=PAD, eos_token_id=EOS)


def ready_model() -> PreTrainedModel:
    """Random weights, distributions far from flat, and an end token that comes up every now and then."""
    model = fresh_model().eval()
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
        model.get_output_embeddings().weight[EOS] *= 3
    model.generation_config.pad_token_id, model.generation_config.eos_token_id = PAD, EOS
    return model


@torch.no_grad()
def theirs(model: PreTrainedModel, prompts: list[tuple[int, ...]], limit: int, batch: int) -> list[list[int]]:
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    outputs: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        longest = max(len(prompts[i]) for i in chosen)
        ids = torch.tensor([[PAD] * (longest - len(prompts[i])) + list(prompts[i]) for i in chosen])
        mask = torch.tensor([[0] * (longest - len(prompts[i])) + [1] * len(prompts[i]) for i in chosen])
        whole = model.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=limit)
        for i, row in zip(chosen, whole[:, longest:].tolist(), strict=True):
            outputs[i] = row[: row.index(EOS) + 1] if EOS in row else row
    return outputs


def ours(model: PreTrainedModel, prompts: list[tuple[int, ...]], limit: int, batch: int) -> list[list[int]]:
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    outputs: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        decoded = _decode(model, TOKENIZER, [prompts[i] for i in chosen], limit, (EOS,))  # type: ignore[arg-type]
        for i, row in zip(chosen, decoded, strict=True):
            outputs[i] = row
    return outputs


@torch.no_grad()
def differ_beyond_rounding(model: PreTrainedModel, prompt: tuple[int, ...], a: list[int], b: list[int]) -> bool:
    """Whether the first token in which two outputs part was decided by more than rounding."""
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if at is None:
        return len(a) != len(b)
    logits = model(input_ids=torch.tensor([[*prompt, *a[:at]]])).logits[0, -1]
    return float((logits[a[at]] - logits[b[at]]).abs()) > ROUNDING * float(logits.abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=10, help="measured turns")
    parser.add_argument("--smoke", action="store_true", help="few prompts, 1 turn: does it run?")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    rows, limit, batch = (24, 16, 12) if options.smoke else (300, 60, 256)
    pairs = 1 if options.smoke else options.pairs
    draw, model = random.Random(0), ready_model()
    prompts = [tuple(draw.randrange(3, VOCABULARY) for _ in range(draw.randint(7, 22))) for _ in range(rows)]
    a, b = ours(model, prompts, limit, batch), theirs(model, prompts, limit, batch)
    wrong = sum(differ_beyond_rounding(model, p, x, y) for p, x, y in zip(prompts, a, b, strict=True))
    ratios, seconds = [], {"ours": [], "transformers": []}
    for number in range(pairs):
        turns = [("ours", ours), ("transformers", theirs)]
        for key, run in turns if number % 2 else turns[::-1]:
            began = time.perf_counter()
            run(model, prompts, limit, batch)
            seconds[key].append(time.perf_counter() - began)
        ratios.append(seconds["ours"][-1] / seconds["transformers"][-1])
    figures = {
        "turns": pairs,
        "machine": describe_machine(),
        "prompts": rows,
        "tokens": sum(len(output) for output in a),
        "limit": limit,
        "identical": sum(x == y for x, y in zip(a, b, strict=True)),
        "differ_beyond_rounding": wrong,
        "ratio": round(statistics.median(ratios), 3),
        "seconds": {key: round(statistics.median(values), 3) for key, values in seconds.items()},
    }
    print(f"{figures['identical']} of {rows} outputs identical, {wrong} differ beyond rounding")
    print(f"ratio to transformers: {figures['ratio']:.3f}  (seconds: {figures['seconds']})")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
