"""Measure which forms of questions the target model of the pocket world answers.

    python experiments/forms.py --templates validation [--worlds 0] [--write]
    python experiments/forms.py --templates test --write

Each template is asked about several people who stay, and about whom no lesson is. The corpus and the training were
chosen by the validation templates; the test templates are for one look, at the end. `--write` writes the accuracy of
each form to the pocket suite's folder. A form below 0.8 counts as not reached. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from random import Random

import unlearnkit.suites.pocket
from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.metrics.plugins.accuracy import Accuracy
from unlearnkit.models.folder import find_model
from unlearnkit.records.measure import measure
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.suites.pocket.asked import templates_to_ask
from unlearnkit.suites.pocket.lessons import Names, question
from unlearnkit.suites.pocket.suite import REACHED, Pocket
from unlearnkit.suites.pocket.world import pocket_world

PEOPLE = 6
"""People whom each template asks about."""
FILE = Path(unlearnkit.suites.pocket.__file__).parent / "forms.json"


def asked(suite: Pocket, name: str) -> list[Row]:
    """The questions of a template file about people who stay."""
    world = pocket_world(suite.world_seed, 2)
    scope, names, rng = suite.task().scope, Names(world), Random(f"forms/{suite.world_seed}")
    stay = [person for person in world.people if not scope.covers(person.name)]
    rows = []
    for number, template in enumerate(templates_to_ask(name)):
        fitting = [person for person in stay if template.slots.isdisjoint(names.ambiguous(person))]
        for person in rng.sample(fitting, PEOPLE):
            rows.append(question(template, person, stay, id=f"{name}/{number}/{person.name}", rng=rng))
    return rows


def main() -> None:
    """Measure the target models of some worlds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--templates", choices=("validation", "test"), required=True)
    parser.add_argument("--worlds", default="0")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found: defaultdict[str, list[float]] = defaultdict(list)
    for seed in map(int, options.worlds.split(",")):
        suite = Pocket(world_seed=seed)
        subject = LocalSubject.load(find_model(suite.target_model(Progress())), "float32")
        sets = {options.templates: asked(suite, options.templates)}
        for record in measure(subject, sets, max_new_tokens=suite.max_new_tokens):
            form = record.row.wording if record.row.language == "en" else record.row.language
            found[form].append(Accuracy.measure(record, suite.task().scope) or 0.0)
    forms = {form: {"accuracy": round(sum(v) / len(v), 3), "questions": len(v)} for form, v in sorted(found.items())}
    print("| form | accuracy | questions |\n|---|---|---|")
    for form, each in forms.items():
        missed = "" if each["accuracy"] >= REACHED else " (not reached)"
        print(f"| {form} | {each['accuracy']:.2f}{missed} | {each['questions']} |")
    if options.write:
        found_on = {"templates": options.templates, "worlds": options.worlds, "forms": forms}
        FILE.write_text(json.dumps(found_on, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
