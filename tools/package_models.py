"""Train the models of the demo's default world, and put them into the package.

    python tools/package_models.py

The target model and the retrained model are trained from scratch, in an empty cache. Their weights are rounded to 16
bits and written to `src/unlearnkit/suites/pocket/models/`, with the tokenizer, the configuration, and a list of all
files with their SHA-256. This takes some minutes.

Run the script after every change of the world's text, its tokenizer, or the training of its models. Until then, the
packaged models are not used, and a test fails.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from unlearnkit.core.progress import Progress
from unlearnkit.core.subprocesses import Job, run_all
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.runs.state import COST_FILE
from unlearnkit.suites.made_up.packaged import MANIFEST, WEIGHTS, Packaged, Weights
from unlearnkit.suites.pocket.suite import Pocket

FOLDER = Path(__file__).resolve().parent.parent / "src" / "unlearnkit" / "suites" / "pocket" / "models"
DTYPE = torch.float16
"""Data type of the weights; `experiments/packaged_models.py` compares it with bfloat16."""
LARGEST = 8_000_000
"""Maximum size of all files together, in bytes."""


def package(trained: Mapping[str, Path], folder: Path) -> None:
    """Write trained models to a folder of the package.

    Args:
        trained: folders of the trained models, by the name that the files get. The name of each folder is the model's
            fingerprint.
        folder: folder for the files. Its content is replaced.

    Raises:
        SystemExit: the models have different tokenizers or configurations, or are too large together.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shared: dict[str, str] = {}
    models: dict[str, Weights] = {}
    for name, source in trained.items():
        own = {file.name: _sha256(file) for file in sorted(source.iterdir()) if file.name not in (WEIGHTS, COST_FILE)}
        if shared and own != shared:
            raise SystemExit(f"{source} has another tokenizer or configuration than the model before")
        for file in own:
            shutil.copyfile(source / file, folder / file)
        shared, weights = own, folder / f"{name}.safetensors"
        save_file({key: tensor.to(DTYPE) for key, tensor in load_file(source / WEIGHTS).items()}, weights)
        weights.chmod(0o644)  # safetensors writes files that only the owner can read
        models[source.name] = Weights(file=weights.name, sha256=_sha256(weights))
    manifest = Packaged(torch=torch.__version__, shared=shared, models=models)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    size = sum(file.stat().st_size for file in folder.iterdir())
    if size > LARGEST:
        raise SystemExit(f"{folder} has {size} bytes, and at most {LARGEST} are allowed")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _train(name: str, progress: Progress) -> str:
    """Train a model; run in a separate process."""
    return Pocket().train_model(name, progress)


def main() -> None:
    """Train and package the models."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UNLEARNKIT_CACHE"] = cache
        folders = run_all([Job(name, _train, (name,)) for name in REFERENCES], Progress(), at_once=len(REFERENCES))
        package({name: Path(folder) for name, folder in zip(REFERENCES, folders, strict=True)}, FOLDER)


if __name__ == "__main__":
    main()
