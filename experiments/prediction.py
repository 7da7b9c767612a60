"""Test whether the G-effect predicts the outcome (cells: prediction.yaml).

    python experiments/prediction.py [--out runs/prediction] [--cells ga,npo1] [--smoke]
    python experiments/prediction.py --data DIR --target DIR    # the same on TOFU: its files and a model of it
    python experiments/prediction_tables.py [--out runs/prediction]

Nine objectives run at four settings each. Each cell is a run whose G-effects are measured every eight of its forty
steps. Some cells keep their weights at these steps, and each is measured as if the run had stopped there. Cells are
kept: a second call continues. On TOFU nothing is generated; the risks of the G-effects show the progress of a run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file

from grid import learned
from unlearnkit.core.errors import Interrupted, UnlearnError
from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.metrics.board import score_records
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import find_model
from unlearnkit.models.load import load_model, load_tokenizer
from unlearnkit.pipeline.run import run
from unlearnkit.recipe import make_recipe
from unlearnkit.records.measure import measure
from unlearnkit.runs.folder import RunFolder
from unlearnkit.suites.pocket.suite import Pocket

PLAN: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
EVERY = PLAN["authors"]["diagnose"]["g_effect_every"]
FORGOTTEN = ("forget", "forget.paraphrased", "forget.translated")
KEPT = ("near", "far", "retain")
RETAINED = 100
"""Retain rows that a stopped model is measured on."""
COURSE = "course.json"
"""What the weights that a run kept are worth, by step."""


def on_authors(out: Path, cell: str, world: int) -> dict[str, Any]:
    """The recipe of a cell in a world."""
    changed = PLAN["used"].get(cell, {})
    train = {**PLAN["authors"]["train"], **changed.get("train", {})}
    if cell in PLAN["stopped"]:
        train["keep_weights_every"] = EVERY
    groups = "layers" if cell in PLAN["observed"] else "none"
    return {
        "name": cell,
        "seed": world,
        "suite": {"name": "pocket", "request": "authors", "world_seed": world, "edition": 1},
        "method": PLAN["cells"][changed.get("cell", cell)],
        "train": train,
        "diagnose": {**PLAN["authors"]["diagnose"], "groups": groups, **changed.get("diagnose", {})},
        "out": str(out / f"authors-{world}" / cell),
    }


def on_tofu(out: Path, cell: str, seed: int, data: str, target: str) -> dict[str, Any]:
    """The recipe of a cell on TOFU's forget05, as in the paper."""
    return {
        "name": cell,
        "seed": seed,
        "suite": {"name": "tofu", "split": "forget05"},
        "data": {"path": data},
        "model": {"path": target},
        "method": PLAN["cells"][cell],
        "train": PLAN["tofu"]["train"],
        "diagnose": PLAN["tofu"]["diagnose"],
        "out": str(out / f"tofu-{seed}" / cell),
    }


def filled(recipe: dict[str, Any], progress: Progress) -> str | None:
    """Do a cell; why it failed, or None."""
    whole = recipe["suite"]["name"] == "pocket"
    try:
        run(make_recipe(recipe), resume=True, measured=whole, progress=progress)
    except Interrupted:
        raise
    except UnlearnError as error:
        return error.render()
    return None


def is_filled(recipe: dict[str, Any]) -> bool:
    """Whether a cell is done; looked at here, for a process of its own takes a second."""
    folder = RunFolder(recipe["out"])
    return folder.is_run and (
        folder.state().done or (recipe["suite"]["name"] == "tofu" and folder.state().train is not None)
    )


def worth(accuracy: dict[str, float]) -> dict[str, float]:
    """Forgetting and keeping, from the accuracy on each set."""
    return {
        "forgetting": 1 - sum(accuracy[name] for name in FORGOTTEN) / len(FORGOTTEN),
        "keeping": sum(accuracy[name] for name in KEPT) / len(KEPT),
    }


@torch.no_grad()
def followed(path: str, world: int, progress: Progress) -> None:
    """Measure each of the weights that a run kept."""
    folder, suite = RunFolder(path), Pocket(world_seed=world, edition=1)
    found = find_model(suite.target_model(progress))
    model: Any = load_model(found, "float32")
    tokenizer, task = load_tokenizer(found), suite.task()
    sets = {name: task.measured[name] for name in (*FORGOTTEN, *KEPT)}
    sets["retain"] = sets["retain"][:RETAINED]
    parameters = dict(Engine(model).named_parameters())
    course = {}
    files = sorted(folder.kept_weights.glob("step-*.safetensors"))
    with progress.task(f"following {folder.name}", len(files)) as counter:
        for file in files:
            for name, values in load_file(file).items():
                parameters[name].copy_(values)
            length, said = make_recipe(folder.recipe()).train.max_length, suite.max_new_tokens
            records = measure(model, tokenizer, sets, max_length=length, max_new_tokens=said)
            scores = score_records(records, task.scope)
            accuracy = {name: scores[f"{name}.accuracy"].value or 0.0 for name in sets}
            course[int(file.stem.rpartition("-")[2])] = {**accuracy, **worth(accuracy)}
            counter.advance(1)
    (folder.path / COURSE).write_text(json.dumps(course, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Fill every cell that is empty."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/prediction"))
    parser.add_argument("--cells", help="cells of the plan, separated by commas; default: all")
    parser.add_argument("--data", help="TOFU's folder; with --target, run only TOFU's cells")
    parser.add_argument("--target", help="folder of the model that knows TOFU")
    parser.add_argument("--smoke", action="store_true", help="two steps per cell")
    options = parser.parse_args()
    if (options.data is None) != (options.target is None):
        parser.error("--data and --target go together")
    out, progress, tofu = options.out, Progress(), options.data is not None
    cells = options.cells.split(",") if options.cells else PLAN["observed"] if tofu else [*PLAN["cells"], *PLAN["used"]]
    if tofu:
        first = PLAN["seeds"][0]
        places = [(s, cell) for s in PLAN["seeds"] for cell in cells if s == first or cell not in PLAN["seldom"]]
        recipes = [on_tofu(out, cell, seed, options.data, options.target) for seed, cell in places]
    else:
        held_out = [cell for cell in cells if cell in PLAN["stopped"]]
        recipes = [on_authors(out, cell, world) for world in PLAN["worlds"] for cell in cells]
        recipes += [on_authors(out, cell, world) for world in PLAN["held_out"] for cell in held_out]
        learned(dict.fromkeys(recipe["seed"] for recipe in recipes))
    if options.smoke:
        recipes = [{**r, "train": {**r["train"], "steps": 2}} for r in recipes]
    for recipe in recipes:
        make_recipe(recipe)  # what is wrong with the last is told before the first is begun
    left = [recipe for recipe in recipes if not is_filled(recipe)]
    names = ["/".join(Path(r["out"]).parts[-2:]) for r in left]
    jobs = [Job(name, filled, (r,)) for name, r in zip(names, left, strict=True)]
    for name, failed in zip(names, run_all(jobs, progress, at_once=2), strict=True):
        if failed is not None:
            progress.log(f"{name} failed: {failed}")
    kept = [r for r in recipes if is_filled(r) and "keep_weights_every" in r["train"]]
    kept = [r for r in kept if not (Path(r["out"]) / COURSE).exists()]
    jobs = [Job(f"following {Path(r['out']).name}", followed, (r["out"], r["seed"])) for r in kept]
    run_all(jobs, progress, at_once=2)


if __name__ == "__main__":
    main()
