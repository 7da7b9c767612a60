"""Every kind of finding: a case in which it must be told, and one like it in which it must not."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import WORDS, tiny_tokenizer
from unlearnkit.data.checks import check_splits, shown
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.findings import NAMED, Finding, Kind
from unlearnkit.data.rows import Row

TOKENIZER = tiny_tokenizer()
LENGTH = 40


def row(name: str, question: str, answer: str, **more: Any) -> Row:
    return Row(id=name, question=question, answer=answer, **more)


FORGET = row("f1", "Where was Ada born ?", "Ada was born in Oslo .")
RETAIN = (row("r1", "Who is the poet ?", "It is Bea ."), row("r2", "What is a book ?", "It is a city ."))
LONG_QUESTION = "Where and when was the author of the book that I asked you about born , and who was the father ?"
LONG = row("f1", LONG_QUESTION, "Ada was born in Oslo .")
SAID_OTHERWISE = LONG_QUESTION.replace("asked you", "asked about, of you,")
SPANISH = "¿En qué ciudad nació la autora de esta novela tan conocida?"


def found(
    splits: dict[str, tuple[Row, ...]],
    *,
    languages: tuple[str, ...] = ("en",),
    needs_retain: bool = True,
    length: int = LENGTH,
) -> list[Finding]:
    given = {"forget": (FORGET,), "retain": RETAIN, **splits}
    return check_splits(given, ChatEncoder(TOKENIZER, length), languages=languages, needs_retain=needs_retain)


CASES: list[tuple[Kind, str, dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    # kind, severity, what it is found in, what it is not found in, the rows named
    ("empty_split", "error", {"forget": ()}, {}, ()),
    ("empty_split", "warning", {"near": ()}, {"near": (row("n", "What is Oslo ?", "A city ."),)}, ()),
    ("few_retain", "error", {"retain": RETAIN[:1]}, {"retain": RETAIN}, ("r1",)),
    ("few_retain", "error", {"retain": ()}, {"retain": (), "needs_retain": False}, ()),
    (
        "forget_larger",
        "warning",
        {"forget": tuple(row(f"f{n}", f"Who is {word} ?", "A poet .") for n, word in enumerate(("Ada", "Bea", "Cyd")))},
        {"forget": (FORGET, row("f2", "Who is Ada ?", "A poet ."))},
        (),
    ),
    (
        "row_twice",
        "warning",
        {"forget": (FORGET, row("f2", "WHERE was  Ada born ?", "Ada was born in Oslo ."))},
        {"forget": (FORGET, row("f2", "Where was Bea born ?", "Ada was born in Oslo ."))},
        ("f1 and f2",),
    ),
    (
        "row_twice",
        "warning",
        # The same letters, composed and not.
        {"near": (row("n1", "Who is Zo\u00eb ?", "A poet ."), row("n2", "Who is Zoe\u0308 ?", "A poet ."))},
        {"near": (row("n1", "Who is Zo\u00eb ?", "A poet ."), row("n2", "Who is Zoe ?", "A poet ."))},
        ("n1 and n2",),
    ),
    (
        "answers_differ",
        "warning",
        {"retain": (*RETAIN, row("r3", "who is the poet ?", "It is Cyd ."))},
        {"retain": (*RETAIN, row("r3", "Who was the poet ?", "It is Cyd ."))},
        ("r1 and r3",),
    ),
    (
        "answers_differ",
        "warning",
        {"near": tuple(row(f"n{n}", "Who ?", word) for n, word in enumerate(("Ada", "Bea", "Cyd")))},
        {"near": tuple(row(f"n{n}", "", f"{word} was born .") for n, word in enumerate(("Ada", "Bea")))},  # texts
        ("n0 and n1", "n0 and n2"),
    ),
    (
        "in_forget_and_retain",
        "error",
        {"retain": (*RETAIN, row("r3", "where was Ada born ?", "Ada was born in  Oslo ."))},
        {"retain": (*RETAIN, row("r3", "Where was Bea born ?", "Bea was born in Kyiv ."))},
        ("f1 and r3",),
    ),
    (
        "in_forget_and_retain",
        "error",
        {"forget.reverse": (row("p", "Who is the poet ?", "It is Bea ."),)},
        {"near": (row("p", "Who is the poet ?", "It is Bea ."),)},
        ("p and r1",),
    ),
    (
        "question_in_retain",
        "warning",
        {"retain": (*RETAIN, row("r3", "Where was Ada born ?", "I cannot say that ."))},
        {"retain": (*RETAIN, row("r3", "", "I cannot say .")), "forget": (FORGET, row("f2", "", "Ada is a poet ."))},
        ("f1 and r3",),
    ),
    (
        "near_in_retain",
        "warning",
        {"forget": (LONG,), "retain": (*RETAIN, row("r3", SAID_OTHERWISE, "Ada was born in Oslo ."))},
        {"forget": (LONG,), "retain": (*RETAIN, row("r3", "When was the author born ?", "Bea was , in Kyiv ."))},
        ("f1 and r3",),
    ),
    (
        "probe_trained",
        "warning",
        {"forget.paraphrased": (row("p", "Where was Ada born ?", "ada was born in Oslo ."),)},
        {"forget.paraphrased": (row("p", "In what city was Ada born ?", "Ada was born in Oslo ."),)},
        ("p and f1",),
    ),
    (
        "probe_trained",
        "warning",
        {"near": (row("n", "Who is the poet ?", "It is Bea ."),)},
        {"near": (row("n", "Who is the poet ?", "It is Cyd ."),)},
        ("n and r1",),
    ),
    (
        "probe_trained",
        "error",
        {"holdout": (row("h", "Who is the poet ?", "It is Bea ."),)},
        {"holdout": (row("h", "Who is the author ?", "It is Bea ."),)},
        ("h and r1",),
    ),
    (
        "too_long",
        "error",
        {"forget": (row("f1", "Who ?", "Ada " * LENGTH), FORGET.model_copy(update={"id": "f2"}))},
        {"forget": (row("f1", "Who ?", "Ada " * (LENGTH - 6)),)},
        ("f1",),
    ),
    (
        "too_long",
        "error",
        {"retain": (*RETAIN, row("r3", "Who ?", "Ada " * LENGTH, trace="The poet"))},
        {"retain": (*RETAIN, row("r3", "Who ?", "It is Ada .", trace="The poet " * LENGTH))},  # the trace is shortened
        ("r3",),
    ),
    (
        "no_label",
        "error",
        {"near": (row("n1", "Who ?", " \n"), row("n2", "", "Oslo"))},  # of a text, nothing predicts the first token
        {"near": (row("n1", "Who ?", "Ada"), row("n2", "", "Oslo ."))},
        ("n1", "n2"),
    ),
    (
        "no_label",
        "error",
        {"retain": (*RETAIN, row("r3", "Who ?", "\u200a", trace="The poet"))},
        {"retain": (*RETAIN, row("r3", "Who ?", "Ada", trace="The poet"))},
        ("r3",),
    ),
    (
        "special_token",
        "warning",
        {"forget": (row("f1", "Who ?", "Ada <end> Bea"), row("f2", "Who is <|user|> ?", "Ada ."))},
        {"forget": (row("f1", "Who ?", "Ada < end > Bea"),)},
        ("f1", "f2"),
    ),
    (
        "special_token",
        "warning",
        {"retain": (*RETAIN, row("r3", "Who ?", "Ada .", trace="The </think> poet"))},
        {"retain": (*RETAIN, row("r3", "Who ?", "Ada .", trace="The poet"))},
        ("r3",),
    ),
    (
        "language",
        "warning",
        {"forget.translated": (row("t", SPANISH, "Oslo ."),)},
        {"forget.translated": (row("t", SPANISH, "Oslo ."),), "languages": ("en", "es")},
        ("t",),
    ),
    (
        "language",
        "warning",
        {"near": (row("t", "", SPANISH),)},
        {"near": (row("t", "What is the English for this ?", SPANISH),)},  # it is the question that is judged
        ("t",),
    ),
]  # fmt: skip


def split_of(case: dict[str, Any]) -> dict[str, Any]:
    return {name: rows for name, rows in case.items() if name not in ("languages", "needs_retain")}


def told(case: dict[str, Any]) -> list[Finding]:
    options = {name: value for name, value in case.items() if name in ("languages", "needs_retain")}
    return found(split_of(case), **options)


@pytest.mark.parametrize(("kind", "severity", "bad", "good", "rows"), CASES)
def test_a_kind_is_found_where_it_is_and_nowhere_else(
    kind: Kind, severity: str, bad: dict[str, Any], good: dict[str, Any], rows: tuple[str, ...]
) -> None:
    findings = [finding for finding in told(bad) if finding.kind == kind]
    assert [(finding.severity, finding.rows, finding.count) for finding in findings] == [(severity, rows, len(rows))]
    assert findings[0].what and findings[0].fix
    assert kind not in [finding.kind for finding in told(good)]


def test_a_trace_without_markers_is_one_finding_and_no_error() -> None:
    thinking = tuple(row(f"f{n}", "Who ?", f"{word} .", trace="The poet") for n, word in enumerate(("Ada", "Bea")))
    encoder = ChatEncoder(tiny_tokenizer(without="</think>"), LENGTH, style="think")
    findings = check_splits({"forget": (*thinking, FORGET), "retain": RETAIN}, encoder, languages=["en"])
    finding = next(each for each in findings if each.kind == "not_rendered")
    assert (finding.severity, finding.rows) == ("error", ("f0", "f1"))
    assert "marker" in finding.what and "trace_style" in finding.fix


def test_every_kind_is_tried_here() -> None:
    # What a run refuses is told by `unlearn check`, see tests/bad_input.
    assert {case[0] for case in CASES} | {"not_rendered", "run_refuses"} == set(get_args(Kind))


def test_good_splits_have_no_findings_with_and_without_retain() -> None:
    assert found({}) == []
    assert (
        check_splits({"forget": (FORGET,)}, ChatEncoder(TOKENIZER, LENGTH), languages=["en"], needs_retain=False) == []
    )
    findings = check_splits({"forget": (FORGET,)}, ChatEncoder(TOKENIZER, LENGTH), languages=["en"])
    assert [finding.kind for finding in findings] == ["few_retain"]


def test_errors_come_first() -> None:
    findings = found({"forget": (LONG, LONG.model_copy(update={"id": "f2"})), "retain": ()}, length=8)
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities) and {"error", "warning"} == set(severities)


def test_the_first_rows_are_named_and_all_are_counted() -> None:
    many = tuple(row(f"f{n}", "Who is it ?", "Ada .") for n in range(9))
    finding = next(each for each in found({"forget": many}) if each.kind == "row_twice")
    assert finding.rows == tuple(f"f0 and f{n}" for n in range(1, NAMED + 1)) and finding.count == 8


def test_no_finding_quotes_a_row() -> None:
    secret = row("f1", "Where does Zubeldia live ?", "Zubeldia <end> " * 30)
    splits = {"forget": (secret, secret), "retain": (secret,), "holdout": (secret,), "forget.x": (secret,)}
    findings = found(splits)
    assert len(findings) > 6
    assert not [each for each in findings if "zubeldia" in str(each).lower()]


ROWS = st.lists(
    st.builds(
        row,
        st.text("abc", min_size=1, max_size=2),
        st.text(max_size=20) | st.sampled_from(WORDS),
        st.text(min_size=1, max_size=20) | st.sampled_from(WORDS),
    ),
    max_size=4,
).map(tuple)


@given(forget=ROWS, retain=ROWS, probe=ROWS)
def test_no_row_makes_it_raise(forget: tuple[Row, ...], retain: tuple[Row, ...], probe: tuple[Row, ...]) -> None:
    splits = {"forget": forget, "retain": retain, "forget.paraphrased": probe, "holdout": probe}
    for finding in check_splits(splits, ChatEncoder(TOKENIZER, 12), languages=["en", "es"]):
        assert len(finding.rows) == min(finding.count, NAMED)


def test_examples_are_shown_with_their_labels_marked() -> None:
    thinking = row("r3", "Who ?", "Ada .", trace="The poet")
    too_long = row("f0", "Who ?", "Ada " * LENGTH)
    splits = {"forget": (too_long, FORGET, thinking), "retain": (thinking, *RETAIN), "near": ()}
    examples = shown(splits, ChatEncoder(TOKENIZER, LENGTH), each=2)
    assert [len(rows) for rows in examples.values()] == [2, 2, 0]
    assert examples["forget"][0].endswith("⟦Ada was born in Oslo . <end>⟧")
    # In the forget split a trace is context, as it is trained.
    assert examples["forget"][1].endswith("<think> The poet </think>⟦Ada . <end>⟧")
    assert examples["retain"][0].endswith("⟦<think> The poet </think> Ada . <end>⟧")
