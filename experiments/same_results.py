"""Whether two source trees give the same weights and scores, bit for bit.

    python experiments/same_results.py --before DIR [--after DIR] [--steps N | --full] [--cases pocket-npo,tofu-npo]

DIR is a folder that holds the package (`src` of a checkout). Each case runs in a process of its own, first with one
tree and then with the other, with the same recipe, data and cache of the pocket world's models: a model that the second
tree builds anew means that the cache keys changed. `--rebuild` also lets each tree build those models in a cache of its
own and compares their weights. Scores of cost (seconds, memory) differ between any two runs and are left out. The
result is a Markdown table on stdout and `experiments/results/same_results.json`; the exit status is 1 if anything
differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "experiments" / "results" / "same_results.json"
CASES = ("pocket-npo", "pocket-graddiff", "pocket-rmu", "pocket-tru", "tofu-npo")
RENAMED = {"exact_memorisation": "exact_memorization"}
"""Today's name of each score that an earlier tree calls otherwise."""
REQUEST = {"name": "pocket", "world_seed": 0, "edition": 1, "request": "authors"}
RMU = {
    "method": {"name": "rmu", "layer": 2, "coefficient": 6.5, "retain_weight": 1200.0},
    "train": {"epochs": None, "steps": 60, "batch_size": 4, "retain_batch_size": 16, "lr": 5e-4, "max_length": 192},
}
"""The published settings, at the last layer of the pocket world's model, which has three."""
TOFU = {
    "method": {"name": "npo", "retain": "nll"},
    "train": {"epochs": None, "steps": 20, "batch_size": 4, "lr": 3e-4, "max_length": 256},
    "eval": {"max_new_tokens": 24},
}


# What runs inside a process with the tree under test; only names that both trees have.


def work(task: dict[str, Any]) -> dict[str, Any]:
    """Do one task of the parent process: `models` of the pocket world, `data` of pocket TOFU, or a run."""
    import unlearnkit

    if not Path(unlearnkit.__file__).is_relative_to(task["tree"]):
        raise SystemExit(f"the tree under test is {task['tree']}, and {unlearnkit.__file__} was imported")
    if task["kind"] == "data":
        return tofu_data(Path(task["out"]))
    if task["kind"] == "models":
        return pocket_models()
    recipe = {**sections(task), "name": "run", "out": task["out"]}
    cache = Path(os.environ["UNLEARNKIT_CACHE"]) / "pocket"
    known = set(cache.glob("*"))
    folder = unlearnkit.run(unlearnkit.make_recipe(recipe), progress=quiet())
    return {**run_results(folder), "built": sorted(path.name for path in set(cache.glob("*")) - known)}


def sections(task: dict[str, Any]) -> dict[str, Any]:
    """The recipe of a case, cut to `steps` where that is given."""
    suite, _, method = task["case"].partition("-")
    if suite == "tofu":
        data = Path(task["data"])
        recipe = {
            **TOFU,
            "suite": {"name": "tofu", "split": "forget01", "retrained": str(data / "retrained")},
            "data": {"path": str(data / "files")},
            "model": {"path": str(data / "target")},
        }
    else:
        settings = RMU if method == "rmu" else demo_module().method_settings(method)
        recipe = {"suite": REQUEST, **settings}
    if task["steps"] is not None:
        recipe["train"] = {**recipe["train"], "steps": min(task["steps"], recipe["train"]["steps"])}
    return recipe


def demo_module() -> Any:
    """The demo's module, wherever the tree has it."""
    try:
        return import_module("unlearnkit.demo")
    except ModuleNotFoundError:
        return import_module("unlearnkit.pipeline.demo")


def quiet() -> Any:
    try:
        return import_module("unlearnkit.core.progress").Progress(quiet=True)
    except ModuleNotFoundError:
        return import_module("unlearnkit.progress").Progress(quiet=True)


def tofu_data(out: Path) -> dict[str, Any]:
    """Pocket TOFU's files, its target model and its retrained model."""
    from tests.pocket_tofu import pocket_model, write_pocket_tofu

    files = write_pocket_tofu(out / "files")
    facts = ("real_authors_perturbed", "world_facts_perturbed")
    pocket_model(files, out / "target", learns=("retain99", "forget01_perturbed", *facts), seed=1)
    pocket_model(files, out / "retrained", learns=("retain99", *facts), seed=2)
    return {}


def pocket_models() -> dict[str, Any]:
    """The weights of the pocket world's target model and retrained model, by tensor."""
    recipe = import_module("unlearnkit.recipe")
    suite, found = recipe.make_suite(REQUEST), {}
    if hasattr(suite, "train_model"):  # the models that come with the package say nothing about training
        for name in ("target", "retrained"):
            suite.train_model(name, quiet())
    for name, path in (
        ("target", suite.target_model(quiet())),
        ("retrained", suite.retrained_model(quiet())),
    ):
        found |= {f"{name}:{tensor}": digest for tensor, digest in tensors(Path(path)).items()}
    return {"weights": found}


def run_results(folder: Any) -> dict[str, Any]:
    """What a run gave: weights, scores, and what the scores are made of."""
    log = [json.loads(line) for line in folder.log_file.read_text("utf-8").splitlines()]
    records = [
        [record.split, record.row.id, dumped(record.generation), dumped(record.tokens), record.gradient_norms]
        for record in folder.records()
    ]
    scores = {name: score.model_dump() for name, score in folder.scores().items()}
    references = [path for path in sorted(folder.references.glob("*")) if (path / "scores.json").exists()]
    for path in references:
        held_against = type(folder)(path).scores()
        scores |= {f"{path.name}:{name}": score.model_dump() for name, score in held_against.items()}
    targets = folder.targets_file.read_bytes() if folder.targets_file.exists() else b""
    return {
        "weights": tensors(folder.model),
        "scores": scores,
        "records": digest_of(json.dumps(records).encode()),
        "losses": digest_of(json.dumps([[s["step"], s["loss"], s["terms"]] for s in log]).encode()),
        "targets": digest_of(targets),
        "steps": len(log),
        "rows": len(records),
    }


def dumped(value: Any) -> Any:
    return None if value is None else value.model_dump()


def tensors(folder: Path) -> dict[str, str]:
    """SHA-256 of each tensor's type, shape and bytes."""
    import torch
    from safetensors.torch import load_file

    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        for name, tensor in load_file(file).items():
            raw = tensor.contiguous().view(torch.uint8).numpy().tobytes()
            found[name] = digest_of(f"{tensor.dtype} {tuple(tensor.shape)}".encode() + raw)
    return found


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# What runs in the parent process; it imports nothing of the package.


def in_tree(tree: Path, task: dict[str, Any], cache: Path) -> dict[str, Any]:
    """Do a task in a process that imports the package from `tree`."""
    with tempfile.TemporaryDirectory() as place:
        asked, answer = Path(place) / "task.json", Path(place) / "answer.json"
        asked.write_text(json.dumps({**task, "tree": str(tree)}), encoding="utf-8")
        paths = os.pathsep.join([str(tree), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": paths, "UNLEARNKIT_CACHE": str(cache), "TQDM_DISABLE": "1"}
        command = [sys.executable, __file__, "--worker", str(asked), str(answer)]
        subprocess.run(command, check=True, env=environment)
        made: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return made


def compare(case: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """How the results of two trees differ: names of tensors, and scores with both values."""
    differing = {name for name in {**before["weights"], **after["weights"]}
                 if before["weights"].get(name) != after["weights"].get(name)}  # fmt: skip
    first, second = (current(each.get("scores", {})) for each in (before, after))
    scores = [
        {"score": name, "before": first.get(name), "after": second.get(name)}
        for name in sorted({**first, **second})
        if first.get(name) != second.get(name)
    ]
    same = {key: before.get(key) == after.get(key) for key in ("records", "losses", "targets", "steps", "rows")}
    return {
        "case": case,
        "steps": after.get("steps"),
        "tensors": len(after["weights"]),
        "tensors_that_differ": sorted(differing),
        "scores": len(second),
        "scores_that_differ": scores,
        "parts_that_differ": [key for key, equal in same.items() if not equal],
        "models_built_anew": after.get("built", []),
        "weights": digest_of(json.dumps(after["weights"], sort_keys=True).encode()),
    }


def current(scores: dict[str, Any]) -> dict[str, Any]:
    """Scores by today's names, without those of cost."""
    found = {}
    for name, score in scores.items():
        split, dot, metric = name.rpartition(".")
        if split.rpartition(":")[2] != "cost":
            found[f"{split}{dot}{RENAMED.get(metric, metric)}"] = score
    return found


def is_same(result: dict[str, Any]) -> bool:
    fields = ("tensors_that_differ", "scores_that_differ", "parts_that_differ", "models_built_anew")
    return not any(result[field] for field in fields)


def table(results: list[dict[str, Any]]) -> str:
    lines = [
        "| case | steps | tensors | differing | scores | differing | records, losses, targets | models built anew |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        parts = ", ".join(result["parts_that_differ"]) or "same"
        cells = (
            result["case"], result["steps"] or "", result["tensors"], len(result["tensors_that_differ"]),
            result["scores"], len(result["scores_that_differ"]), parts, len(result["models_built_anew"]),
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    for result in results:
        for each in result["scores_that_differ"]:
            lines.append(f"\n{result['case']}, {each['score']}: {each['before']} before, {each['after']} after")
    return "\n".join(lines)


def all_cases(options: argparse.Namespace, place: Path) -> list[dict[str, Any]]:
    before, after = (Path(tree).resolve() for tree in (options.before, options.after))
    cache = Path(options.cache).resolve() if options.cache else place / "cache"
    results = []
    if options.rebuild:
        made = [in_tree(tree, {"kind": "models"}, place / name) for name, tree in (("b", before), ("a", after))]
        results.append(compare("pocket models", *made))
    if any(case.startswith("tofu") for case in options.cases):
        in_tree(ROOT / "src", {"kind": "data", "out": str(place / "tofu")}, cache)
    for case in options.cases:
        task = {"kind": "run", "case": case, "steps": options.steps, "data": str(place / "tofu")}
        first, second = (
            in_tree(tree, {**task, "out": str(place / case / name)}, cache)
            for name, tree in (("before", before), ("after", after))
        )
        results.append(compare(case, first, second))
        print(f"{case}: {'same' if is_same(results[-1]) else 'DIFFERS'}", file=sys.stderr)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="folder that holds the package as it was")
    parser.add_argument("--after", default=str(ROOT / "src"), help="folder that holds the package as it is")
    parser.add_argument("--cases", type=lambda text: text.split(","), default=list(CASES), help=",".join(CASES))
    parser.add_argument("--steps", type=int, default=20, help="most optimizer steps of a run")
    parser.add_argument("--full", action="store_true", help="as many steps as the demo takes")
    parser.add_argument("--rebuild", action="store_true", help="let both trees build the pocket world's models")
    parser.add_argument("--cache", help="folder of models that were built earlier; else a temporary one")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    unknown = [case for case in options.cases if case not in CASES]
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if options.full:
        options.steps = None
    with tempfile.TemporaryDirectory() as place:
        results = all_cases(options, Path(place))
    print(table(results))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    told = {"steps": "the demo's" if options.steps is None else f"at most {options.steps}", "cases": results}
    options.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0 if all(map(is_same, results)) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        made = work(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
        Path(sys.argv[3]).write_text(json.dumps(made), encoding="utf-8")
    else:
        sys.exit(main())
