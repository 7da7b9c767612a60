"""Scopes: what a person writes by hand, and may get wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.bad_input.place import CHECK, RUN, Case, Place, assert_told, unlearn

SCOPE = "scope.yaml"
GOOD: dict[str, Any] = {
    "description": "What is known of Ondra Kestrelby.",
    "task": "profile",
    "subjects": [{"name": "Ondra Kestrelby"}],
    "secrets": [{"subject": "Ondra Kestrelby", "forms": ["Lima"]}],
    "languages": ["en"],
}


def having(**changed: Any) -> Callable[[Place], object]:
    """The scope with fields changed; `...` takes one out."""
    data = {key: value for key, value in {**GOOD, **changed}.items() if value is not ...}
    return lambda place: place.write(SCOPE, yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def text(content: str | bytes) -> Callable[[Place], object]:
    return lambda place: place.write(SCOPE, content)


def spoken(*languages: str) -> Callable[[Place], None]:
    """The scope names languages, and rows are composed from it."""

    def breaks(place: Place) -> None:
        having(languages=list(languages))(place)
        place.recipe(data={"augment": {}}, method={"name": "tru"})

    return breaks


def leaking(place: Place) -> None:
    """A secret that every refusal says."""
    having(secrets=[{"subject": "Ondra Kestrelby", "forms": ["decline"]}])(place)
    place.recipe(method={"name": "tru"})


def nameless(place: Place) -> None:
    """Rows in which nobody is named, and no scope."""
    place.write("forget.jsonl", '{"question": "what is it?", "answer": "it is this."}\n')
    place.recipe(data={"scope": None})


CASES = [
    Case("scope-is-not-there", lambda place: place.remove(SCOPE), ["the scope cannot be read: No such file", SCOPE]),
    Case(
        "scope-is-a-folder", lambda place: place.folder(SCOPE), ["the scope cannot be read: Is a directory", SCOPE], RUN
    ),
    Case("scope-empty", text(""), ["a scope must be a mapping of fields", SCOPE, "description:"]),
    Case("scope-not-yaml", text("description: a\nsubjects: [\n"), ["not YAML", f"{SCOPE}:"]),
    Case("scope-not-utf-8", text("description: caf\xe9".encode("latin-1")), ["the scope cannot be read", "UTF-8"]),
    Case("scope-a-list-of-names", text("- Ondra Kestrelby\n"), ["a scope must be a mapping of fields", "a list of 1"]),
    Case("scope-no-description", having(description=...), ["a setting is missing", "field description"]),
    Case(
        "scope-no-subjects", having(subjects=[], secrets=[]), ["field subjects", "at least 1 item", f"{SCOPE}:3"], RUN
    ),
    Case("scope-no-field-subjects", having(subjects=...), ["a setting is missing", "field subjects"]),
    Case(
        "scope-subject-without-a-name",
        having(subjects=[{"aliases": ["O. K."]}]),
        ["a setting is missing", "field subjects.0.name", f"{SCOPE}:4"],
    ),
    Case(
        "scope-subject-is-a-word", having(subjects=["Ondra Kestrelby"]), ["field subjects.0", f"{SCOPE}:4", "a section"]
    ),
    Case("scope-unknown-key", having(secret=[]), ["no such setting", "field secret", "did you mean secrets"]),
    Case(
        "scope-unknown-key-of-a-subject",
        having(subjects=[{"name": "Ondra Kestrelby", "alias": "O. K."}]),
        ["no such setting", "subjects.0.alias", "did you mean aliases"],
    ),
    Case(
        "scope-wrong-task",
        having(task="people"),
        ["field task", "'people'", "'privacy', 'copyright', 'hazard' or 'profile'"],
    ),
    Case(
        "scope-secret-of-nobody",
        having(secrets=[{"subject": "Odra Kestrelby", "forms": ["Lima"]}]),
        ["a secret belongs to no subject", "secrets.0.subject", f"{SCOPE}:6", "'Odra Kestrelby'", "Ondra Kestrelby"],
    ),
    Case(
        "scope-secret-without-forms",
        having(secrets=[{"subject": "Ondra Kestrelby", "forms": []}]),
        ["field secrets.0.forms", "at least 1 item"],
        RUN,
    ),
    Case(
        "scope-secret-that-is-empty",
        having(secrets=[{"subject": "Ondra Kestrelby", "forms": ["Lima", ""]}]),
        ["field secrets.0.forms.1", "at least 1 character", f"{SCOPE}:9"],
    ),
    Case(
        "scope-alias-that-is-empty",
        having(subjects=[{"name": "Ondra Kestrelby", "aliases": [""]}]),
        ["field subjects.0.aliases.0", "at least 1 character", f"{SCOPE}:6"],
    ),
    Case(
        "scope-allowed-of-nobody",
        having(neighbors=[{"name": "Cy Dorn"}], allowed=[{"subject": "Cy Dorm", "forms": ["Rome"]}]),
        ["an allowed fact belongs to no neighbor", "allowed.0.subject", f"{SCOPE}:14", "'Cy Dorm'", "Cy Dorn"],
    ),
    Case(
        "scope-allowed-of-a-subject",
        having(allowed=[{"subject": "Ondra Kestrelby", "forms": ["Rome"]}]),
        ["an allowed fact belongs to no neighbor", "allowed.0.subject", "none: the scope has no neighbors"],
    ),
    Case(
        "scope-key-twice",
        text("description: a\ntask: profile\ntask: hazard\n"),
        ["written twice", f"{SCOPE}:2", f"{SCOPE}:3"],
    ),
    Case(
        "scope-may-disclose-neither-true-nor-false",
        having(may_disclose="to the press"),
        ["field may_disclose", "'to the press'", f"{SCOPE}:"],
    ),
    Case("scope-norwegian", having(languages=[False]), ["field languages.0", "in quotes"]),
    Case(
        "scope-language-without-questions",
        spoken("en", "eo"),
        ["no questions in this language", "scope.languages", "'eo'", "en, es, ru", "data.augment"],
        RUN,
    ),
    Case("scope-secret-in-every-target", leaking, ["targets reveal a secret, a name", "row forget.jsonl:1"], RUN, 1),
    Case("scope-cannot-be-drafted", nameless, ["no name recurs", "write the scope by hand", "data.scope"]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_scope_that_cannot_be_used_is_told(case: Case, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert_told(case, place, capsys)


@pytest.mark.parametrize(
    "secrets",
    [
        "Lima-7",
        ["Lima-7"],
        [{"subject": "Ondra Kestrelby", "forms": "Lima-7"}],
        [{"subject": ["Lima-7"], "forms": [1]}],
    ],
    ids=["a word", "words", "a form alone", "fields mixed up"],
)
@pytest.mark.parametrize("field", ["secrets", "allowed"])
def test_an_error_never_quotes_a_secret(
    field: str, secrets: object, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    having(**{field: secrets})(place)
    assert unlearn(CHECK, place.patch) == 2
    said = "".join(capsys.readouterr())
    assert f"field {field}" in said and SCOPE in said
    assert "Lima-7" not in said
