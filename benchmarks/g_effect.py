"""What G-effects cost: in forward-backward passes over the same rows, and in copies of the parameters.

    python benchmarks/g_effect.py [--model DIR] [--rows 400] [--json benchmarks/results/g_effect.json] [--smoke]

The unit is one forward and backward pass over all forget and retain rows by the product's own engine, as a step of
training makes it. Against it, in the same process: the whole measurement of six objectives at five settings each, per
instance, for the risks of both splits, to the rows of the tables; the same instances by a backward pass each; and a
measurement by groups of weights, whose forward-mode passes are counted. Times are the processor's, which on a machine
that others use too say more than the clock's. Peaks of memory are measured in a process of its own each, on a model
whose parameters are most of what is held.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel

from machine import describe_machine
from unlearnkit.core.environment import peak_rss_mb, reset_peak_memory
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.gradient_effect import measurement as measuring
from unlearnkit.gradient_effect.effects import effect_rows, instance_rows, label_of
from unlearnkit.gradient_effect.measurement import Measurement, measure
from unlearnkit.gradient_effect.outputs import BATCH_ROWS
from unlearnkit.methods.objective import OBJECTIVES, Needs, Objective, Quantity, Step
from unlearnkit.models.engine import Engine
from unlearnkit.models.reference import ReferenceValues, reference_values

PAD = 0
PROMPT, ANSWER = 20, 40
"""Mean tokens of a row, about TOFU's."""
SETTINGS: Mapping[str, tuple[str, Sequence[float]]] = {
    "wga": ("alpha", (0.1, 0.5, 1.0, 2.0, 4.0)),
    "npo": ("beta", (0.05, 0.1, 0.5, 1.0, 4.0)),
    "tnpo": ("beta", (0.05, 0.1, 0.5, 1.0, 4.0)),
    "wtnpo": ("alpha", (0.1, 0.5, 1.0, 2.0, 4.0)),
    "satimp": ("beta1", (0.5, 1.0, 2.0, 5.0, 8.0)),
}
"""Beside ascent, which has no setting."""
BARS = {"measured": 6.0, "one by one": 20.0, "copies": 2.0}
"""At most so many passes; at least so many times faster; at most so many copies beyond model and gradient."""
GROUP_SHARE = 8
"""Groups are measured on one in so many rows: a pass for each of them over all rows takes minutes and says no more."""

Rows = dict[str, list[Encoded]]


@dataclass(frozen=True)
class Size:
    """Of a model made up."""

    width: int
    inner: int
    layers: int
    vocabulary: int

    def model(self) -> PreTrainedModel:
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=192,
            tie_word_embeddings=True,
        )
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config)
        return model.eval()


USUAL, SMALL = Size(256, 688, 6, 4096), Size(32, 48, 2, 128)
HEAVY = Size(1024, 2816, 6, 4096)
"""80 M parameters: beside them what a few short rows take is nothing."""


def made_up_rows(number: int, vocabulary: int, prompt: int = PROMPT, answer: int = ANSWER) -> Rows:
    """Forget and retain rows of random tokens; each part's length varies by a quarter."""
    draw = random.Random(0)

    def part(mean: int) -> tuple[int, ...]:
        return tuple(draw.randrange(1, vocabulary) for _ in range(round(mean * draw.uniform(0.75, 1.25))))

    def row() -> Encoded:
        question, rest = part(prompt), part(answer)
        return Encoded(question + rest, len(question), 0)

    return {split: [row() for _ in range(number)] for split in ("forget", "retain")}


def objectives() -> dict[str, Objective]:
    """Every objective at every setting, by label."""
    made = [("ga", OBJECTIVES.get("ga").plugin())]
    made += [
        (name, OBJECTIVES.get(name).plugin(**{field: value}))
        for name, (field, values) in SETTINGS.items()
        for value in values
    ]
    return {label_of(name, objective): objective for name, objective in made}


def needs() -> Needs:
    """Of all objectives together."""
    whole = Needs()
    for objective in objectives().values():
        whole = whole | objective.needs()
    return whole


def one_pass(engine: Engine, rows: Rows) -> None:
    """Forward and backward over all rows of both splits, in micro-batches as large as the measurement's."""
    for start in range(0, len(rows["forget"]), BATCH_ROWS):
        part = {split: of[start : start + BATCH_ROWS] for split, of in rows.items()}
        made = engine(pack(part, PAD), [Quantity(split, "logps") for split in part])
        torch.cat(list(made.values())).sum().backward()
    engine.zero_grad()


def whole_measurement(engine: Engine, rows: Rows, reference: ReferenceValues, **options: Any) -> Measurement:
    return measure(engine, needs(), {"forget": rows["forget"]}, rows, pad_id=PAD, reference=reference, **options)


def table_rows(found: Measurement) -> int:
    """How many rows the tables of all objectives and instances have; they are made and dropped."""

    def made() -> Iterator[object]:
        for label, objective in objectives().items():
            terms = found.terms(objective)
            yield from effect_rows(found, label, terms)
            yield from instance_rows(found, label, terms)

    return len(list(made()))


def one_by_one(
    engine: Engine, objective: Objective, rows: Sequence[Encoded], found: Measurement
) -> dict[str, list[float]]:
    """The effect of every instance on every risk by a backward pass of its own: what slopes save."""
    named = dict(engine.named_parameters())
    effects: dict[str, list[float]] = {risk: [] for risk in found.gradients}
    for number, row in enumerate(rows):
        packed = pack({"forget": [row]}, PAD)
        store = dict(engine(packed, objective.needs().of_model))
        if found.reference is not None:
            of_reference = objective.needs().of_reference
            store |= found.reference.store(of_reference, {"forget": [number]}, engine.device)
        (term,) = objective.terms(Step(store, packed.labels)).values()
        gradient: Sequence[Tensor] = torch.autograd.grad(term.sum, list(named.values()))
        for risk, direction in found.gradients.items():
            parts = [part.flatten() @ direction[name].flatten() for name, part in zip(named, gradient, strict=True)]
            effects[risk].append(float(torch.stack(parts).sum()))
    return effects


def seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the processor's time that it took."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def times(engine: Engine, rows: Rows, sample: int) -> dict[str, Any]:
    """One pass, the measurement, the tables, and instances one by one."""
    forget = {"forget": rows["forget"]}
    few = {split: of[:2] for split, of in rows.items()}
    one_pass(engine, few)
    whole_measurement(engine, few, reference_values(engine, needs(), forget, pad_id=PAD))  # torch's first time
    _, unit = seconds(lambda: one_pass(engine, rows))
    reference, before = seconds(lambda: reference_values(engine, needs(), forget, pad_id=PAD))
    found, passes = seconds(lambda: whole_measurement(engine, rows, reference))
    number, reading = seconds(lambda: table_rows(found))
    npo = OBJECTIVES.get("npo").plugin()
    apart, single = seconds(lambda: one_by_one(engine, npo, rows["forget"][:sample], found))
    (term,) = found.terms(npo)
    shares = {risk: found.effect(term, risk).rows * len(rows["forget"]) for risk in apart}
    off = max(
        float((torch.tensor(values, dtype=torch.float64) - shares[risk][:sample]).norm() / shares[risk][:sample].norm())
        for risk, values in apart.items()
    )
    return {
        "unit": unit,
        "reference": before,
        "passes": passes,
        "tables": reading,
        "table_rows": number,
        "one_by_one": single / sample * len(rows["forget"]),
        "sample": sample,
        "settings": len(objectives()),
        "disagreement": off,
    }


def groups(engine: Engine, rows: Rows) -> dict[str, Any]:
    """A measurement by layers, its forward-mode passes counted."""
    reference = reference_values(engine, needs(), {"forget": rows["forget"]}, pad_id=PAD)
    _, unit = seconds(lambda: one_pass(engine, rows))
    with mock.patch.object(measuring, "slopes_along", wraps=measuring.slopes_along) as along:
        found, spent = seconds(lambda: whole_measurement(engine, rows, reference, grouping="layers"))
    plain = len(found.risks)
    return {
        "rows": len(rows["forget"]),
        "groups": len(found.groups),
        "extra_passes": along.call_count - plain,
        "bar": 2 * len(found.groups),
        "unit": unit,
        "seconds": spent,
    }


KINDS: Mapping[str, Mapping[str, Any] | None] = {
    "one pass": None,
    "measurement": {},
    "by layers": {"grouping": "layers"},
    "by layers, one at a time": {"grouping": "layers", "group_by_group": True},
}
"""What peaks are measured of: options of the measurement; None is the unit."""


def peak(kind: str, size: Size) -> dict[str, float]:
    """The peak of this process beyond the model, in float32 copies of its parameters."""

    def work(engine: Engine, rows: Rows, reference: ReferenceValues) -> None:
        options = KINDS[kind]
        if options is None:
            one_pass(engine, rows)
        else:
            table_rows(whole_measurement(engine, rows, reference, **options))

    def ready(size: Size) -> tuple[Engine, Rows, ReferenceValues]:
        engine, rows = Engine(size.model()), made_up_rows(2, size.vocabulary, 5, 10)
        return engine, rows, reference_values(engine, needs(), {"forget": rows["forget"]}, pad_id=PAD)

    work(*ready(SMALL))  # libraries take memory of their own the first time
    made = ready(size)
    reset_peak_memory()
    before = peak_rss_mb()
    work(*made)
    copy = 4 * sum(parameter.numel() for parameter in made[0].parameters()) / 1e6
    return {"copy_mb": copy, "copies": (peak_rss_mb() - before) / copy}


def peaks(smoke: bool) -> dict[str, dict[str, float]]:
    """Every kind's peak, each in a process of its own: a process's peak never falls. A smoke test has one."""
    found = {}
    for kind in list(KINDS)[1:2] if smoke else KINDS:
        command = [sys.executable, __file__, "--peak", kind, *(["--smoke"] if smoke else [])]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[kind] = json.loads(done.stdout)
    return found


def line(*cells: object) -> str:
    return "| " + " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


def told_times(time: Mapping[str, Any]) -> list[str]:
    """The figures of `times` as Markdown."""
    unit, whole = time["unit"], time["passes"] + time["tables"]
    one, count = time["one_by_one"], time["settings"]
    apart, once = (unit + count * one) / whole, (unit + one) / whole
    scaled = f"{time['sample']} measured and scaled"
    return [
        line("time", "processor's seconds", "passes", "bar"),
        "|---|--:|--:|--:|",
        line("one forward-backward pass over all rows", unit, 1.0, ""),
        line("reference values, once a run (not in the measurement)", time["reference"], time["reference"] / unit, ""),
        line(f"measurement of {count} settings", whole, whole / unit, f"<= {BARS['measured']:g}"),
        line("of it: gradients and slopes", time["passes"], time["passes"] / unit, ""),
        line(f"of it: {time['table_rows']} rows of tables", time["tables"], time["tables"] / unit, ""),
        line(f"a backward pass per instance, one setting ({scaled})", one, one / unit, ""),
        "",
        f"Instances one by one, the risks' gradients once (1 pass) included, take {apart:.1f} times as long as the "
        f"measurement at {count} settings (bar: {BARS['one by one']:g}) and {once:.2f} times at one setting. One more "
        f"setting costs {time['tables'] / count / unit:.4f} passes, and one by one {one / unit:.2f}. Both give "
        f"the same to {time['disagreement']:.1e}.",
    ]


def told_groups(group: Mapping[str, Any]) -> list[str]:
    """The figures of `groups` as Markdown."""
    return [
        line(
            "groups", "extra forward-mode passes", "bar", f"passes over the same {group['rows']} + {group['rows']} rows"
        ),
        "|--:|--:|--:|--:|",
        line(group["groups"], group["extra_passes"], f"<= {group['bar']}", group["seconds"] / group["unit"]),
    ]


def told_peaks(memory: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The figures of `peaks` as Markdown."""
    bar = f"<= {BARS['copies']:g}"
    return [
        line("memory, in float32 copies of the parameters", "beyond the model", "beyond model and gradient", "bar"),
        "|---|--:|--:|--:|",
        *(line(kind, found["copies"], found["copies"] - 1, bar) for kind, found in memory.items()),
    ]


def tell(lines: Sequence[str]) -> None:
    """Print figures as soon as there are any: on a busy machine the next ones may take minutes."""
    print("", *lines, sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, help="folder of a model, in place of one made up; peaks are not of it")
    parser.add_argument("--rows", type=int, default=400, help="of each split")
    parser.add_argument("--sample", type=int, default=25, help="rows measured one by one")
    parser.add_argument("--smoke", action="store_true", help="a tiny model and a few rows: does it run?")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--peak", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(json.dumps(peak(options.peak, SMALL if options.smoke else HEAVY)))
        return
    if options.model:
        engine = Engine(AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval())
    else:
        engine = Engine((SMALL if options.smoke else USUAL).model())
    number, sample = (8, 2) if options.smoke else (options.rows, min(options.sample, options.rows))
    rows = made_up_rows(number, engine.causal().config.vocab_size)
    time_of = times(engine, rows, sample)
    tell(told_times(time_of))
    by_group = groups(engine, {split: of[: max(1, number // GROUP_SHARE)] for split, of in rows.items()})
    tell(told_groups(by_group))
    memory = peaks(options.smoke)
    tell(told_peaks(memory))
    if options.json:
        figures = {
            "machine": describe_machine(),
            "parameters": sum(parameter.numel() for parameter in engine.parameters()),
            "rows": number,
            "time": time_of,
            "groups": by_group,
            "memory": {"model": asdict(HEAVY), "peaks": memory},
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
