"""Read and write files with the scores of several runs.

Such a file contains all measured scores of each run, with intervals and counts. It contains no text of any row.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearnkit.core.files import write_atomic, writing
from unlearnkit.metrics.score import Score
from unlearnkit.runs.folder import RunFolder

Results = Mapping[str, Mapping[str, Score]]
"""Scores by name of the run and name of the score."""


def write_results(path: Path, runs: Mapping[str, RunFolder], **more: Any) -> None:
    """Write the measured scores of runs to a file.

    If the file's name ends with `.gz`, the file is compressed. The same scores give the same bytes.

    Args:
        path: the file.
        runs: the runs, by the name that they get in the file.
        more: further fields of the file.
    """
    scores = {
        name: {
            flat: score.model_dump(exclude_none=True) for flat, score in run.scores().items() if score.value is not None
        }
        for name, run in runs.items()
    }
    text = json.dumps({"runs": scores, **more}, indent=0, sort_keys=True) + "\n"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text)


def read_results(path: Path) -> Results:
    """Read the scores in a file that `write_results` wrote."""
    content = path.read_bytes()
    runs = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)["runs"]
    return {name: {flat: Score(**score) for flat, score in scores.items()} for name, scores in runs.items()}
