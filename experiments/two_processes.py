"""One process against two, through the command line, at the same global batch.

    python experiments/two_processes.py [--methods npo,graddiff,tru] [--steps N] [--model DIR] [--out DIR]

Each method of the pocket world runs twice with the recipe in `recipes/`: by `unlearn run`, and by torchrun with two
processes that each have one thread. It also runs in one process that computes each step in two micro-batches, which
hold the rows of the two processes, so that the sums are in the same order. `--steps` cuts the recipes. `--model` adds a
run of NPO with an adapter on a chat model, such as the folder that `tools/real_model.py` makes; its rows are capitals,
which any such model knows. The
result is a Markdown table on stdout and `two_processes.json` in the folder of the runs:

- the largest difference of a loss in the first 20 steps, and the loss at that step;
- the distance between the two trained models, as a share of the distance that the first one was trained;
- the largest difference of an accuracy, in rows of 100.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

import unlearnkit
from unlearnkit.core.progress import Progress
from unlearnkit.recipe import load_recipe
from unlearnkit.runs.folder import RunFolder

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "import sys; from unlearnkit.cli.app import main; sys.exit(main())\n"
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
FIRST = 20
CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon",
    "Japan": "Tokyo", "China": "Beijing", "Russia": "Moscow", "Egypt": "Cairo", "Greece": "Athens",
    "Austria": "Vienna", "Hungary": "Budapest", "Poland": "Warsaw", "Norway": "Oslo", "Sweden": "Stockholm",
    "Finland": "Helsinki", "Denmark": "Copenhagen", "Ireland": "Dublin", "Cuba": "Havana", "Peru": "Lima",
}  # fmt: skip
FORGOTTEN = 8
"""The first so many capitals are forgotten, and the others are kept."""


def capitals(folder: Path, model: Path) -> Path:
    """Write the rows and the recipe for the chat model, and return the recipe's file."""
    rows = [
        json.dumps({"question": f"What is the capital of {country}?", "answer": f"{city}.", "subject": country}) + "\n"
        for country, city in CAPITALS.items()
    ]
    for split, lines in {"forget": rows[:FORGOTTEN], "retain": rows[FORGOTTEN:]}.items():
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    recipe = {
        "suite": {"name": "files"},
        "data": {split: str(folder / f"{split}.jsonl") for split in ("forget", "retain")},
        "model": {"path": str(model), "lora": {"r": 8}},
        "method": {"name": "npo", "retain": "nll"},
        "train": {
            "epochs": None,
            "steps": FIRST,
            "batch_size": 3,
            "retain_batch_size": 4,
            "lr": 1e-4,
            "max_length": 96,
        },
        "eval": {"max_new_tokens": 8},
    }
    file = folder / "chat-model.yaml"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return file


def run(recipe: Path, out: Path, launcher: tuple[str, ...], overrides: list[str]) -> RunFolder:
    """Run a recipe through the command line, unless that was done before."""
    folder = RunFolder(out)
    if not (folder.is_run and folder.state().done):
        script = out.parent / "unlearn"
        script.write_text(COMMAND, encoding="utf-8")
        source = str(Path(unlearnkit.__file__).parents[1])
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": source}
        arguments = ["run", str(recipe), f"out={out}", "--resume", *overrides]
        # An exit code of 3 is a missed gate: of no interest here.
        ended = subprocess.run([sys.executable, *launcher, str(script), *arguments], env=environment, check=False)
        if not folder.state().done:
            raise SystemExit(f"{out}: the run failed with code {ended.returncode}")
    return folder


def changes(folder: RunFolder, target: Path) -> Iterator[tuple[str, Tensor]]:
    """Yield what training added to each weight; for an adapter, scale * B @ A."""
    if folder.subject().kind != "adapter":
        before, after = load_file(target / "model.safetensors"), load_file(folder.model / "model.safetensors")
        yield from ((name, after[name].double() - before[name].double()) for name in after)
        return
    settings = json.loads((folder.model / "adapter_config.json").read_text(encoding="utf-8"))
    factors = load_file(folder.model / "adapter_model.safetensors")
    for name in factors:
        if ".lora_A." in name:
            b, a = factors[name.replace(".lora_A.", ".lora_B.")].double(), factors[name].double()
            yield name, settings["lora_alpha"] / settings["r"] * b @ a


def compared(one: RunFolder, two: RunFolder, target: Path) -> dict[str, Any]:
    """The row of the table for a pair of runs."""
    losses = [
        [json.loads(line)["loss"] for line in folder.log_file.read_text(encoding="utf-8").splitlines()]
        for folder in (one, two)
    ]
    apart = gone = torch.zeros((), dtype=torch.float64)
    for (name, ours), (other, theirs) in zip(changes(one, target), changes(two, target), strict=True):
        assert name == other
        apart, gone = apart + (ours - theirs).square().sum(), gone + ours.square().sum()
    scores = [folder.scores() for folder in (one, two)]
    accuracies = {
        name: (score.value, scores[1][name].value)
        for name, score in scores[0].items()
        if name.endswith(".accuracy") and score.value is not None
    }
    loss, at = max((abs(a - b), a) for a, b in zip(*(each[:FIRST] for each in losses), strict=True))
    return {
        "steps": len(losses[0]),
        "loss": loss,
        "of a loss of": at,
        "weights": float((apart / gone).sqrt()),
        "rows in 100": max(100 * abs(a - b) for a, b in accuracies.values()),
        "accuracies": accuracies,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", default="npo,graddiff,tru")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/two-processes"))
    options = parser.parse_args()
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    overrides = [] if options.steps is None else [f"train.steps={options.steps}"]
    cases = {
        f"pocket world, {name}": (ROOT / f"recipes/pocket-{name}.yaml", name, overrides)
        for name in filter(None, options.methods.split(","))
    }
    if options.model is not None:
        case = f"{options.model.name}, npo with an adapter"
        cases[case] = (capitals(out, options.model.resolve()), "chat-model", [])
    rows = {}
    for name, (recipe, short, changed) in cases.items():
        chosen = load_recipe(recipe)
        largest = max(chosen.train.batch_size, chosen.train.retain_batch_size or 0)
        halves = [*changed, f"train.micro_batch_size={-(-largest // 2)}"]
        two = run(recipe, out / f"{short}-2", TORCHRUN, changed)
        target = chosen.model.path or chosen.make_suite().target_model(Progress(quiet=True))
        for how, one in {
            "one micro-batch": run(recipe, out / f"{short}-1", (), changed),
            "two micro-batches": run(recipe, out / f"{short}-halves", (), halves),
        }.items():
            rows[f"{name}, against {how}"] = compared(one, two, Path(str(target)))
        (out / "two_processes.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print("| run | steps | largest difference of a loss | distance of the weights | accuracies, rows in 100 |")
    print("|---|---|---|---|---|")
    for name, row in rows.items():
        figures = f"{row['loss']:.1e} of {row['of a loss of']:.4g} | {row['weights']:.1e} of the distance trained"
        print(f"| {name} | {row['steps']} | {figures} | {row['rows in 100']:.2f} |")


if __name__ == "__main__":
    main()
