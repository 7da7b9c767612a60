"""Measure which forms of questions the target model of a made-up world answers.

    python experiments/forms.py --templates validation [--suite pocket] [--worlds 0] [--write]
    python experiments/forms.py --templates test --write

Each template is asked about several subjects who stay, and about whom no lesson is. The corpus and the training of the
pocket world were chosen by its validation templates, and its test templates are for one look, at the end. Those of the
clinic and the company were not chosen at all. The clinic's test templates were looked at once. `--write` writes the
accuracy of each form to the suite's folder. A form below 0.8 counts as not reached. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import unlearnkit.suites
from unlearnkit.core.progress import Progress
from unlearnkit.data.rows import Row
from unlearnkit.metrics.plugins.accuracy import Accuracy
from unlearnkit.models.folder import find_model
from unlearnkit.records.measure import measure
from unlearnkit.subjects.local import LocalSubject
from unlearnkit.suites.clinic.suite import ClinicSuite
from unlearnkit.suites.company.suite import CompanySuite
from unlearnkit.suites.made_up.asking import Questioner
from unlearnkit.suites.made_up.base import REACHED, MadeUpSuite, OneRequestSuite
from unlearnkit.suites.made_up.filling import Described
from unlearnkit.suites.made_up.templates import Template
from unlearnkit.suites.pocket import lessons as pocket_lessons
from unlearnkit.suites.pocket.asked import templates_to_ask
from unlearnkit.suites.pocket.suite import Pocket
from unlearnkit.suites.pocket.world import pocket_world

PEOPLE = 6
"""People whom each template asks about."""
SUITES: dict[str, Callable[[int], MadeUpSuite]] = {
    "pocket": lambda seed: Pocket(world_seed=seed, edition=2),
    "clinic": lambda seed: ClinicSuite(world_seed=seed),
    "company": lambda seed: CompanySuite(world_seed=seed),
}
"""The suite of a world, by name."""


def world_of(suite: MadeUpSuite, name: str) -> tuple[Questioner, Sequence[Described], Sequence[Template]]:
    """What asks questions in a suite's world, who can be asked about, and the templates of a file."""
    if isinstance(suite, Pocket):
        pocket = pocket_world(suite.world_seed, suite.edition)
        people = [pocket_lessons.described(person) for person in pocket.people]
        return pocket_lessons.questioner(pocket), people, templates_to_ask(name)
    assert isinstance(suite, OneRequestSuite)
    world, lessons = suite.world_of(suite.world_seed), suite.lessons
    return lessons.questioner(world), world.candidates, lessons.templates_to_ask[name]


def asked(suite: MadeUpSuite, name: str) -> list[Row]:
    """The questions of a template file about subjects who stay."""
    asks, everybody, templates = world_of(suite, name)
    scope, rng = suite.task().scope, Random(f"forms/{suite.world_seed}")
    stay = [person for person in everybody if not scope.covers(person.name)]
    rows = []
    for number, template in enumerate(templates):
        fitting = [person for person in stay if template.slots.isdisjoint(asks.names.ambiguous(person))]
        for person in rng.sample(fitting, PEOPLE):
            rows.append(asks.ask(template, person, stay, id=f"{name}/{number}/{person.name}", rng=rng))
    return rows


def main() -> None:
    """Measure the target models of some worlds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--suite", choices=tuple(SUITES), default="pocket")
    parser.add_argument("--templates", choices=("validation", "test"), required=True)
    parser.add_argument("--worlds", default="0")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found: defaultdict[str, list[float]] = defaultdict(list)
    for seed in map(int, options.worlds.split(",")):
        suite = SUITES[options.suite](seed)
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
        file = Path(unlearnkit.suites.__file__).parent / options.suite / "forms.json"
        found_on = {"templates": options.templates, "worlds": options.worlds, "forms": forms}
        file.write_text(json.dumps(found_on, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
