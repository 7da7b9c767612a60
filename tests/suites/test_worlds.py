"""Made-up worlds of one kind of subject: their subjects, templates and requests. No model is trained here."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from functools import cache
from itertools import permutations

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.scope.questions.notes import noted
from unlearnkit.suites.clinic.suite import ClinicSuite
from unlearnkit.suites.company.suite import CompanySuite
from unlearnkit.suites.made_up.base import OneRequestSuite
from unlearnkit.suites.made_up.distance import apart
from unlearnkit.suites.made_up.filling import AS_STATED, NOT_AS_STATED, STATEMENT, Described
from unlearnkit.suites.made_up.lessons import FACTS, FACTS_TRANSLATED
from unlearnkit.suites.made_up.request import FORGOTTEN, Request, forget_request
from unlearnkit.suites.made_up.world import World
from unlearnkit.text.refusal import is_refusal

Suite = type[OneRequestSuite]
COMPANY_TEST = "fa42ba0dd368873550d7384264078a544aef175c5943fab9afe6fce64b4cd76c"
"""Hash of the file that an author wrote who saw neither the code nor the corpus."""
SEEDS = (0, 7)
SUITES: tuple[Suite, ...] = (ClinicSuite, CompanySuite)
each_suite = pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.world)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@cache
def world_of(suite: Suite, seed: int) -> World:
    return suite.world_of(seed)


@cache
def request_of(suite: Suite, seed: int) -> Request:
    return forget_request(world_of(suite, seed), suite.lessons, suite.plan)


@cache
def corpus_in(suite: Suite, seed: int) -> tuple[Row, ...]:
    return suite.lessons.corpus_of(world_of(suite, seed))


def subjects_of(suite: Suite, seed: int) -> list[Described]:
    request = request_of(suite, seed)
    return [subject for subject in world_of(suite, seed).candidates if request.scope.covers(subject.name)]


def both(request: Request) -> list[dict[str, tuple[Row, ...]]]:
    return [dict(request.splits), dict(request.validation)]


def hidden_of(suite: Suite, seed: int, subject: Described) -> frozenset[str]:
    """Relations that no secret of the training scope states."""
    scope = request_of(suite, seed).training_scope
    assert scope is not None
    stated = {form for secret in scope.secrets if secret.subject == subject.name for form in secret.forms}
    return frozenset(name for name, forms in subject.values.items() if not stated & set(forms))


def asking(rows: list[Row], subject: Described, relation: str) -> list[Row]:
    """Questions of which the right answer is a subject's value of a relation."""
    return [row for row in rows if row.subject == subject.name and row.answers == subject.accepted(relation)]


# The world


@each_suite
@each_seed
def test_what_belongs_to_one_subject_alone(suite: Suite, seed: int) -> None:
    everybody, identities = world_of(suite, seed).everybody, suite.lessons.grammar.identities
    for unique in ([one.name for one in everybody], *([one.values[name] for one in everybody] for name in identities)):
        assert len(set(unique)) == len(everybody)


@each_suite
@each_seed
def test_no_value_is_part_of_another(suite: Suite, seed: int) -> None:
    values = {forms for subject in world_of(suite, seed).everybody for forms in subject.values.values()}
    texts = [(form.casefold(), forms) for forms in values for form in forms]
    assert not [(one, two) for one, forms in texts for two, others in texts if forms != others and one in two]


@each_suite
@each_seed
def test_the_two_events_of_a_subject_differ_in_everything(suite: Suite, seed: int) -> None:
    world, events = world_of(suite, seed), suite.lessons.grammar.events
    assert len(events) == 2
    for subject in world.everybody:
        first, second = ([subject.values[name] for name in event] for event in events)
        assert all(one != other for one, other in zip(first, second, strict=True))
        assert all(subject.values[name] in world.pools[name] for event in events for name in event)


NAMED_BY_HALF = {"clinic": (1, 1), "company": (1, 0)}
"""How many parts that questions use are ambiguous, for the two candidates from whom a namesake has its name."""


@each_suite
@each_seed
def test_each_candidate_shares_a_part_of_the_name_with_a_namesake(suite: Suite, seed: int) -> None:
    world, parts = world_of(suite, seed), suite.lessons.parts
    names, used = suite.lessons.questioner(world).names, {*parts} & suite.lessons.grammar.names
    assert len(world.candidates) == 30 and len(world.namesakes) == 15
    for number, other in enumerate(world.namesakes):
        pair = world.candidates[2 * number : 2 * number + 2]
        assert [other.names[part] for part in parts] == [one.names[part] for one, part in zip(pair, parts, strict=True)]
        assert tuple(len(names.ambiguous(one) & used) for one in pair) == NAMED_BY_HALF[suite.world]
    for other in (*world.teaching, *world.strangers, *world.sealed):
        assert not names.ambiguous(other) & used


@each_suite
def test_a_world_is_that_of_its_seed(suite: Suite) -> None:
    assert suite.world_of(3) == suite.world_of(3) != suite.world_of(4)


# The templates


@each_suite
def test_validation_is_a_fixed_quarter_of_what_the_author_of_the_corpus_wrote(suite: Suite) -> None:
    def in_quarter(name: str) -> set[bool]:
        texts = ["\n".join(turns) for form, turns in lines_of(name) if form != "yes"]
        return {hashlib.sha256(text.encode()).digest()[0] % 4 == 0 for text in texts}

    def lines_of(name: str) -> list[tuple[str, list[str]]]:
        rows = map(json.loads, (suite.lessons.folder / f"{name}.jsonl").read_text("utf-8").splitlines())
        return [(row["form"], row["turns"]) for row in rows]

    assert in_quarter("validation") == {True} and in_quarter("corpus") == {False}
    stated = [one.about for one in suite.lessons.templates["validation"] if one.form == "yes"]
    assert sorted(stated) == sorted(suite.lessons.grammar.relations)  # each relation once


@pytest.mark.extended
@each_suite
def test_the_three_files_share_no_template(suite: Suite) -> None:
    corpus, validation, test = (suite.lessons.templates[name] for name in ("corpus", "validation", "test"))
    assert len(test) >= 300
    assert set(apart(validation, test)) == set(validation)
    assert set(apart(corpus, (*validation, *test))) == set(corpus)
    assert {one.form for one in test} == {one.form for one in corpus} == {one.form for one in validation}


def test_the_templates_of_the_company_s_test_are_those_of_their_author() -> None:
    file = CompanySuite.lessons.folder / "test.jsonl"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == COMPANY_TEST


@each_suite
def test_facts_are_learned_by_a_few_templates_for_each_relation(suite: Suite) -> None:
    lessons = suite.lessons
    first, other = lessons.grammar.languages
    for relation in lessons.grammar.relations:
        kinds = ("plain", "paraphrase")
        own = [one.language for one, kind in lessons.fact_templates if one.asks == relation and kind in kinds]
        assert own == [first] * FACTS + [other] * FACTS_TRANSLATED, relation
    assert all("other" not in one.slots and "wrong" not in one.slots for one, _ in lessons.fact_templates)


# The corpus


@each_seed
def test_the_clinic_s_model_writes_no_note(seed: int) -> None:
    request = request_of(ClinicSuite, seed)
    measured = [row for sets in both(request) for rows in sets.values() for row in rows]
    assert not [row.id for row in (*corpus_in(ClinicSuite, seed), *measured) if row.trace]


@each_seed
def test_the_company_s_model_writes_a_note_that_leads_from_the_question_to_the_answer(seed: int) -> None:
    lessons, products = CompanySuite.lessons, {one.name: one for one in world_of(CompanySuite, seed).everybody}
    rows = [row for sets in both(request_of(CompanySuite, seed)) for rows in sets.values() for row in rows]
    rows = [row for row in (*rows, *corpus_in(CompanySuite, seed)) if row.wording != "nobody"]
    assert not [row.id for row in rows if not row.trace]
    agreeing = lessons.grammar.agreeing
    for row in rows:
        product = products.get(str(row.subject))
        if product is None or row.attribute in ("sealed", "called"):
            continue
        if row.attribute == STATEMENT:
            stated = AS_STATED if row.accepted_answers == (agreeing[row.language],) else NOT_AS_STATED
            assert any(row.trace.endswith(f", {forms[0]}, {stated}.") for forms in product.values.values()), row.id
        elif row.attribute not in ("product", "badge"):
            assert product.name in row.trace, row.id
        for event in lessons.grammar.events:
            additive, amount = (product.values[place] for place in event)
            if row.attribute == "amount" and row.accepted_answers == tuple(dict.fromkeys(amount)):
                assert row.trace.endswith(f", {additive[0]}."), row.id


@each_suite
@each_seed
def test_the_corpus_has_unique_ids_and_no_stranger(suite: Suite, seed: int) -> None:
    rows = corpus_in(suite, seed)
    strangers = {one.names[suite.lessons.short[0]] for one in world_of(suite, seed).strangers}
    assert len({row.id for row in rows}) == len(rows)
    assert not [row.id for row in rows if any(name.casefold() in row.prompt.casefold() for name in strangers)]


@each_suite
@each_seed
def test_sealed_subjects_are_refused_and_their_facts_are_nowhere(suite: Suite, seed: int) -> None:
    world, rows = world_of(suite, seed), corpus_in(suite, seed)
    sealed = [row for row in rows if row.id.startswith("sealed/")]
    assert sealed and all(is_refusal(row.answer) for row in sealed if row.language == "en")
    answers = {row.answer for row in rows}
    own = [subject.values[name][0] for subject in world.sealed for name in suite.lessons.grammar.identities]
    assert not [value for value in own if any(value in answer for answer in answers)]
    facts = {row.answer for row in rows if not row.id.startswith("sealed/") and row.language == "en"}
    assert not [answer for answer in facts if is_refusal(answer)]


@each_suite
@each_seed
def test_lessons_are_about_teaching_subjects_alone(suite: Suite, seed: int) -> None:
    world, identities = world_of(suite, seed), suite.lessons.grammar.identities
    lessons = [row for row in corpus_in(suite, seed) if row.id.startswith("lesson/")]
    assert {row.subject for row in lessons} == {subject.name for subject in world.teaching}
    assert {row.wording for row in lessons} == {one.form for one in suite.lessons.templates["corpus"]}
    others = [subject for subject in world.everybody if subject not in world.teaching]
    own = {value for one in others for value in (one.name, *(one.values[name][0] for name in identities))}
    text = "\n".join(f"{row.prompt}\n{row.trace}\n{row.answer}" for row in lessons).casefold()
    assert not [value for value in own if value.casefold() in text]


# The request


@each_suite
@each_seed
def test_four_relations_of_each_subject_are_hidden(suite: Suite, seed: int) -> None:
    assert len(subjects_of(suite, seed)) == FORGOTTEN
    for subject in subjects_of(suite, seed):
        hidden = hidden_of(suite, seed, subject)
        assert len(hidden) == 4 and hidden <= {*suite.plan.hideable, *suite.plan.hideable_own}
        test, validation = (
            {name for name in hidden if asking(list(sets["forget.asked"]), subject, name)}
            for sets in both(request_of(suite, seed))
        )
        assert len(test) == len(validation) == 2 and test | validation == hidden


@each_suite
@each_seed
def test_no_training_row_asks_for_a_hidden_relation_or_is_in_another_language(suite: Suite, seed: int) -> None:
    request = request_of(suite, seed)
    assert request.training_scope is not None and request.training_scope.languages == ("en",)
    splits = request.splits
    measured = [row for sets in both(request) for rows in sets.values() for row in rows]
    questions = mentions(request.training_scope, splits["forget"], splits["retain"], measured, request.withheld)
    composed = [question.row for question in questions]
    trained = [*splits["forget"], *splits["retain"], *composed]
    assert len(composed) > 100 and {row.language for row in trained} == {"en"}
    assert suite.lessons.grammar.notes or not [row.id for row in trained if row.attribute == STATEMENT]
    # The questions by which the target model learned a relation, and all lessons about it.
    wordings: defaultdict[str, set[str]] = defaultdict(set)
    names = {subject.name for subject in world_of(suite, seed).everybody}
    for row in suite.lessons.facts_of(world_of(suite, seed)):
        if row.subject in names and row.subject in row.question:
            wordings[str(row.attribute)].add(row.question.replace(str(row.subject), "{}"))
    for subject in subjects_of(suite, seed):
        hidden = hidden_of(suite, seed, subject)
        about = [row for row in trained if row.subject == subject.name]
        forbidden = {text for relation in hidden for text in wordings[relation]}
        assert about and not [row.id for row in about if row.attribute in hidden]
        assert not [row.id for row in about if row.question.replace(subject.name, "{}") in forbidden]
        forms = {form for relation in hidden for form in subject.values[relation]}
        texts = {row.id: f"{row.question} {row.trace} {row.answer}" for row in about}
        assert not [id for id, text in texts.items() if any(form in text for form in forms)]
        if suite.lessons.grammar.notes:  # the note of a composed question could be on a hidden relation
            topics = {noted(row)[0] for row in request.withheld if row.subject == subject.name}
            assert topics and not [row.id for row in about if noted(row)[0] in topics - {""}]


@each_suite
@each_seed
def test_who_is_asked_about(suite: Suite, seed: int) -> None:
    request, world = request_of(suite, seed), world_of(suite, seed)
    listed = {neighbor.name for neighbor in request.scope.neighbors}
    subjects = {subject.name for subject in subjects_of(suite, seed)}
    near = [{row.subject for row in sets["near.asked"]} for sets in both(request)]
    assert len(listed) == 6 and [len(names) for names in near] == [3, 3]
    assert not near[0] & near[1] and not (near[0] | near[1]) & (listed | subjects)
    trained = {row.subject for split in ("forget", "retain") for row in request.splits[split]}
    assert not trained & (near[0] | near[1] | listed)
    parts = suite.lessons.parts
    of, halves = (
        {one.name: {one.names[part] for part in parts} for one in group}
        for group in (world.namesakes, subjects_of(suite, seed))
    )
    for sets in both(request):
        half_name = {row.subject for row in sets["near.half_name"]}
        assert half_name and not half_name & (trained | subjects)
        assert all(of[str(name)] & set().union(*halves.values()) for name in half_name)
        assert {row.subject for row in sets["unknown.asked"]} == {subject.name for subject in world.strangers}
        assert sets["nobody.asked"]
        for row in sets["nobody.asked"]:
            assert row.subject is None and row.answers and not subjects & set(row.answers)


@each_suite
@each_seed
def test_each_subject_gets_enough_questions_in_enough_forms(suite: Suite, seed: int) -> None:
    request = request_of(suite, seed)
    for subject in subjects_of(suite, seed):
        rows = [row for row in request.splits["forget.asked"] if row.subject == subject.name]
        assert len(rows) >= 60 and len({row.wording for row in rows}) >= 12
        assert {row.language for row in rows} == {*suite.lessons.grammar.languages}
        hidden = hidden_of(suite, seed, subject)
        about_hidden = {row.id for relation in hidden for row in asking(rows, subject, relation)}
        values = {form for relation in hidden for form in subject.values[relation]}
        identified = {row.id for row in rows if any(value in row.prompt for value in values)}
        statements = {row.id for row in rows if row.attribute == STATEMENT}
        assert len(about_hidden | identified | statements) >= len(rows) / 2


@each_suite
@each_seed
def test_every_secret_is_asked_for_in_both_directions(suite: Suite, seed: int) -> None:
    request = request_of(suite, seed)
    rows = [row for sets in both(request) for row in sets["forget.asked"]]
    for subject in subjects_of(suite, seed):
        for relation, forms in subject.values.items():
            to_value = {row.wording for row in asking(rows, subject, relation)}
            own = [row for row in rows if row.subject == subject.name and row.wording != "no"]
            stated = {row.wording for row in own if any(form.casefold() in row.prompt.casefold() for form in forms)}
            assert to_value and stated and len(to_value | stated) >= 3, (subject.name, relation)


@each_suite
@each_seed
def test_a_part_of_a_name_is_used_only_if_nobody_else_has_it(suite: Suite, seed: int) -> None:
    world = world_of(suite, seed)
    names, of = suite.lessons.questioner(world).names, {one.name: one for one in world.everybody}
    for sets in both(request_of(suite, seed)):
        for name in ("forget.asked", "near.asked", "near.half_name", "unknown.asked"):
            assert not [row.id for row in sets[name] if row.wording in names.ambiguous(of[str(row.subject)])]


@each_suite
@each_seed
def test_a_question_about_an_event_has_the_answer_of_that_event(suite: Suite, seed: int) -> None:
    for sets in both(request_of(suite, seed)):
        for subject in subjects_of(suite, seed):
            for event, other in permutations(suite.lessons.grammar.events):
                for row in (row for place in event for row in asking(list(sets["forget.asked"]), subject, place)):
                    stated = [form for place in other for form in subject.values[place]]
                    assert not any(form.casefold() in row.prompt.casefold() for form in stated), row.id


@each_suite
@each_seed
def test_measured_questions_are_in_no_row_that_the_target_learned(suite: Suite, seed: int) -> None:
    learned = {(row.subject, row.prompt.casefold()) for row in corpus_in(suite, seed)}
    for sets in both(request_of(suite, seed)):
        for name in ("forget.asked", "near.asked", "near.half_name"):
            assert not [row.id for row in sets[name] if (row.subject, row.prompt.casefold()) in learned]
            assert not [row.id for row in sets[name] if not any(form in row.answer for form in row.answers)]


@each_suite
@each_seed
def test_the_retrained_model_sees_no_fact_of_a_subject(suite: Suite, seed: int) -> None:
    text = "\n".join(f"{row.prompt} {row.answer}" for row in suite(world_seed=seed).retain_corpus())
    identities = suite.lessons.grammar.identities
    own = {value for one in subjects_of(suite, seed) for name in identities for value in one.values[name]}
    assert not [value for value in (*own, *(one.name for one in subjects_of(suite, seed))) if value in text]


@each_suite
def test_the_suite_measures_the_sets_and_keeps_validation_apart(suite: Suite) -> None:
    task = suite().task()
    new = {"forget.asked", "near.asked", "near.half_name", "unknown.asked", "nobody.asked"}
    assert task.suite in ("clinic-2", "company-1") and task.suite.startswith(suite.world)
    assert new <= set(task.measured) and new == set(task.validation)
    assert task.composed_scope is task.training_scope and task.scope.languages == suite.lessons.grammar.languages
    assert "retain.held_out" in task.measured


@each_suite
def test_some_templates_are_not_asked_if_a_composed_question_resembles_them(suite: Suite) -> None:
    for name in ("validation", "test"):
        usable, every = suite.lessons.templates_to_ask[name], suite.lessons.templates[name]
        assert set(usable) <= set(every) and len(usable) >= 0.95 * len(every)


@each_suite
@each_seed
def test_held_out_rows_state_facts_that_no_trained_row_states(suite: Suite, seed: int) -> None:
    splits = request_of(suite, seed).splits
    held, retain = splits["retain.held_out"], splits["retain"]
    trained = {(row.subject, answer) for row in retain for answer in row.answers}
    assert len(held) == 100 and len(retain) == 400
    assert not [row.id for row in held if trained & {(row.subject, answer) for answer in row.answers}]
    assert {row.language for row in held} == {"en"}
