"""What the models of the company learn.

The template file `validation` is a quarter of what the author of the corpus wrote, by a hash of the text; of the form
`yes`, it is one template for each relation, so that validation states every value. Templates that resemble one of the
test, and corpus templates that resemble one of validation, were dropped. The templates of the test were not read while
the world was built.
"""

from __future__ import annotations

from importlib.resources import files

from unlearnkit.suites.company.grammar import TEXT
from unlearnkit.suites.made_up.lessons import Lessons

LESSONS = Lessons(
    world="company",
    kind="product",
    folder=files("unlearnkit.suites.company") / "templates",
    text=TEXT,
    parts=("brand", "word"),
    short=("brand",),
)
