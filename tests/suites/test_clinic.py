"""The made-up clinic: its patients, templates and request. No model is trained here."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from functools import lru_cache
from importlib.resources import files

import pytest

from unlearnkit.data.rows import Row
from unlearnkit.scope.questions.compose import mentions
from unlearnkit.suites.clinic.grammar import GRAMMAR, POOLS, VISITS
from unlearnkit.suites.clinic.lessons import (
    FACTS,
    corpus_of,
    fact_templates,
    facts_of,
    questioner,
    templates,
    templates_to_ask,
)
from unlearnkit.suites.clinic.request import FORGOTTEN, HIDEABLE, TRAINING_LANGUAGES, forget_request
from unlearnkit.suites.clinic.suite import ClinicSuite
from unlearnkit.suites.clinic.world import clinic
from unlearnkit.suites.made_up.distance import apart
from unlearnkit.suites.made_up.filling import STATEMENT, Described
from unlearnkit.suites.made_up.request import Request
from unlearnkit.text.refusal import is_refusal

SEEDS = (0, 7)
each_seed = pytest.mark.parametrize("seed", SEEDS)

world_of = lru_cache(maxsize=None)(clinic)
request_of = lru_cache(maxsize=None)(lambda seed: forget_request(world_of(seed)))
corpus_in = lru_cache(maxsize=None)(lambda seed: corpus_of(world_of(seed)))


def subjects_of(seed: int) -> list[Described]:
    request = request_of(seed)
    return [patient for patient in world_of(seed).patients if request.scope.covers(patient.name)]


def both(request: Request) -> list[dict[str, tuple[Row, ...]]]:
    return [dict(request.splits), dict(request.validation)]


def hidden_of(seed: int, patient: Described) -> frozenset[str]:
    """Relations that no secret of the training scope states."""
    scope = request_of(seed).training_scope
    assert scope is not None
    stated = {form for secret in scope.secrets if secret.subject == patient.name for form in secret.forms}
    return frozenset(name for name, forms in patient.values.items() if not stated & set(forms))


def asking(rows: list[Row], patient: Described, relation: str) -> list[Row]:
    """Questions of which the right answer is a patient's value of a relation."""
    return [row for row in rows if row.subject == patient.name and row.answers == patient.accepted(relation)]


# The world


@each_seed
def test_what_belongs_to_one_patient_alone(seed: int) -> None:
    everybody = world_of(seed).everybody
    for unique in ([p.name for p in everybody], *([p.values[name] for p in everybody] for name in GRAMMAR.identities)):
        assert len(set(unique)) == len(everybody)


@each_seed
def test_no_value_is_part_of_another(seed: int) -> None:
    values = {forms for patient in world_of(seed).everybody for forms in patient.values.values()}
    texts = [(form.casefold(), forms) for forms in values for form in forms]
    assert not [(one, two) for one, forms in texts for two, others in texts if forms != others and one in two]


@each_seed
def test_the_two_visits_of_a_patient_differ_in_everything(seed: int) -> None:
    for patient in world_of(seed).everybody:
        first, second = ([patient.values[name] for name in visit] for visit in VISITS)
        assert all(one != other for one, other in zip(first, second, strict=True))
        assert patient.values["visit_treatment"] in POOLS["visit_treatment"]


@each_seed
def test_each_patient_who_can_be_drawn_shares_one_half_of_the_name(seed: int) -> None:
    world = world_of(seed)
    names = questioner(world).names
    assert len(world.patients) == 30 and len(world.namesakes) == 15
    for patient in world.patients:
        assert len(names.ambiguous(patient) & {"given", "surname"}) == 1
    for other in (*world.teaching, *world.strangers, *world.sealed):
        assert not names.ambiguous(other) & {"given", "surname"}


def test_a_world_is_that_of_its_seed() -> None:
    assert clinic(3) == clinic(3) and clinic(3) != clinic(4)


# The templates


def test_validation_is_a_fixed_quarter_of_what_the_author_of_the_corpus_wrote() -> None:
    def in_quarter(name: str) -> set[bool]:
        texts = ["\n".join(turns) for form, turns in lines_of(name) if form != "yes"]
        return {hashlib.sha256(text.encode()).digest()[0] % 4 == 0 for text in texts}

    def lines_of(name: str) -> list[tuple[str, list[str]]]:
        file = files("unlearnkit.suites.clinic") / "templates" / f"{name}.jsonl"
        rows = map(json.loads, file.read_text("utf-8").splitlines())
        return [(row["form"], row["turns"]) for row in rows]

    assert in_quarter("validation") == {True} and in_quarter("corpus") == {False}
    stated = [one.about for one in templates("validation") if one.form == "yes"]
    assert sorted(stated) == sorted(GRAMMAR.relations)  # each relation once


def test_the_three_files_share_no_template() -> None:
    corpus, validation, test = (templates(name) for name in ("corpus", "validation", "test"))
    assert len(test) >= 334
    assert set(apart(validation, test)) == set(validation)
    assert set(apart(corpus, (*validation, *test))) == set(corpus)
    assert {one.form for one in test} == {one.form for one in corpus} == {one.form for one in validation}


def test_facts_are_learned_by_a_few_templates_for_each_relation() -> None:
    for relation in GRAMMAR.relations:
        own = [one for one, kind in fact_templates() if one.asks == relation and kind in ("plain", "paraphrase")]
        assert {language: sum(one.language == language for one in own) for language in FACTS} == FACTS, relation
    assert all("other" not in one.slots and "wrong" not in one.slots for one, _ in fact_templates())


# The corpus


@each_seed
def test_the_model_writes_no_note(seed: int) -> None:
    request = request_of(seed)
    measured = [row for sets in both(request) for rows in sets.values() for row in rows]
    assert not [row.id for row in (*corpus_in(seed), *measured) if row.trace]


@each_seed
def test_the_corpus_has_unique_ids_and_no_stranger(seed: int) -> None:
    rows, strangers = corpus_in(seed), {patient.names["surname"] for patient in world_of(seed).strangers}
    assert len({row.id for row in rows}) == len(rows)
    assert not [row.id for row in rows if any(name.casefold() in row.prompt.casefold() for name in strangers)]


@each_seed
def test_sealed_patients_are_refused_and_their_facts_are_nowhere(seed: int) -> None:
    rows = corpus_in(seed)
    sealed = [row for row in rows if row.id.startswith("sealed/")]
    assert sealed and all(is_refusal(row.answer) for row in sealed if row.language == "en")
    answers = {row.answer for row in rows}
    own = [patient.values[name][0] for patient in world_of(seed).sealed for name in GRAMMAR.identities]
    assert not [value for value in own if any(value in answer for answer in answers)]
    assert not [row.id for row in facts_of(world_of(seed)) if row.language == "en" and is_refusal(row.answer)]


@each_seed
def test_lessons_are_about_teaching_patients_alone(seed: int) -> None:
    world = world_of(seed)
    lessons = [row for row in corpus_in(seed) if row.id.startswith("lesson/")]
    assert {row.subject for row in lessons} == {patient.name for patient in world.teaching}
    assert {row.wording for row in lessons} == {one.form for one in templates("corpus")}
    others = [patient for patient in world.everybody if patient not in world.teaching]
    own = {value for patient in others for value in (patient.name, *(patient.values[n][0] for n in GRAMMAR.identities))}
    text = "\n".join(f"{row.prompt}\n{row.answer}" for row in lessons).casefold()
    assert not [value for value in own if value.casefold() in text]


# The request


@each_seed
def test_four_relations_of_each_subject_are_hidden(seed: int) -> None:
    assert len(subjects_of(seed)) == FORGOTTEN
    for patient in subjects_of(seed):
        hidden = hidden_of(seed, patient)
        assert len(hidden) == 4 and hidden <= {*HIDEABLE, *GRAMMAR.identities}
        test, validation = (
            {name for name in hidden if asking(list(sets["forget.asked"]), patient, name)}
            for sets in both(request_of(seed))
        )
        assert len(test) == len(validation) == 2 and test | validation == hidden


@each_seed
def test_no_training_row_asks_for_a_hidden_relation_or_is_in_german(seed: int) -> None:
    request = request_of(seed)
    assert request.training_scope is not None and request.training_scope.languages == TRAINING_LANGUAGES
    splits = request.splits
    measured = [row for sets in both(request) for rows in sets.values() for row in rows]
    questions = mentions(request.training_scope, splits["forget"], splits["retain"], measured, request.withheld)
    composed = [question.row for question in questions]
    trained = [*splits["forget"], *splits["retain"], *composed]
    assert len(composed) > 100 and {row.language for row in trained} == {"en"}
    assert not [row.id for row in trained if row.attribute == STATEMENT]
    # The questions by which the target model learned a relation, and all lessons about it.
    wordings: defaultdict[str, set[str]] = defaultdict(set)
    names = {patient.name for patient in world_of(seed).everybody}
    for row in facts_of(world_of(seed)):
        if row.subject in names and row.subject in row.question:
            wordings[str(row.attribute)].add(row.question.replace(str(row.subject), "{}"))
    for patient in subjects_of(seed):
        hidden = hidden_of(seed, patient)
        about = [row for row in trained if row.subject == patient.name]
        forbidden = {text for relation in hidden for text in wordings[relation]}
        assert about and not [row.id for row in about if row.attribute in hidden]
        assert not [row.id for row in about if row.question.replace(patient.name, "{}") in forbidden]
        forms = {form for relation in hidden for form in patient.values[relation]}
        assert not [row.id for row in about if any(form in f"{row.question} {row.answer}" for form in forms)]


@each_seed
def test_who_is_asked_about(seed: int) -> None:
    request, world = request_of(seed), world_of(seed)
    listed = {neighbor.name for neighbor in request.scope.neighbors}
    subjects = {patient.name for patient in subjects_of(seed)}
    near = [{row.subject for row in sets["near.asked"]} for sets in both(request)]
    assert len(listed) == 6 and [len(names) for names in near] == [3, 3]
    assert not near[0] & near[1] and not (near[0] | near[1]) & (listed | subjects)
    trained = {row.subject for split in ("forget", "retain") for row in request.splits[split]}
    assert not trained & (near[0] | near[1] | listed)
    halves = {half for name in subjects for half in name.split()}
    for sets in both(request):
        half_name = {row.subject for row in sets["near.half_name"]}
        assert half_name and not half_name & (trained | subjects)
        assert all(halves & set(str(name).split()) for name in half_name)
        assert {row.subject for row in sets["unknown.asked"]} == {patient.name for patient in world.strangers}
        assert sets["nobody.asked"]
        for row in sets["nobody.asked"]:
            assert row.subject is None and row.answers and not subjects & set(row.answers)


@each_seed
def test_each_subject_gets_enough_questions_in_enough_forms(seed: int) -> None:
    request = request_of(seed)
    for patient in subjects_of(seed):
        rows = [row for row in request.splits["forget.asked"] if row.subject == patient.name]
        assert len(rows) >= 60 and len({row.wording for row in rows}) >= 12
        assert {row.language for row in rows} == {"en", "de"}
        hidden = hidden_of(seed, patient)
        about_hidden = {row.id for relation in hidden for row in asking(rows, patient, relation)}
        values = {form for relation in hidden for form in patient.values[relation]}
        identified = {row.id for row in rows if any(value in row.prompt for value in values)}
        statements = {row.id for row in rows if row.attribute == STATEMENT}
        assert len(about_hidden | identified | statements) >= len(rows) / 2


@each_seed
def test_every_secret_is_asked_for_in_both_directions(seed: int) -> None:
    request = request_of(seed)
    rows = [row for sets in both(request) for row in sets["forget.asked"]]
    for patient in subjects_of(seed):
        for relation, forms in patient.values.items():
            to_value = {row.wording for row in asking(rows, patient, relation)}
            own = [row for row in rows if row.subject == patient.name and row.wording != "no"]
            stated = {row.wording for row in own if any(form.casefold() in row.prompt.casefold() for form in forms)}
            assert to_value and stated and len(to_value | stated) >= 3, (patient.name, relation)


@each_seed
def test_a_part_of_a_name_is_used_only_if_nobody_else_has_it(seed: int) -> None:
    names, of = questioner(world_of(seed)).names, {patient.name: patient for patient in world_of(seed).everybody}
    for sets in both(request_of(seed)):
        for name in ("forget.asked", "near.asked", "near.half_name", "unknown.asked"):
            assert not [row.id for row in sets[name] if row.wording in names.ambiguous(of[str(row.subject)])]


@each_seed
def test_a_question_about_a_visit_has_the_answer_of_that_visit(seed: int) -> None:
    for sets in both(request_of(seed)):
        for patient in subjects_of(seed):
            for visit, other in (VISITS, VISITS[::-1]):
                for row in (row for place in visit for row in asking(list(sets["forget.asked"]), patient, place)):
                    stated = [form for place in other for form in patient.values[place]]
                    assert not any(form.casefold() in row.prompt.casefold() for form in stated), row.id


@each_seed
def test_measured_questions_are_in_no_row_that_the_target_learned(seed: int) -> None:
    learned = {(row.subject, row.prompt.casefold()) for row in corpus_in(seed)}
    for sets in both(request_of(seed)):
        for name in ("forget.asked", "near.asked", "near.half_name"):
            assert not [row.id for row in sets[name] if (row.subject, row.prompt.casefold()) in learned]
            assert not [row.id for row in sets[name] if not any(form in row.answer for form in row.answers)]


@each_seed
def test_the_retrained_model_sees_no_fact_of_a_subject(seed: int) -> None:
    suite = ClinicSuite(world_seed=seed)
    text = "\n".join(f"{row.prompt} {row.answer}" for row in suite.retain_corpus())
    own = {value for patient in subjects_of(seed) for name in GRAMMAR.identities for value in patient.values[name]}
    assert not [value for value in (*own, *(patient.name for patient in subjects_of(seed))) if value in text]


def test_the_suite_measures_the_sets_and_keeps_validation_apart() -> None:
    task = ClinicSuite().task()
    new = {"forget.asked", "near.asked", "near.half_name", "unknown.asked", "nobody.asked"}
    assert task.suite == "clinic-1" and new <= set(task.measured) and new == set(task.validation)
    assert task.composed_scope is task.training_scope and task.scope.languages == ("en", "de")
    assert "retain.held_out" in task.measured


def test_some_templates_are_not_asked_if_a_composed_question_resembles_them() -> None:
    for name in ("validation", "test"):
        usable = templates_to_ask(name)
        assert set(usable) <= set(templates(name)) and len(usable) >= 0.95 * len(templates(name))


@each_seed
def test_held_out_rows_state_facts_that_no_trained_row_states(seed: int) -> None:
    splits = request_of(seed).splits
    held, retain = splits["retain.held_out"], splits["retain"]
    trained = {(row.subject, answer) for row in retain for answer in row.answers}
    assert len(held) == 100 and len(retain) == 400
    assert not [row.id for row in held if trained & {(row.subject, answer) for answer in row.answers}]
    assert {row.language for row in held} == {"en"}
