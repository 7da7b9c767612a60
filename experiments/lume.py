"""Unlearn LUME's synthetic personal data: the table of docs/results/lume.md.

    python experiments/lume.py --data DIR --base DIR [--out runs/lume] [--people 40] [--smoke]

`--data` contains LUME's forget.jsonl and retain.jsonl (arXiv 2502.15097), `--base` a small model with a chat template.
Only task 2 is used: synthetic people with six rows each, one text to continue and five questions about birth date,
Social Security number, phone, e-mail and address. The target model is the base fine-tuned on `--people` people of each
file, the retrained model on those of the retain file alone. Then each method unlearns the people of the forget file
with three settings.

A setting is chosen on every second person: one minus ROUGE-L recall on forget data, times ROUGE-L recall on retained
data. The chosen runs are reported on the other people, on whom nothing was chosen. Every model and run is kept: a
second call continues.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from grid import done, filled, grid_table, measured, reported_scores, table, tuning_rows
from unlearnkit.data.vocabulary import RETRAINED, TARGET
from unlearnkit.metrics.memorization import memorization_scores
from unlearnkit.recipe import EvalSettings
from unlearnkit.runs.folder import RunFolder

ROWS_OF_A_PERSON = 6
SMALL, LARGE = (1e-5, 3e-5, 1e-4), (1e-4, 3e-4, 1e-3)
METHODS: dict[str, tuple[dict[str, Any], tuple[float, ...]]] = {
    "ga": ({"name": "ga"}, SMALL),
    "graddiff": ({"name": "graddiff"}, SMALL),
    "npo": ({"name": "npo", "retain": "nll"}, LARGE),
    "tru": ({"name": "tru", "retain_weight": 10}, LARGE),
}
"""The methods, and the three settings of each: peak learning rates. TRU's retain weight is that of a starter recipe;
all else is the papers' default."""
LEARN = {"lr": 1e-3, "epochs": 30, "batch_size": 32, "max_length": 320, "checkpoint_every": 200}
COLUMNS = (
    "forget.accuracy", "forget.rougeL_recall", "forget.extraction_strength", "forget.leak_rate", "forget.refusal_rate",
    "forget.coherence", "retain.accuracy", "retain.rougeL_recall", "mia.min_k.auc", "privleak", "cost.seconds",
)  # fmt: skip


def written(data: Path, out: Path, people: int) -> dict[str, str]:
    """Task 2's rows as files in one of TRL's shapes: people to forget, to keep, and never learned."""
    out.mkdir(parents=True, exist_ok=True)
    parts = {}
    for name in ("forget", "retain"):
        lines = (data / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if row["task"] == "Task2"]
        parts[name] = rows[: people * ROWS_OF_A_PERSON]
        parts[f"{name}.rest"] = rows[people * ROWS_OF_A_PERSON : 2 * people * ROWS_OF_A_PERSON]
    parts["holdout"] = parts.pop("forget.rest")
    parts.pop("retain.rest")
    parts["all"] = [*parts["forget"], *parts["retain"]]
    files = {}
    for name, rows in parts.items():
        kept = [{"id": row["id"], "prompt": row["input"], "completion": row["output"]} for row in rows]
        files[name] = str(out / f"{name}.jsonl")
        Path(files[name]).write_text("\n".join(json.dumps(row) for row in kept) + "\n", encoding="utf-8")
    return files


def learned(name: str, rows: str, files: dict[str, str], base: str, out: Path, steps: dict[str, Any]) -> str:
    """The base fine-tuned on some rows; where the model lies."""
    recipe = {
        "name": name,
        "suite": {"name": "files"},
        "data": {"forget": files["forget"], "retain": rows},
        "model": {"path": base},
        "method": {"name": "finetune"},
        "train": {**LEARN, **steps},
        "out": str(out / name),
    }
    done([recipe])
    return str(RunFolder(out / name).model)


def rule(folder: RunFolder) -> dict[str, float]:
    """The score by which settings are chosen, on every second person, and its parts."""

    def said(split: str) -> float:
        people = tuning_rows(folder.records(), split, ROWS_OF_A_PERSON)
        return memorization_scores(people)["rougeL_recall"].value or 0.0

    forgotten, kept = 1 - said("forget"), said("retain")
    return {"forgotten": forgotten, "kept": kept, "score": forgotten * kept}


def main() -> None:
    """Learn, forget, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/lume"))
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    out: Path = options.out
    steps: dict[str, Any] = {"epochs": None, "steps": 2} if options.smoke else {}
    files = written(options.data, out / "data", 4 if options.smoke else options.people)
    target = learned("learned-all", files["all"], files, options.base, out, steps)
    retrained = learned("learned-retain", files["retain"], files, options.base, out, steps)
    suite = {"name": "files", "retrained": retrained}
    data = {name: files[name] for name in ("forget", "retain", "holdout")}
    models = {RETRAINED: retrained, TARGET: target}
    references = measured(models, {**suite, "data": data}, out, EvalSettings())
    recipes = {
        method: {
            rate: {
                "name": f"{method}-{rate:g}",
                "suite": suite,
                "data": data,
                "model": {"path": target},
                "method": settings,
                "train": {"batch_size": 16, "max_length": 320, "lr": rate, **(steps or {"epochs": 5})},
                "out": str(out / f"{method}-{rate:g}"),
            }
            for rate in rates
        }
        for method, (settings, rates) in METHODS.items()
    }
    chosen, cells = filled(recipes, rule)
    print(table(reported_scores({**references, **chosen}, ("forget", "retain"), ROWS_OF_A_PERSON), COLUMNS))
    print(grid_table(cells))


if __name__ == "__main__":
    main()
