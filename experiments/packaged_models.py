"""How many outputs change when the packaged models are rounded to 16 bits.

    python experiments/packaged_models.py [--out DIR]

Trains the target model and the retrained model of the demo's default world, unless they are in the cache. Measures them
in float32 and rounded to float16 and bfloat16, on all rows of the demo; rounded weights are computed in float32, as in
the package. Writes `experiments/results/packaged_models.json`: accuracies, and the share of rows with another output
than in float32 (`changed_outputs`). What is already measured in DIR is not measured again.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.pipeline.demo import Demo
from unlearnkit.pipeline.evaluate import evaluate
from unlearnkit.runs.folder import RunFolder
from unlearnkit.suites.made_up.packaged import WEIGHTS
from unlearnkit.suites.pocket.suite import Pocket

RESULTS = Path(__file__).resolve().parent / "results" / "packaged_models.json"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
METRICS = ("accuracy", "elicited_probability", "begun_accuracy", "no_trace_accuracy")


def measured(name: str, out: Path, progress: Progress) -> None:
    """Measure one model in each data type; run in a separate process."""
    trained = Path(Pocket().train_model(name, progress))
    for title, dtype in DTYPES.items():
        folder, copy = RunFolder(out / f"{name} {title}"), out / "models" / f"{name}-{title}"
        if folder.is_run and folder.state().measure is not None:
            continue
        shutil.copytree(trained, copy, dirs_exist_ok=True)
        tensors = {key: tensor.to(dtype).float() for key, tensor in load_file(trained / WEIGHTS).items()}
        save_file(tensors, copy / WEIGHTS, metadata={"format": "pt"})
        evaluate(copy, Demo().suite, out=folder.path, progress=progress)


def outputs(folder: RunFolder) -> list[Any]:
    """Each row's output."""
    return [(record.split, record.row.id, record.generation) for record in folder.records()]


def results(out: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by model and data type."""
    found = {}
    for name in REFERENCES:
        exact = outputs(RunFolder(out / f"{name} float32"))
        for title in DTYPES:
            folder = RunFolder(out / f"{name} {title}")
            kept = {
                flat: score.model_dump(exclude_none=True)
                for flat, score in folder.scores().items()
                if flat.rpartition(".")[2] in METRICS and score.value is not None
            }
            changed = sum(old != new for old, new in zip(exact, outputs(folder), strict=True))
            found[folder.path.name] = {**kept, "changed_outputs": {"value": changed / len(exact), "count": len(exact)}}
    return found


def main() -> None:
    """Measure what is not measured, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/packaged-models"))
    out = parser.parse_args().out
    run_all([Job(name, measured, (name, out)) for name in REFERENCES], Progress(), at_once=len(REFERENCES))
    RESULTS.write_text(json.dumps({"runs": results(out)}, indent=0, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
