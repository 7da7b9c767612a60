"""Print the results of ablation.py as Markdown tables.

    python experiments/ablation_tables.py [--out runs/ablation]

Values are means over the worlds of a request, with the range in brackets. A cell that does not exist yet, or a score
that was not measured, reads "not measured".
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ablation import PLAN, REFUSAL_PROMPT
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.metrics.score import Score
from unlearnkit.runs.folder import RunFolder

Value = float | None
Read = Callable[[Mapping[str, Score]], Value]
"""One figure of one run, from its scores and attacks."""

FORGOTTEN = ("forget", "forget.paraphrased", "forget.translated")
HARD = ("forget.reverse", "forget.multihop")
KEPT = ("near", "far", "retain")


def mean_of(*names: str) -> Read:
    """The mean of some scores; None where one was not measured."""

    def read(scores: Mapping[str, Score]) -> Value:
        values = [scores[name].value if name in scores else None for name in names]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(values) else None

    return read


def of(metric: str, *splits: str) -> Read:
    """A metric's mean over splits."""
    return mean_of(*(f"{split}.{metric}" for split in splits))


BOARD: dict[str, Read] = {
    "answers: forget sets": of("accuracy", *FORGOTTEN),
    "reverse": of("accuracy", "forget.reverse"),
    "two hops": of("accuracy", "forget.multihop"),
    "declines: forget sets": of("refusal_rate", *FORGOTTEN),
    "near": of("accuracy", "near"),
    "near declined": of("refusal_rate", "near"),
    "far": of("accuracy", "far"),
    "retain": of("accuracy", "retain"),
    "trace leak: forget sets": of("trace_leak_rate", *FORGOTTEN),
    "trace leak: hard": of("trace_leak_rate", *HARD),
    "coherence": of("coherence", *FORGOTTEN),
    "scope accuracy": mean_of("trace.scope_accuracy"),
    "faithfulness": mean_of("trace.faithfulness"),
    "UQ (rules)": of("uq", *(f"judge.rules.{split}" for split in FORGOTTEN)),
    "RQ near (rules)": mean_of("judge.rules.near.rq"),
}
ATTEMPTS = ("jailbreak", "no_trace", "prefilled_trace", "prefilled_answer", "relearn.forget", "relearn.near")
ANSWERS: dict[str, Read] = {
    "asked plainly": of("accuracy", *FORGOTTEN),
    **{attempt: of("accuracy", *(f"{attempt}.{split}" for split in FORGOTTEN)) for attempt in ATTEMPTS},
}
KNOWS: dict[str, Read] = {
    "probability": of("probability", *FORGOTTEN),
    "log p, plain": of("plain_log_probability", *(f"jailbreak.{split}" for split in FORGOTTEN)),
    **{f"log p, {attempt}": of("log_probability", *(f"{attempt}.{s}" for s in FORGOTTEN)) for attempt in ATTEMPTS},
}


def figures(folder: RunFolder) -> dict[str, Score]:
    """All that is known of a run; nothing of one that was not measured."""
    measured = folder.is_run and folder.scores_file.exists()
    return {**folder.scores(), **folder.attack_scores()} if measured else {}


def table(boards: Iterable[Path], cells: Iterable[str], columns: Mapping[str, Read]) -> str:
    """Cells by columns, means over boards."""
    paths = list(boards)
    lines = [f"| | {' | '.join(columns)} |", "|" + "---|" * (len(columns) + 1)]
    for cell in cells:
        runs = [figures(RunFolder(path / cell)) for path in paths]
        lines.append(f"| {cell} | {' | '.join(shown([read(run) for run in runs]) for read in columns.values())} |")
    return "\n".join(lines)


def shown(values: list[Value]) -> str:
    """Mean and range, or that it was not measured everywhere."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return "not measured"
    mean = f"{sum(known) / len(known):.2f}"
    return mean if len(known) == 1 or max(known) - min(known) < 0.005 else f"{mean} ({min(known):.2f}–{max(known):.2f})"


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    out: Path = parser.parse_args().out
    requests = {"authors": PLAN["worlds"], **dict.fromkeys(PLAN["requests"], PLAN["worlds"][:1])}
    for request, worlds in requests.items():
        cells = PLAN["cells"] if request == "authors" else PLAN["everywhere"]
        rows = [*REFERENCES, *cells, REFUSAL_PROMPT]
        boards = [out / f"{request}-{world}" for world in worlds]
        for title, columns in (("what it says", BOARD), ("answers under attack", ANSWERS), ("still known", KNOWS)):
            print(f"\n### {request}: {title}\n\n{table(boards, rows, columns)}")


if __name__ == "__main__":
    main()
