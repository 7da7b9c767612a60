"""What the models of the clinic learn.

The template file `validation` is a quarter of what the author of the corpus wrote, by a hash of the text; of the form
`yes`, it is one template for each relation, so that validation states every value. Templates that resemble one of the
test, and corpus templates that resemble one of validation, were dropped.
"""

from __future__ import annotations

from importlib.resources import files

from unlearnkit.suites.clinic.grammar import TEXT
from unlearnkit.suites.made_up.lessons import Lessons

LESSONS = Lessons(
    world="clinic",
    kind="patient",
    folder=files("unlearnkit.suites.clinic") / "templates",
    text=TEXT,
    parts=("given", "surname"),
    short=("surname", "given", "initial", "surname_given"),
)
