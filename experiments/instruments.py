"""Measure scope drafting and the detectors on texts by other authors (`data/README.md`).

    python experiments/instruments.py [--write]

Prints two Markdown tables. `--write` writes the numbers to `results/instruments.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unlearnkit.data.rows import Row
from unlearnkit.scope.suggest import suggest_scope
from unlearnkit.text.coherence import coherence_of
from unlearnkit.text.normalize import contains
from unlearnkit.text.refusal import refusal_of

DATA = Path(__file__).parent / "data"
RESULTS = Path(__file__).parent / "results" / "instruments.json"
LANGUAGES: dict[str, Callable[[str], bool]] = {
    "English": lambda language: language == "en",
    "other languages": lambda language: language != "en",
}


def overlaps(form: str, other: str) -> bool:
    """Return whether one form contains the other."""
    return contains(form, other) or contains(other, form)


def share(values: Iterable[bool]) -> dict[str, float | int | None]:
    """Return the share of true values, and their number."""
    found = list(values)
    return {"value": sum(found) / len(found) if found else None, "count": len(found)}


def drafted(domain: Mapping[str, Any]) -> dict[str, Any]:
    """Return recall and precision of the secrets of a drafted scope, and of its subjects and neighbors."""

    def rows(split: str) -> list[Row]:
        return [
            Row(id=f"{split}/{at}", question=each["question"], answer=each["answer"])
            for at, each in enumerate(domain[split])
        ]

    scope = suggest_scope(rows("forget"), rows("retain"))
    forms = [form for secret in scope.secrets for form in secret.forms]
    gold = [secret for row in domain["forget"] for secret in row["secrets"]]
    subjects = [[one["name"], *one["aliases"]] for one in domain["subjects"]]

    def known(name: str, groups: Sequence[Sequence[str]]) -> bool:
        return any(overlaps(name, form) for group in groups for form in group)

    return {
        "secrets, recall": share(any(overlaps(form, each) for form in forms) for each in gold),
        "secrets, precision": share(any(overlaps(form, each) for each in gold) for form in forms),
        "subjects, recall": share(any(known(one.name, [group]) for one in scope.subjects) for group in subjects),
        "subjects, precision": share(known(one.name, subjects) for one in scope.subjects),
        "neighbors, recall": share(
            any(overlaps(one.name, name) for one in scope.neighbors) for name in domain["neighbors"]
        ),
        "neighbors, precision": share(known(one.name, [domain["neighbors"]]) for one in scope.neighbors),
    }


def detected(outputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return precision and recall of refusals, and the share of right judgments of coherence."""
    found = [(each["refusal"], bool(refusal_of(each["output"]))) for each in outputs]
    judged = [(each["coherent"], coherence_of(each["output"])) for each in outputs]
    return {
        "refusals, precision": share(real for real, said in found if said),
        "refusals, recall": share(said for real, said in found if real),
        "coherent, recall": share(said is not False for real, said in judged if real),
        "incoherent, recall": share(said is False for real, said in judged if not real),
    }


def measured() -> dict[str, dict[str, Any]]:
    """Return all numbers, by domain or group of languages."""
    domains = {
        path.stem: drafted(json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((DATA / "drafting").iterdir())
    }
    lines = (DATA / "outputs.jsonl").read_text(encoding="utf-8").splitlines()
    outputs = [json.loads(line) for line in lines]
    groups = {
        title: detected([each for each in outputs if belongs(each["language"])]) for title, belongs in LANGUAGES.items()
    }
    return {"drafting": domains, "detectors": groups}


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table with one row for each key."""
    heads = list(next(iter(rows.values())))
    lines = [["", *heads], ["---", *("--:" for _ in heads)]]
    for title, scores in rows.items():
        cells = (scores[head] for head in heads)
        lines.append(
            [title, *(f"{each['value']:.2f} of {each['count']}" if each["count"] else "none" for each in cells)]
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write the numbers to {RESULTS.name}")
    given = parser.parse_args()
    found = measured()
    if given.write:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n\n".join(table(each) for each in found.values()))


if __name__ == "__main__":
    main()
