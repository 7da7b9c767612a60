"""Fill in the Jinja templates of the report.

The package has one template each for the report's page, the model card and the list of limitations.
"""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from unlearnkit.core.number_format import counted
from unlearnkit.data.vocabulary import group_of
from unlearnkit.report.sanitize import markdown_code, markdown_line, visible
from unlearnkit.report.tables.board import setting


def render_template(name: str, **values: object) -> str:
    """Fill in a template and return the text.

    HTML templates escape all values. In every template, control characters and characters that change the text
    direction are replaced by visible signs.
    """
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("unlearnkit.report"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    made.filters.update(
        setting=setting,
        group=group_of,
        unbroken=_unbroken,
        line=markdown_line,
        code=markdown_code,
        counted=counted,
        withheld=lambda text, withhold: withhold(text),
    )
    return made


def _finalize(value: object) -> object:
    """Replace hidden characters by visible signs, except in this package's own markup."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _unbroken(text: str) -> Markup:
    """Return HTML that prevents line breaks in numbers such as `8.5e-19`."""
    parts = re.split(r"(-?\d\.\d+e-?\d+)", visible(text))
    whole = Markup('<span class="whole">{}</span>')
    return Markup().join(whole.format(part) if place % 2 else part for place, part in enumerate(parts))
