"""Count how often `unlearn explain` names the right line of the scope, in questions that other people wrote.

    python experiments/explain_lines.py --templates validation --worlds 0,1,2
    python experiments/explain_lines.py --templates test --worlds 3,4,5

The rules were developed on the validation templates of worlds 0 to 2. The test templates, in worlds 3 to 5, are for one
look at the end. No model is asked: the line is found from the question and the earlier turns, without a trace. Prints
Markdown tables.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from forms import SUITES
from unlearnkit.data.rows import Row
from unlearnkit.scope.lines import Line, line_of
from unlearnkit.scope.scope import Scope
from unlearnkit.suites.made_up.base import MadeUpSuite
from unlearnkit.text.normalize import contains
from unlearnkit.text.spellings import is_one_edit_apart, words

SETS = ("forget.asked", "near.asked", "near.half_name", "unknown.asked", "nobody.asked")
FORGET = SETS[0]
Counts = Mapping[str, Counter[str]]
"""For each suite, the number of questions by outcome."""


def owner_of(scope: Scope, line: Line) -> str:
    """Return the name of the subject or neighbor that a line is about."""
    group, _, rest = line.path.partition("[")
    at = int(rest.partition("]")[0])
    return scope.secrets[at].subject if group == "secrets" else getattr(scope, group)[at].name


def names_nobody(scope: Scope, row: Row) -> bool:
    """Return whether no word of the subject's names and no secret of the subject is in the conversation."""
    read = words(row.conversation)
    of_names = {
        word for each in scope.subjects if each.name == row.subject for name in each.names for word in words(name)
    }
    if any(word == other or is_one_edit_apart(word, other) for word in of_names if len(word) > 3 for other in read):
        return False
    secrets = [form for secret in scope.secrets if secret.subject == row.subject for form in secret.forms]
    return not any(contains(row.conversation, form) for form in secrets)


def outcomes(scope: Scope, row: Row) -> list[str]:
    """Return what the line of a row counts as."""
    line = line_of(scope, row.question, history=[turn.content for turn in row.history if turn.role != "system"])
    if scope.covers(row.subject):
        if line is None:
            return ["none", "names nobody"] if names_nobody(scope, row) else ["none"]
        return ["right", line.match] if owner_of(scope, line) == row.subject else ["wrong"]
    if line is None:
        return ["right", "none"]
    return ["right", "neighbor"] if line.path.startswith("neighbors") else ["wrong"]


def rows_of(suite: MadeUpSuite, templates: str) -> Mapping[str, Sequence[Row]]:
    task = suite.task()
    return task.validation if templates == "validation" else task.measured


def table(title: str, by_key: Mapping[str, Counts]) -> None:
    """Print the number of right lines and of questions, with one column for each suite."""
    print(f"\n| {title} | {' | '.join(SUITES)} |\n|---|{'--:|' * len(SUITES)}")
    for key, counts in by_key.items():
        cells = (counts[suite] for suite in SUITES)
        texts = (f"{cell['right']} / {cell['questions']}" if cell["questions"] else "–" for cell in cells)
        print(f"| {key} | {' | '.join(texts)} |")


def main() -> None:
    """Count the lines in some worlds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--templates", choices=("validation", "test"), required=True)
    parser.add_argument("--worlds", default="0")
    parser.add_argument("--misses", action="store_true", help="also print the questions with a wrong line or none")
    options = parser.parse_args()
    sets: dict[str, defaultdict[str, Counter[str]]] = {name: defaultdict(Counter) for name in SETS}
    forms: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    misses: list[str] = []
    for seed in map(int, options.worlds.split(",")):
        for suite_name, make in SUITES.items():
            suite = make(seed)
            scope, found = suite.task().scope, rows_of(suite, options.templates)
            for name in SETS:
                for row in found[name]:
                    counted = ["questions", *outcomes(scope, row)]
                    sets[name][suite_name].update(counted)
                    if name == FORGET:
                        forms[row.wording if row.language == "en" else row.language][suite_name].update(counted)
                    if "right" not in counted:
                        misses.append(f"{suite_name} {seed}, {name}, {row.wording}, {row.subject}: {row.conversation}")
    table("set", sets)
    table(f"form, {FORGET}", dict(sorted(forms.items())))
    print(f"\nHow the lines of `{FORGET}` were found, or why not:\n")
    for suite_name, counts in sets[FORGET].items():
        rest = {key: count for key, count in counts.most_common() if key not in ("questions", "right")}
        print(f"- {suite_name}: {', '.join(f'{key} {count}' for key, count in rest.items())}")
    if options.misses:
        print("\n" + "\n".join(misses))


if __name__ == "__main__":
    main()
