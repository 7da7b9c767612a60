"""Export a run's model to the file format of another program."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from unlearnkit.core.errors import InputError, UnlearnError
from unlearnkit.core.files import refuse_taken, sync, writing
from unlearnkit.core.progress import Progress
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.folder import ModelFolder
from unlearnkit.models.gguf_export import EXPORTED, GGUFModel, write_gguf
from unlearnkit.models.load import load_model, load_tokenizer, save_model
from unlearnkit.pipeline.subject import find_subject
from unlearnkit.runs.folder import RunFolder
from unlearnkit.runs.state import Exported, now

CONVERTER = "convert_hf_to_gguf.py"
"""Name of llama.cpp's converter, which is searched on the PATH."""

CONVERTER_VARIABLE = "UNLEARNKIT_GGUF_CONVERTER"
"""Environment variable with the path of the converter."""


def export(
    folder: RunFolder,
    *,
    dtype: str | None = None,
    out: str | Path | None = None,
    converter: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a run's model as a GGUF file, the format of llama.cpp.

    If the model is an adapter, the adapter is merged. Models of Llama's family are written by this package, other
    models by llama.cpp's converter.

    Args:
        folder: the run.
        dtype: data type of the matrices, `float16` or `bfloat16`. If None, it is the data type of the saved model, or
            `float16` if the saved model is float32.
        out: the new file; None: `model.gguf` in the run's folder.
        converter: llama.cpp's `convert_hf_to_gguf.py`. If None, the converter is taken from the environment variable
            `UNLEARNKIT_GGUF_CONVERTER`, or else from the PATH.
        progress: reports progress.

    Returns:
        The file. It is also recorded in the run's `run.json`.

    Raises:
        InputError: the run is not finished, was purged, or has a model that is more than its weights; the file exists;
            or the model cannot be written.
        MissingDependency: the package `gguf` is not installed.
        UnlearnError: the converter failed.
    """
    progress = progress or Progress()
    file = Path(out) if out is not None else folder.path / "model.gguf"
    _refuse_run(folder)
    if dtype is not None and dtype not in EXPORTED:
        raise InputError(
            "a GGUF file cannot be written in this data type",
            where="--dtype",
            value=dtype,
            allowed=", ".join(EXPORTED),
            fix="use one of the allowed data types; llama.cpp's llama-quantize makes smaller files from the result",
        )
    refuse_taken(file, "choose another file with --out, or delete this file")
    found = find_subject(folder)
    saved = str(found.config.dtype).removeprefix("torch.")
    dtype = dtype or (saved if saved in EXPORTED else "float16")
    program = _find_converter(converter)
    try:
        described = GGUFModel.of(found.config, load_tokenizer(found), str(found.path))
    except InputError:
        if program is None:
            raise
        write = _by_converter(found, program, folder, dtype)
    else:
        for note in described.notes:
            progress.log(note)
        write = _by_package(found, described, folder.name, dtype, progress)
    _write_atomically(file, write)
    exported = Exported(path=str(file.resolve()), dtype=dtype, created=now(), sha256=_digest(file))
    folder.update(exports=(*folder.state().exports, exported))
    return file


def _refuse_run(folder: RunFolder) -> None:
    """Raise `InputError` if a run's model cannot be exported."""
    state, where = folder.state(), str(folder.path)
    if folder.recipe_file.exists() and not state.done:
        fix = "finish the run first: unlearn run RECIPE --resume"
        raise InputError("the run is not finished, so its model cannot be exported", where=where, fix=fix)
    if state.purged:
        raise InputError(
            "the run was purged, so its records could no longer be compared with an exported model",
            where=where,
            fix=f"convert the model's folder with llama.cpp: {CONVERTER} {folder.model}",
        )
    kind = folder.subject().kind
    if kind in ("guarded", "ensemble"):
        what = {"guarded": "a guard around an unchanged model", "ensemble": "an ensemble of adapters"}[kind]
        raise InputError(
            f"the run's model is {what}, which a single file of weights cannot represent",
            where=str(folder.subject_file),
            value=kind,
            allowed="a run of a method that changes the weights",
            fix="choose such a method, for example method.name=npo",
        )


def _find_converter(given: str | Path | None) -> Path | None:
    """Return llama.cpp's converter, or None if there is none."""
    named = given or os.environ.get(CONVERTER_VARIABLE)
    if named is None:
        found = shutil.which(CONVERTER)
        return None if found is None else Path(found)
    path = Path(named).expanduser()
    if not path.is_file():
        raise InputError(
            "there is no such file, so llama.cpp's converter cannot be used",
            where="--converter" if given else CONVERTER_VARIABLE,
            value=str(named),
            allowed=f"the path of llama.cpp's {CONVERTER}",
            fix="correct the path",
        )
    return path


def _by_package(
    found: ModelFolder, described: GGUFModel, name: str, dtype: str, progress: Progress
) -> Callable[[Path], None]:
    def write(partial: Path) -> None:
        half = dtype == "bfloat16" and found.base is None and str(found.config.dtype) == "torch.bfloat16"
        model = merge_adapter(load_model(found, "bfloat16" if half else "float32"))
        with progress.task(f"writing {name}", len(list(model.named_parameters()))) as shown:
            write_gguf(model, described, partial, dtype=dtype, name=name, on_tensor=lambda: shown.advance(1))

    return write


def _by_converter(found: ModelFolder, program: Path, folder: RunFolder, dtype: str) -> Callable[[Path], None]:
    def write(partial: Path) -> None:
        source, merged = found.path, folder.path / "merged.partial"
        try:
            if found.base is not None:
                save_model(merge_adapter(load_model(found)), load_tokenizer(found), merged)
                source = merged
            kind = {"float16": "f16", "bfloat16": "bf16"}[dtype]
            runs_itself = program.suffix != ".py"
            command = [str(program)] if runs_itself else [sys.executable, str(program)]
            command += [str(source), "--outfile", str(partial), "--outtype", kind]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
        finally:
            shutil.rmtree(merged, ignore_errors=True)
        if ended.returncode or not partial.exists():
            last = (ended.stderr.strip() or "it wrote no file").splitlines()[-1]
            raise UnlearnError(
                f"llama.cpp's converter failed: {last}",
                where=str(program),
                value=f"exit code {ended.returncode}",
                fix="read the message of the converter; it needs the packages in llama.cpp's requirements.txt",
            )

    return write


def _write_atomically(file: Path, write: Callable[[Path], None]) -> None:
    """Write a file under a temporary name, then rename it."""
    partial = file.with_name(f".{file.name}.partial")
    with writing(file):
        try:
            write(partial)
            sync(partial)
            partial.rename(file)
        finally:
            partial.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
