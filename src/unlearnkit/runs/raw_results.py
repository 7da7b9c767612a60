"""Read and write files with the scores of several runs.

Such a file contains all measured scores of each run, with intervals and counts. It contains no text of any row.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearnkit.core.files import reading, write_atomic, writing
from unlearnkit.metrics.score import Score

Results = Mapping[str, Mapping[str, Score]]
"""Scores by name of the run and name of the score."""


def write_results(path: Path, runs: Results, **more: Any) -> None:
    """Write the measured scores of runs to a file.

    If the file's name ends with `.gz`, the file is compressed. The same scores give the same bytes.

    Args:
        path: the file.
        runs: the runs' scores, by the name that each run gets in the file.
        more: further fields of the file.
    """
    scores = {
        name: {flat: score.model_dump(exclude_none=True) for flat, score in each.items() if score.value is not None}
        for name, each in runs.items()
    }
    text = json.dumps({"runs": scores, **more}, indent=0, sort_keys=True) + "\n"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text)


def read_results(path: Path) -> Results:
    """Read the scores in a file that `write_results` wrote.

    Raises:
        InputError: the file cannot be read.
    """
    return results_of(read_fields(path))


def read_fields(path: Path) -> Mapping[str, Any]:
    """Read all fields of a file that `write_results` wrote.

    Raises:
        InputError: the file cannot be read.
    """
    with reading(path, fix="restore the original file, or delete it; its results are then measured again"):
        content = path.read_bytes()
        try:
            text = gzip.decompress(content) if path.suffix == ".gz" else content
        except (EOFError, zlib.error) as error:
            raise ValueError("the compressed file is damaged") from error
        fields: dict[str, Any] = json.loads(text)
    return fields


def results_of(fields: Mapping[str, Any]) -> Results:
    """Return the scores in the fields of a file."""
    runs = fields["runs"]
    return {name: {flat: Score(**score) for flat, score in scores.items()} for name, scores in runs.items()}
