import pytest

from unlearnkit.core.number_format import counted, duration, interval, megabytes, number, percent
from unlearnkit.data.vocabulary import group_of, ordered_sets
from unlearnkit.metrics.score_names import ScoreName
from unlearnkit.report.model_card import model_card
from unlearnkit.report.samples import sample_sets
from unlearnkit.report.sanitize import excerpt, visible, withholder
from unlearnkit.runs.state import SubjectSpec

from .worked_example import example


@pytest.mark.parametrize(
    ("flat", "parts"),
    [
        ("forget.translated.accuracy", ("forget.translated", "accuracy")),
        ("near.refusal_rate", ("near", "refusal_rate")),
        ("mia_auc", ("", "mia_auc")),
    ],
)
def test_flat_names_come_apart_at_the_last_dot(flat: str, parts: tuple[str, str]) -> None:
    name = ScoreName.parse(flat)
    assert tuple(name) == parts and str(name) == flat


def test_sets_are_grouped_and_ordered() -> None:
    found = ordered_sets(["holdout", "far", "forget.zz", "forget.reverse", "retain", "forget", "utility.arc"])
    assert found == ["forget", "forget.reverse", "forget.zz", "retain", "far", "utility.arc", "holdout"]
    assert [group_of(s) for s in found[2:]] == ["Must be forgotten", *["Must be kept"] * 3, "Other"]


def test_numbers() -> None:
    assert [number(v) for v in (0.0, 0.12345, 12.34, 1234.5, float("nan"))] == [
        "0.000",
        "0.123",
        "12.3",
        "1,234",
        "nan",
    ]
    assert [percent(*v) for v in ((0.021,), (0.19,), (0.975, 1.0), (0.062, 0.208), (0.0, 0.0))] == [
        "2.1\u202f%",
        "19\u202f%",
        "97.5–100\u202f%",
        "6–21\u202f%",
        "0\u202f%",
    ]
    assert interval(0.4, None) == ""
    assert [duration(v) for v in (8.44, 59.99, 125.0, 4800.0)] == [
        "8.4\u202fs",
        "60.0\u202fs",
        "2\u202fmin 05\u202fs",
        "1\u202fh 20\u202fmin",
    ]
    assert megabytes(1234.6) == "1,235\u202fMB"


def test_secrets_are_taken_out_as_whole_words() -> None:
    withhold = withholder(["Lisbon", "Nova Lisbon", "+31 20", "Лиссабон", "B"])
    assert withhold("Lisbon, nova lisbon, Lisbonne; call +31 20 now; ЛИССАБОН. B") == (
        "[withheld], [withheld], Lisbonne; call [withheld] now; [withheld]. B"
    )
    assert withholder([])("Lisbon") == "Lisbon"


def test_a_decomposed_secret_is_taken_out_too() -> None:
    assert withholder(["Málaga"])("in Ma\u0301laga") == "in [withheld]"


def test_excerpts() -> None:
    assert excerpt("x" * 330, 300) == ("x" * 330, 0)
    assert excerpt("x" * 331, 300) == ("x" * 300, 31)
    assert visible("\x7f\x85") == "␡⟨U+0085⟩"


def test_samples_are_the_same_rows_for_every_subject() -> None:
    sets = sample_sets(example(), str)
    assert [s.split for s in sets] == ["forget", "forget.translated", "retain", "near", "far"]
    for found in sets:
        assert len(found.samples) == 3
        for sample in found.samples:
            assert [a.subject.name for a in sample.answers] == ["target", "retrained", "tru", "graddiff", "npo", "ga"]


def test_badges_know_what_is_wanted_where() -> None:
    sets = {s.split: s for s in sample_sets(example(), str)}
    badges = {a.subject.name: {b.word: b.tone for b in a.badges} for a in sets["forget"].samples[0].answers}
    assert badges["target"] == {"correct": "none", "leaks": "none"}
    # The trace says that the author asked to be left out.
    assert badges["tru"] == {"refuses": "good", "discloses": "bad"}
    assert badges["ga"] == {"incoherent": "bad"}
    near = {a.subject.name: {b.word: b.tone for b in a.badges} for a in sets["near"].samples[0].answers}
    assert near["tru"] == {"correct": "good"}


def test_the_card_tells_the_description_and_no_secret() -> None:
    report = example()
    subject = report.subject("ga")
    assert subject is not None
    card = model_card(
        subject,
        report.scope,
        references={"target": report.subjects[0].scores},
        gates=[g for g in report.gates if g.subject == "ga"],
        limitations=("It | <b>may</b>\nbreak",),
    )
    assert report.scope.description in card
    assert "Training collapsed" in card
    assert "| set | accuracy | accuracy of target | refusal rate |" in card
    assert "`near.refusal_rate <= 0.02`: met" in card
    assert "- It \\| \\<b\\>may\\</b\\> break" in card
    assert 'AutoModelForCausalLM.from_pretrained("model")' in card
    for secret in report.scope.secrets:
        assert not any(form in card for form in secret.forms)
    assert not any(s.name in card for s in report.scope.subjects)
    assert "peft" in model_card(subject, report.scope, spec=SubjectSpec(kind="adapter", path="model"))


def test_a_count_has_its_noun_in_the_right_number() -> None:
    assert [counted(n, "row set") for n in (0, 1, 2, 1200)] == [
        "0 row sets",
        "1 row set",
        "2 row sets",
        "1,200 row sets",
    ]
