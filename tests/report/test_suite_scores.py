"""Suites with scores of their own: where each stands in report, card and terminal, and in which words."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from unlearnkit.core.number_format import p_value
from unlearnkit.data.vocabulary import group_of, set_title
from unlearnkit.metrics.gates import Gate, judge
from unlearnkit.metrics.membership_scores import MEMBERSHIP, MEMBERSHIP_DOCS
from unlearnkit.metrics.score import NOT_MEASURED, Score
from unlearnkit.metrics.score_docs import ScoreDocs
from unlearnkit.metrics.subject_scores import SUBJECT_DOCS, SUBJECTS
from unlearnkit.report.charts.board_charts import plane, probe_dots
from unlearnkit.report.compare import board_table, comparison
from unlearnkit.report.headline import axes, headline
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.model_card import model_card
from unlearnkit.report.render import render
from unlearnkit.report.tables.board import board
from unlearnkit.report.tables.own import own_tables
from unlearnkit.report.tables.table import Table
from unlearnkit.report.tables.writers import terminal
from unlearnkit.report.verdict import verdict
from unlearnkit.suites.base import declared_docs
from unlearnkit.suites.tofu.score_docs import TOFU, TOFU_DOCS

from .test_render import Page, saying
from .worked_example import example
from .worked_suites import FILES_SETS, TOFU_SETS, files_example, tofu_example

DOCS = ScoreDocs(declared_docs("tofu"))


@pytest.fixture(scope="module")
def tofu() -> Report:
    return tofu_example()


@pytest.fixture(scope="module")
def files() -> Report:
    return files_example()


def own_table(report: Report, key: str) -> Table:
    (found,) = (table for table in own_tables(report.subjects, report.docs) if table.key == key)
    return found


def only(**scores: Score) -> Report:
    """A report on one method with these scores; two underscores stand for a dot."""
    named = {name.replace("__", "."): score for name, score in scores.items()}
    return saying("", subjects=(SubjectReport(name="tru", title="TRU", scores=named),))


@pytest.mark.parametrize(
    ("flat", "place"),
    [
        ("forget.accuracy", ("forget", "accuracy")),
        ("forget.rougeL_recall", ("forget", "rougeL_recall")),
        ("tofu.real_authors.rouge1_recall", ("utility.real_authors", "rouge1_recall")),
        ("tofu.forget.probability", None),  # forget.probability has that place
        ("tofu.mia.loss.auc", None),
        ("privleak", None),
        ("accuracy", None),
        ("cost.seconds", None),
        ("cost.accuracy", None),
    ],
)
def test_a_score_has_a_place_on_the_board_or_none(flat: str, place: tuple[str, str] | None) -> None:
    assert DOCS.place(flat) == place


def test_the_boards_columns_are_sets_and_nothing_else(tofu: Report, files: Report) -> None:
    assert {c.name for c in board(tofu.subjects, tofu.docs).columns} == set(TOFU_SETS)
    assert {c.name for c in board(files.subjects, files.docs).columns} == set(FILES_SETS)
    titles = [s.title for s in board(tofu.subjects, tofu.docs).sections]
    assert titles[:5] == ["Accuracy", "Refusal rate", "Leak rate", "Trace leak rate", "Disclosure rate"]
    assert titles[5:8] == ["Coherence", "Scope accuracy", "ROUGE-L recall"]
    assert "auc" not in titles and "forget_quality" not in titles
    authors = [c.name for c in board(tofu.subjects, tofu.docs).columns].index("utility.real_authors")
    rouge = next(s for s in board(tofu.subjects, tofu.docs).sections if s.title == "ROUGE-L recall")
    expected = tofu.subjects[0].scores["tofu.real_authors.rougeL_recall"].value
    assert rouge.rows[0].cells[authors].value == f"{expected:.3f}"


def test_a_metric_that_nobody_was_measured_on_takes_one_line() -> None:
    report = only(forget__accuracy=Score(value=0.5, count=4), forget__probability=NOT_MEASURED)
    assert board(report.subjects, report.docs).unmeasured == ("Answer probability",)
    assert "Not measured on any subject: Answer probability." in Page(render(report)).text
    empty = only(forget__accuracy=NOT_MEASURED)
    assert board(empty.subjects, empty.docs).columns == ()
    assert "Not measured on any subject: Accuracy." in Page(render(empty)).text


def test_every_score_of_the_suites_has_words(tofu: Report) -> None:
    named = {flat for s in tofu.subjects for flat in s.scores}
    found = tofu.docs.own(named)
    assert {own.table for own in found} == {TOFU, MEMBERSHIP, SUBJECTS}
    for table, docs in ((TOFU, TOFU_DOCS), (MEMBERSHIP, MEMBERSHIP_DOCS), (SUBJECTS, SUBJECT_DOCS)):
        known = {own.doc.title for own in found if own.table == table and not own.doc.variant}
        # None is missing, none is made up.
        assert known == {doc.title for doc in docs.values() if doc.table == table and not doc.variant}
    placed = {own.flat for own in found} | {flat for flat in named if tofu.docs.place(flat)}
    assert {flat for flat in named - placed if not flat.startswith("cost.")} == {
        "forget.best_constant",
        "forget.paraphrased.best_constant",
    }


def test_retain_utility_stands_right_under_model_utility_and_variants_apart(tofu: Report) -> None:
    table = own_table(tofu, "tofu")
    titles = [row.title for row in table.rows]
    assert titles[:4] == ["Forget quality", "Forget quality, log", "Model utility", "Retain utility"]
    assert len(titles) == len(set(titles)) == 12
    assert [variant.title for variant in table.sections[1:]] == ["TOFU's own code", "OpenUnlearning"]
    assert all(row.name.endswith("_tofu_code") for row in table.sections[1].rows)
    assert [[row.name for row in v.rows] for v in own_table(tofu, "membership").sections[1:]] == [
        [
            "tofu.mia.min_k.auc_open_unlearning",
            "tofu.mia.min_k_plus_plus.auc_open_unlearning",
            "tofu.privleak_open_unlearning",
        ]
    ]
    html = render(tofu)
    folded = re.findall(r'<details class="variants">.*?</details>', html, re.DOTALL)
    assert len(folded) == 2
    assert all("As computed by other code" in part for part in folded)
    assert "_open_unlearning" not in "".join(html.split('<details class="variants">')[0])


def test_the_truth_share_is_on_the_board_and_other_variants_are_not(tofu: Report) -> None:
    flats = [flat for flat in tofu.subjects[0].scores if flat.endswith("_open_unlearning") and tofu.docs.place(flat)]
    assert {flat.rpartition(".")[2] for flat in flats} == {"truth_share_open_unlearning"}
    table = board(tofu.subjects, tofu.docs)
    (section,) = (section for section in table.sections if section.title == "Truth share (OpenUnlearning)")
    shown = {column.name for column, cell in zip(table.columns, section.rows[0].cells, strict=True) if cell.value}
    assert shown == {"forget", "retain", "utility.real_authors", "utility.world_facts"}
    titles = [row.title for row in own_table(tofu, "tofu").sections[2].rows]
    assert {"Extraction strength, forget", "Exact memorization, real authors"} <= set(titles)


def test_own_scores_say_what_was_not_measured(tofu: Report, files: Report) -> None:
    npo, simnpo = tofu.subjects[2:]
    partly = npo.model_copy(update={"scores": {**npo.scores, "tofu.forget_quality": NOT_MEASURED}})
    row = own_table(tofu.model_copy(update={"subjects": (partly, simnpo)}), "tofu").rows[0]
    assert [bool(cell.value) for cell in row.cells] == [False, True]
    nothing = own_table(files, "membership")
    assert nothing.sections == ()
    assert nothing.unmeasured[0] == "LOSS, AUC"
    text = Page(render(files)).text
    assert "Not measured on any subject: LOSS, AUC, zlib, AUC" in text
    assert "The caveats state what was missing." in text


def test_scores_without_words_are_shown_by_name_and_escaped() -> None:
    attack = "<img src=x onerror=alert(1)>"
    report = saying("", subjects=(SubjectReport(name="x", title="X", scores={attack: Score(value=0.25, count=3)}),))
    table = own_table(report, "others")
    assert [(row.title, row.cells[0].value) for row in table.rows] == [(attack, "0.250")]
    page = Page(render(report))
    assert attack in page.text
    assert not any(tag == "img" for tag, _ in page.tags)


def test_suites_without_scores_of_their_own_have_no_further_table() -> None:
    assert own_tables(example().subjects, ScoreDocs()) == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.0, "1.000"),
        (0.0521, "0.052"),
        (0.0031, "3.1e-3"),
        (8.5e-19, "8.5e-19"),
        (4.321e-25, "4.3e-25"),
        (1e-300, "1.0e-300"),
        (0.0, "< 1e-307"),
    ],
)
def test_p_values_are_never_rounded_to_nothing(value: float, words: str) -> None:
    assert p_value(value) == words


def test_scores_are_written_as_their_names_ask() -> None:
    assert DOCS.written("tofu.forget_quality_tofu_code", 8.5e-19) == "8.5e-19"
    assert DOCS.written("tofu.log_forget_quality", -41.61) == "-41.6"
    assert DOCS.written("privleak", -99.96) == "-100.0\u202f%"
    assert DOCS.written("tofu.privleak_open_unlearning", 1234.5) == "+1,234.5\u202f%"
    assert DOCS.written("privleak", -0.01) == "0.0\u202f%"
    assert DOCS.written("forget.accuracy", 0.0001) == "0.000"


def test_a_small_p_value_is_a_small_p_value_everywhere() -> None:
    tiny = Score(value=8.5e-19, count=400)
    scores = {"tofu.forget_quality": tiny, "forget.accuracy": Score(value=0.0, count=4)}
    subject = SubjectReport(name="npo", title="NPO", scores=scores)
    gate = judge(Gate.parse("tofu.forget_quality>=0.05"), "npo", {"npo": scores}, DOCS)
    report = saying("", subjects=(subject,), gates=(gate,), docs=DOCS)
    text = Page(render(report)).text
    assert text.count("8.5e-19") == 3  # the verdict, the gate, the table
    assert "8.5e-19" in model_card(subject, report.scope, docs=DOCS)
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(terminal(board_table({"npo": scores}, DOCS)))
    assert ["tofu.forget_quality", "8.5e-19"] in [line.split() for line in console.export_text().splitlines()]
    assert comparison({"npo": scores}, DOCS)["subjects"]["npo"]["tofu.forget_quality"] == 8.5e-19


def test_gates_tell_small_p_values_apart() -> None:
    scores = {"npo": {"p": Score(value=8.5e-19)}, "target": {"p": Score(value=1e-12)}}
    assert judge(Gate.parse("p>=1e-12"), "npo", scores).outcome == "missed"
    assert judge(Gate.parse("p<1e-18"), "npo", scores).outcome == "met"
    assert judge(Gate.parse("p>=target.p"), "npo", scores).outcome == "missed"
    named = {name: {"tofu.forget_quality": scores[name]["p"]} for name in scores}
    gate = Gate.parse("tofu.forget_quality>=target.tofu.forget_quality")
    assert judge(gate, "npo", named, DOCS).why == "missed, with a threshold of 1.0e-12"


def test_the_headline_is_what_was_measured_on_both_sides(tofu: Report) -> None:
    assert headline((s.scores for s in example().subjects), DOCS).metric == "accuracy"
    assert headline((s.scores for s in tofu.subjects), DOCS).metric == "rougeL_recall"
    half = Score(value=0.5, count=2)
    both = {"forget.exact_memorization": half, "retain.exact_memorization": half}
    # Documents to forget, questions to keep: accuracy and ROUGE say nothing of what was forgotten.
    mixed = {**both, "forget.accuracy": NOT_MEASURED, "retain.accuracy": half, "retain.rougeL_recall": half}
    assert headline([mixed], DOCS).metric == "exact_memorization"
    assert (
        headline([{"forget.rougeL_recall": half, "forget.accuracy": half, "near.accuracy": half}], DOCS).metric
        == "accuracy"
    )
    assert headline([{"forget.rougeL_recall": half, "near.accuracy": half}], DOCS).metric == "rougeL_recall"
    assert headline([{}], DOCS).metric == "accuracy"
    assert axes([s.scores for s in tofu.subjects], "rougeL_recall", DOCS) == (
        ("forget",),
        ("retain", "utility.real_authors", "utility.world_facts"),
    )


def test_the_plane_and_its_words_say_what_the_axes_are(tofu: Report) -> None:
    figure = plane(tofu)
    assert figure is not None
    assert figure.layout.xaxis.title.text == "ROUGE-L recall on the forget sets (mean)"
    points = {trace.text[0]: (trace.x[0], trace.y[0]) for trace in figure.data}
    scores = tofu.subjects[3].scores
    stay = [scores[f"tofu.{name}.rougeL_recall"].value or 0.0 for name in ("retain", "real_authors", "world_facts")]
    assert points["SimNPO"] == pytest.approx((scores["tofu.forget.rougeL_recall"].value, sum(stay) / 3))
    text = Page(render(tofu)).text
    assert "mean ROUGE-L recall over retain, utility.real_authors, utility.world_facts" in text
    assert "says little about long answers" in text


def test_the_plane_speaks_of_a_retrained_model_only_where_there_is_one(tofu: Report, files: Report) -> None:
    assert "The dotted lines show the retrained model" in Page(render(tofu)).text
    assert "dotted lines" not in Page(render(files)).text


def test_sets_on_which_nothing_was_said_are_not_in_the_probe_chart(tofu: Report) -> None:
    figure = probe_dots(tofu)
    assert figure is not None
    assert "holdout" not in figure.layout.yaxis.ticktext
    assert [a.text for a in figure.layout.annotations] == ["ROUGE-L recall", "Refusal rate", "Coherence"]


def test_the_verdict_holds_tofu_against_both_references(tofu: Report) -> None:
    words = " ".join(verdict(tofu, tofu.subjects[2]).sentences)
    assert "of the words of the forget answers" in words
    assert "On the sets to keep (retain (trained on), real authors, world facts)" in words
    assert re.search(r"Forget quality is \d\.\de-\d+: at the 5 % level, the test distinguishes the model from", words)
    assert re.search(
        r"Model utility is 0\.\d{3} \(target model: 0\.\d{3}\)\. Retain utility is 0\.\d{3} \(target", words
    )
    assert "correctly" not in words  # accuracy of whole sentences is not told
    alike = tofu.subjects[1].model_copy(update={"name": "alike"})
    found = " ".join(verdict(tofu.model_copy(update={"subjects": (*tofu.subjects, alike)}), alike).sentences)
    assert "Forget quality is 1.000: at the 5 % level, the test does not distinguish the model from" in found


def test_the_card_has_the_suites_scores_and_no_row_for_them_among_the_sets(tofu: Report) -> None:
    references = {s.name: s.scores for s in tofu.subjects[:2]}
    card = model_card(tofu.subjects[2], tofu.scope, references=references, docs=tofu.docs)
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in card.splitlines() if line.startswith("| ")}
    sets = [name for name in rows if name in TOFU_SETS]
    assert sets == ["forget", "forget.paraphrased", "retain", "utility.real_authors", "utility.world_facts"]
    assert not any(name.startswith("tofu") for name in rows)
    assert "ROUGE-L recall of retrained" in rows["set"]
    assert re.match(r"\| Forget quality \| \d\.\de-\d+ \| \d\.\de-\d+ \| 1\.000 \|", rows["Forget quality"])
    assert "open_unlearning" not in card


def test_the_terminal_shows_own_scores_after_the_board_and_no_variants(tofu: Report) -> None:
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(terminal(board_table({s.name: s.scores for s in tofu.subjects}, tofu.docs)))
    text = console.export_text()
    names = ("ROUGE-L recall", "Scores of TOFU", "tofu.retain_utility", "Membership inference", "cost.seconds")
    places = [text.index(name) for name in names]
    assert places == sorted(places)
    assert "tofu.retain.rougeL_recall" not in text  # it stands in its block
    assert "_open_unlearning" not in text and "_tofu_code" not in text
    assert (
        "tofu.model_utility_open_unlearning"
        in comparison({"npo": tofu.subjects[2].scores}, tofu.docs)["subjects"]["npo"]
    )


def test_sets_in_words() -> None:
    assert [set_title(s) for s in ("utility.real_authors", "holdout", "forget.in_verse")] == [
        "real authors",
        "never seen (holdout)",
        "in verse",
    ]
    assert [group_of(s) for s in ("near.translated", "utility.x", "nearby")] == [
        "Must be kept",
        "Must be kept",
        "Other",
    ]
