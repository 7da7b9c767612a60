"""The command `unlearn export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    gguf: Annotated[bool, typer.Option("--gguf", help="Write a GGUF file, the format of llama.cpp.")] = False,
    dtype: Annotated[
        str | None,
        typer.Option(help="float16 or bfloat16; by default as the saved model, or float16 if that is float32."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The new file; by default model.gguf in the run's folder.")] = None,
    converter: Annotated[
        Path | None,
        typer.Option(help="llama.cpp's convert_hf_to_gguf.py, for models that this package does not write itself."),
    ] = None,
) -> None:
    """Write the model of a run as a file for another program.

    An adapter is merged. The models of Llama's family (llama, mistral, qwen2, qwen3) are written by this package, with
    tokenizer and chat template. For other models, llama.cpp's converter is called, if it is given, named by the
    environment variable UNLEARNKIT_GGUF_CONVERTER, or on the PATH.
    """
    from unlearnkit.core.errors import InputError
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.export import export
    from unlearnkit.runs.folder import RunFolder

    if not gguf:
        raise InputError("no file format was chosen", allowed="--gguf", fix=f"unlearn export {run} --gguf")
    progress = Progress()
    file = export(RunFolder.existing(run), dtype=dtype, out=out, converter=converter, progress=progress)
    progress.log(f"model: {file}")
