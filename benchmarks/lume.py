"""LUME's synthetic personal data through the recipe of a user's own files: the table of docs/lume.md.

    python benchmarks/lume.py --data DIR --base DIR [--out runs/lume] [--people 40] [--smoke]

`--data` holds LUME's forget.jsonl and retain.jsonl (arXiv 2502.15097), `--base` a small model with a chat template.
Task 2 only: made-up people, six rows each, one of them a text to be gone on with and five questions for birth date,
Social Security number, phone, e-mail and address. The target model is the base fine-tuned on `--people` people of each
file, the retrained model on those of the retain file alone, both by the product's own loop. Then each method makes the
target model forget the people of the forget file. Every model and run is kept; a second call goes on where the first
was stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from unlearnkit.apart import apart
from unlearnkit.pipeline import run
from unlearnkit.progress import Progress
from unlearnkit.recipe import make_recipe
from unlearnkit.report.names import TARGET
from unlearnkit.runfolder import RunFolder

ROWS_OF_A_PERSON = 6
METHODS: dict[str, dict[str, Any]] = {
    "ga": {"method": {"name": "ga"}, "train": {"lr": 3e-5, "epochs": 5}},
    "graddiff": {"method": {"name": "graddiff"}, "train": {"lr": 1e-4, "epochs": 5}},
    "npo": {"method": {"name": "npo", "retain": "nll"}, "train": {"lr": 3e-4, "epochs": 5}},
    "tru": {"method": {"name": "tru"}, "train": {"lr": 1e-3, "epochs": 5}},
}
"""Set by hand, on nothing but what worked for TOFU; nothing was tuned here."""
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


def done(recipe: dict[str, Any]) -> None:
    """One run; whatever is done already is taken as it is."""
    run(make_recipe(recipe), resume=True, progress=Progress())


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
    apart(name, done, recipe)
    return str(RunFolder(out / name).model)


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
    for method, settings in METHODS.items():
        recipe = {
            "name": method,
            "suite": {"name": "files", "retrained": retrained},
            "data": {name: files[name] for name in ("forget", "retain", "holdout")},
            "model": {"path": target},
            **settings,
            "train": {"batch_size": 16, "max_length": 320, **settings["train"], **steps},
            "out": str(out / method),
        }
        apart(method, done, recipe)
    first = RunFolder(out / next(iter(METHODS)))
    references = {name: RunFolder(first.references / name) for name in (TARGET, "retrained")}
    runs = {**references, **{method: RunFolder(out / method) for method in METHODS}}
    print("| | " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * (1 + len(COLUMNS)))
    for name, folder in runs.items():
        values = (score.value if (score := folder.scores().get(column)) else None for column in COLUMNS)
        print(f"| {name} | " + " | ".join("not measured" if v is None else f"{v:.3g}" for v in values) + " |")


if __name__ == "__main__":
    main()
