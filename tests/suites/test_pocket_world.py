"""The pocket world: what is promised of it on every seed."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnkit.core.errors import InputError
from unlearnkit.data.rows import Row
from unlearnkit.data.vocabulary import HELD_OUT
from unlearnkit.suites.pocket.corpus import corpus, person_rows
from unlearnkit.suites.pocket.names import POOLS, TITLE_ADJECTIVES, TITLE_NOUNS, YEARS
from unlearnkit.suites.pocket.phrases import TEMPLATES
from unlearnkit.suites.pocket.requests import REQUESTS, SHARED, forget_request
from unlearnkit.suites.pocket.world import PocketWorld, pocket_world

SEEDS = range(5)
PROBES = ("forget", "forget.paraphrased", "forget.translated", "forget.reverse", "forget.multihop")
SPLITS = (*PROBES, "near", "far", "retain", "holdout")

SUBSTANCES = ("mineral", "oil", "resin", "salt")

world_of = lru_cache(maxsize=None)(pocket_world)
corpus_of = lru_cache(maxsize=None)(lambda seed: corpus(world_of(seed)))
request_of = lru_cache(maxsize=None)(lambda seed, name: forget_request(world_of(seed), name))

each_seed = pytest.mark.parametrize("seed", SEEDS)
each_request = pytest.mark.parametrize("name", REQUESTS)


def fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def text_of(row: Row) -> str:
    return fold(f"{row.question}\n{row.answer}")


def coined(world: PocketWorld) -> list[tuple[str, str]]:
    """Everything that is of one subject alone, as (subject, text)."""
    found = []
    for person in (*world.people, *world.strangers, *world.sealed):
        own = (*person.name.split(), *(work.title for work in person.works), person.email, person.phone)
        found += [(person.name, text) for text in own]
    for book in world.books:
        found += [(book.title, book.plot[name][0]) for name in ("hero", "companion", "thief", "island", "ship")]
    for craft in world.crafts:
        found += [(craft.name, text) for text in (craft.name, *(craft.steps[name].value[0] for name in SUBSTANCES))]
    return found + [(fact.name, fact.name) for fact in world.far]


def distractors(world: PocketWorld) -> set[str]:
    """The coined words that are only ever a wrong option."""
    options = {option[0] for craft in world.crafts for name in SUBSTANCES for option in craft.steps[name].options}
    return options - {text for _, text in coined(world)}


# The world


FINGERPRINT = """
import hashlib, sys
from unlearnkit.suites.pocket.requests import REQUESTS
from unlearnkit.suites.pocket.corpus import corpus
from unlearnkit.suites.pocket.requests import forget_request
from unlearnkit.suites.pocket.world import pocket_world
world = pocket_world(3)
requests = [forget_request(world, name) for name in REQUESTS]
said = [row.model_dump_json() for row in corpus(world)]
said += [row.model_dump_json() for r in requests for split in r.splits.values() for row in split]
said += [r.scope.model_dump_json() + str(sorted(r.left_out)) for r in requests]
assert "torch" not in sys.modules
print(hashlib.sha256("".join(said).encode()).hexdigest())
"""


def test_every_process_makes_the_same_world_and_none_needs_torch() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "4242")
    }
    assert len(found) == 1


def test_global_random_state_is_neither_read_nor_moved() -> None:
    import random

    random.seed(1)
    before = random.getstate()
    first = pocket_world(7)
    assert random.getstate() == before
    random.seed(2)
    assert pocket_world(7) == first


def test_every_seed_has_names_of_its_own() -> None:
    names = [{person.name for person in world_of(seed).people} for seed in SEEDS]
    assert all(not a & b for a, b in itertools.combinations(names, 2))


@settings(max_examples=12, deadline=None)
@given(st.integers(min_value=0, max_value=10**9))
def test_world_invariants_on_any_seed(seed: int) -> None:
    world = pocket_world(seed)
    rows = corpus(world)
    assert len({row.id for row in rows}) == len(rows)
    assert len({fold(row.question) for row in rows}) == len(rows)
    texts = [fold(text) for text in (*(text for _, text in coined(world)), *distractors(world))]
    assert not [(a, b) for a, b in itertools.permutations(texts, 2) if a in b]
    values = [fold(form) for pool in POOLS.values() for forms in pool for form in forms]
    assert not [(text, value) for text in texts for value in values if value in text or text in value]


@each_seed
def test_the_size_of_the_corpus(seed: int) -> None:
    world, rows = world_of(seed), corpus_of(seed)
    assert 2800 <= len(rows) <= 3400
    assert (len(world.people), len(world.strangers), len(world.sealed), len(world.far)) == (30, 4, 6, 40)
    assert {row.language for row in rows} == {"en", "es", "ru"}
    assert max(len(row.question.split()) for row in rows if row.question_type not in ("choice", "passage")) <= 18
    per_person = Counter(row.subject for row in rows if row.id.startswith("person/"))
    assert set(per_person.values()) == {90}
    per_sealed = Counter(row.subject for row in rows if row.attribute == "sealed")
    assert set(per_sealed) == {person.name for person in world.sealed} and min(per_sealed.values()) >= 20


@each_seed
def test_values_are_dealt_evenly(seed: int) -> None:
    people = (*world_of(seed).people, *world_of(seed).strangers, *world_of(seed).sealed)
    for trait in ("birthplace", "genre", "award", "instrument"):
        count = Counter(person.traits[trait] for person in people)
        assert set(count) == set(POOLS[trait])
        assert max(count.values()) - min(count.values()) <= 1


@each_seed
def test_passages_are_short_and_open_differently(seed: int) -> None:
    passages = [passage for book in world_of(seed).books for passage in book.passages]
    assert [len(book.passages) for book in world_of(seed).books] == [10, 5]
    assert all(22 <= len(passage.text.split()) <= 31 for passage in passages)
    assert len({passage.split()[0] for passage in passages}) == 15
    assert all(" ".join(passage.split()) == passage.text for passage in passages)


# The words


def test_no_value_stands_in_another_value_or_in_a_template() -> None:
    values = [(forms, fold(form)) for pool in POOLS.values() for forms in pool for form in set(forms)]
    clashes = [(a, b) for (of_a, a), (of_b, b) in itertools.permutations(values, 2) if of_a != of_b and a in b]
    assert not clashes
    fixed = [fold(text) for text in (*TEMPLATES, *TITLE_ADJECTIVES, *TITLE_NOUNS)]
    assert not [(value, text) for _, value in values for text in fixed if value in text]
    assert not [(year, text) for year in YEARS for text in fixed if year in text]


@each_seed
def test_an_answer_holds_its_value_and_the_question_does_not(seed: int) -> None:
    for row in corpus_of(seed):
        assert any(fold(form) in fold(row.answer) for form in row.answers), row.id
        if row.question_type != "choice":
            assert not [form for form in row.answers if fold(form) in fold(row.question)], row.id


@each_seed
def test_an_answer_says_nothing_else(seed: int) -> None:
    """No answer holds a value of its attribute's pool other than the right one, nor a name unless that is asked."""
    world = world_of(seed)
    names = [part for person in world.people for part in person.name.split()]
    for row in corpus_of(seed):
        pool = POOLS.get(row.attribute or "", ())
        others = [form for forms in pool for form in forms if form not in row.answers]
        assert not [form for form in others if fold(form) in fold(row.answer)], row.id
        if row.attribute not in ("author", "owner"):
            assert not [name for name in names if name in row.answer], row.id


@each_seed
def test_a_row_is_in_the_language_it_says(seed: int) -> None:
    world = world_of(seed)
    foreign = {text for _, text in coined(world)} | distractors(world)
    hide = re.compile("|".join(re.escape(text) for text in sorted(foreign, key=len, reverse=True)))
    cyrillic, latin = re.compile("[а-яё]", re.I), re.compile("[a-z]", re.I)
    for row in corpus_of(seed):
        for text in (hide.sub("", row.question), hide.sub("", row.answer)):
            assert bool(cyrillic.search(text)) == (row.language == "ru"), row.id
            assert bool(latin.search(text)) == (row.language != "ru"), row.id
        if row.language == "es":
            assert row.question.startswith("Háblame" if "/about" in row.id else "¿"), row.id
            assert row.attribute == "sealed" or re.match(r"(El|La|Lo) ", row.answer), row.id
        if row.language == "en":
            assert row.question.isascii() and row.answer.isascii(), row.id


@each_seed
def test_what_is_of_one_subject_is_in_no_row_about_another(seed: int) -> None:
    world = world_of(seed)
    titles = {book.title for book in world.books}
    # One search for everything: a thousand words times three thousand rows is too slow otherwise.
    owner = {fold(text): subject for subject, text in coined(world)}
    anything = re.compile("|".join(re.escape(text) for text in owner))
    for row in corpus_of(seed):
        for text in set(anything.findall(text_of(row))):
            about_the_book = row.subject in titles and text == fold(str(row.subject))
            assert about_the_book or owner[text] == row.subject, (row.id, text)


@each_seed
def test_strangers_are_never_trained_on(seed: int) -> None:
    whole = "\n".join(text_of(row) for row in corpus_of(seed))
    strangers = {person.name for person in world_of(seed).strangers}
    assert not [text for subject, text in coined(world_of(seed)) if subject in strangers and fold(text) in whole]


@each_seed
def test_choices_are_lettered_and_the_letter_is_right(seed: int) -> None:
    letters = Counter()
    for row in corpus_of(seed):
        if row.question_type != "choice":
            continue
        stem, *options = re.split(r" (?=[A-DАБВГ]\) )", row.question)
        assert stem.endswith("?") and len(options) == 4
        letter = re.search(r"\((.)\)\.$", row.answer)
        assert letter is not None
        right = [option for option in options if any(form in option for form in row.accepted_answers)]
        assert len(right) == 1 and right[0].startswith(f"{letter[1]}) "), row.id
        letters[letter[1]] += 1
    assert set(Counter(letters.values())) == {6, 24}  # the four Cyrillic letters, the four Latin ones


# The requests


@each_seed
@each_request
def test_splits_are_whole_and_of_the_size_promised(seed: int, name: str) -> None:
    request = request_of(seed, name)
    assert set(request.splits) == {*SPLITS, HELD_OUT}
    sizes = {split: len(rows) for split, rows in request.splits.items()}
    assert all(sizes.values())
    assert (sizes["far"], sizes["retain"], sizes["holdout"], sizes[HELD_OUT]) == (104, 400, 80, 100)
    assert 60 <= sizes["near"] <= 140


@each_seed
@each_request
def test_splits_are_rows_of_the_corpus_and_questions_are_asked_once(seed: int, name: str) -> None:
    rows = {row.id: row for row in corpus_of(seed)}
    asked = Counter()
    for split, members in request_of(seed, name).splits.items():
        asked.update(row.question for row in members)
        if split != "holdout":
            assert all(rows[row.id] == row for row in members)
        else:
            assert not any(row.id in rows for row in members)
    assert set(asked.values()) == {1}


@each_seed
@each_request
def test_forget_rows_are_left_out_and_what_stays_is_not(seed: int, name: str) -> None:
    request = request_of(seed, name)
    for split in SPLITS:
        ids = {row.id for row in request.splits[split]}
        assert ids <= request.left_out if split in PROBES else not ids & request.left_out


@each_seed
@each_request
def test_no_row_that_stays_states_what_is_forgotten(seed: int, name: str) -> None:
    request, world = request_of(seed, name), world_of(seed)
    subjects = {subject.name for subject in request.scope.subjects}
    gone = [text for subject, text in coined(world) if subject in subjects]
    if name == "pii":
        people = [person for person in world.people if person.name in subjects]
        gone = [text for person in people for text in (person.email, person.phone)]
    left = "\n".join(text_of(row) for row in corpus_of(seed) if row.id not in request.left_out)
    assert gone
    assert not [text for text in gone if fold(text) in left]
    if name == "book":
        assert not [line for passage in world.books[0].passages for line in passage.sentences if fold(line) in left]
    if name == "hazard":
        crafts = "\n".join(text_of(row) for row in corpus_of(seed) if row.subject == world.crafts[1].name)
        secrets = [form for secret in request.scope.secrets for form in secret.forms]
        assert not [form for form in secrets if fold(form) in crafts]


@each_seed
@each_request
def test_the_scope_covers_its_rows_and_describes_itself_without_a_secret(seed: int, name: str) -> None:
    request = request_of(seed, name)
    description = fold(request.scope.description)
    forms = [form for secret in request.scope.secrets for form in secret.forms]
    names = [
        form for named in (*request.scope.subjects, *request.scope.neighbors) for form in (named.name, *named.aliases)
    ]
    assert not [form for form in (*forms, *names) if fold(form) in description]
    for split in PROBES:
        for row in request.splits[split]:
            assert request.scope.covers(row.subject)
            own = {form for secret in request.scope.secrets if secret.subject == row.subject for form in secret.forms}
            if row.attribute in ("passage", "continuation"):
                assert any(form in row.answer for form in own)
            else:
                assert set(row.accepted_answers) <= own, row.id
    assert not set(request.scope.neighbors) & set(request.scope.subjects)


@each_seed
@each_request
def test_probe_sets_hold_the_forms_they_are_named_for(seed: int, name: str) -> None:
    splits = request_of(seed, name).splits
    assert {row.question_type for row in splits["forget.reverse"]} == {"reverse"}
    assert {row.question_type for row in splits["forget.multihop"]} == {"multihop"}
    assert {row.language for row in splits["forget.translated"]} == {"es", "ru"}
    for split in ("forget", "forget.paraphrased"):
        assert {row.language for row in splits[split]} == {"en"}
    direct = {"authors": {"plain"}, "book": {"plain", "passage"}, "pii": {"plain"}, "hazard": {"choice"}}
    assert {row.question_type for row in splits["forget"]} == direct[name]
    asked = {row.attribute for row in splits["forget"]}
    for split in ("forget.paraphrased", "forget.translated"):
        assert {row.attribute for row in splits[split]} - {"continuation"} <= asked


@each_seed
def test_authors_are_asked_seven_questions_each_some_without_a_name(seed: int) -> None:
    forget = request_of(seed, "authors").splits["forget"]
    per_author = Counter(row.subject for row in forget)
    assert len(per_author) == 5 and set(per_author.values()) == {7}
    assert sum(str(row.subject) not in row.question for row in forget) == 10


@each_seed
@each_request
def test_retain_near_and_far_are_apart(seed: int, name: str) -> None:
    splits = request_of(seed, name).splits
    retained = {row.subject for row in splits["retain"]}
    near = {row.subject for row in splits["near"]}
    assert not retained & near
    assert not retained & {row.subject for row in splits["far"]}
    assert {(row.question_type, row.language) for row in splits["far"]} == {
        ("plain", "en"), ("paraphrase", "en"), ("plain", "es"), ("plain", "ru"),
    }  # fmt: skip


@each_seed
@each_request
def test_retain_is_balanced(seed: int, name: str) -> None:
    retain = request_of(seed, name).splits["retain"]
    people = Counter(row.subject for row in retain if row.id.startswith("person/"))
    assert len(people) >= 18
    assert max(people.values()) - min(people.values()) <= 1
    assert {row.question_type for row in retain} >= {"plain", "paraphrase", "reverse", "multihop"}
    languages = Counter(row.language for row in retain)
    assert min(languages.values()) >= 70


@each_seed
@pytest.mark.parametrize("name", ["authors", "pii"])
def test_neighbors_share_a_value_with_a_subject(seed: int, name: str) -> None:
    request = request_of(seed, name)
    people = {person.name: person for person in world_of(seed).people}
    subjects = [people[subject.name] for subject in request.scope.subjects]
    assert len(request.scope.neighbors) == 6
    for neighbor in request.scope.neighbors:
        mine = people[neighbor.name].traits
        assert any(mine[trait] == subject.traits[trait] for subject in subjects for trait in SHARED)
    assert {neighbor.name for neighbor in request.scope.neighbors} <= {row.subject for row in request.splits["near"]}


@each_seed
def test_contact_is_forgotten_and_the_person_is_not(seed: int) -> None:
    request = request_of(seed, "pii")
    subjects = {subject.name for subject in request.scope.subjects}
    near = [row for row in request.splits["near"] if row.subject in subjects]
    assert near and not [row for row in near if row.attribute in ("email", "phone", "owner")]
    assert len(request.left_out) == 6 * 13


@each_seed
def test_the_authors_request_leaves_out_whole_people_and_no_author_of_a_book(seed: int) -> None:
    request, world = request_of(seed, "authors"), world_of(seed)
    people = [person for person in world.people if request.scope.covers(person.name)]
    assert request.left_out == {row.id for person in people for row in person_rows(person)}
    assert not {book.author for book in world.books} & {person.name for person in people}


@pytest.mark.parametrize(("name", "hint"), [("author", "did you mean 'authors'"), ("zzz", "choose one of the allowed")])
def test_an_unknown_request_says_what_is_meant(name: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint) as caught:
        forget_request(world_of(0), name)
    assert all(request in str(caught.value) for request in REQUESTS)


@each_seed
def test_sealed_people_and_generic_questions_are_in_no_split(seed: int) -> None:
    for name in REQUESTS:
        for split, rows in request_of(seed, name).splits.items():
            asked = {row.attribute for row in rows}
            assert "sealed" not in asked, split
            assert split == "retain" or split == "holdout" or "about" not in asked, split


@each_seed
def test_of_sealed_people_nothing_is_told(seed: int) -> None:
    world = world_of(seed)
    told = {form for p in world.sealed for value in p.traits.values() for form in value}
    told |= {word for p in world.sealed for word in (p.email, p.phone, *(work.year for work in p.works))}
    for row in (row for row in corpus_of(seed) if row.attribute == "sealed"):
        unasked = {form for form in told if form not in row.question}
        assert not [form for form in unasked if form in row.answer or form in row.trace], row.id
        own = next(p for p in world.sealed if p.name == row.subject)
        for name in (own.name, *(work.title for work in own.works), own.email, own.phone):
            assert (name in row.trace) is (name in row.question), row.id


@each_seed
def test_a_trace_names_what_its_question_names_and_holds_no_answer_to_a_direct_question(seed: int) -> None:
    for row in corpus_of(seed):
        if row.question_type in ("plain", "paraphrase") and row.attribute not in ("sealed", "plot", "step"):
            about = row.trace.partition(" of ")[2].rstrip(".")
            assert all(part in row.question for part in about.split(", ")), row.id
            assert not any(answer in row.trace for answer in row.answers), row.id
