import re
import stat
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from unlearnkit.core.files import WriteError
from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.metrics.score import NOT_MEASURED, mean_score
from unlearnkit.records.schema import Record
from unlearnkit.report import render as room
from unlearnkit.report.model import Report, SubjectReport
from unlearnkit.report.render import render, write
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret

from .worked_example import example, scores


class Page(HTMLParser):
    """The tags and the visible text of a page; scripts and styles apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.styles = "", ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.styles += data
        elif not self._inside:
            self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    return render(example())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def saying(response: str, *, trace: str = "", split: str = "near", question: str = "Who?", **report: object) -> Report:
    """A report of one method with one sample."""
    row = Row(id="1", question=question, answer="Somebody")
    generation = Generation(text=trace + response, trace=trace, response=response, ended="eos")
    record = Record(split=split, row=row, generation=generation)
    scope = Scope(description="Forget Ilva.", task="profile", subjects=(ScopeSubject(name="Ilva"),))
    subject = SubjectReport(name="tru", title="TRU", records=(record,))
    values: dict[str, object] = {
        "title": "A report",
        "scope": scope,
        "subjects": (subject,),
        "created": "today",
        **report,
    }
    return Report.model_validate(values)


def test_sections_stand_in_order(page: Page) -> None:
    ids = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    order = "verdict scope gates board secrets plane probes curves samples cost grid caveats recipes environment"
    assert ids == order.split()


def test_nothing_is_loaded_from_anywhere(html: str, page: Page) -> None:
    links = [v for _, attrs in page.tags for name, v in attrs.items() if name in ("src", "href", "srcset", "action")]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    assert not any(tag in ("link", "img", "iframe", "object", "embed", "base") for tag, _ in page.tags)
    assert "@import" not in page.styles
    assert "url(" not in page.styles
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert html.count("plotly.js v") == 1


def test_every_number_stands_in_a_table_for_readers_without_scripts(page: Page) -> None:
    assert "0.979" in page.text
    assert "0.889–0.999" in page.text  # the exact interval of 47 of 48
    assert any(attrs.get("title", "") and "48 rows" in str(attrs["title"]) for _, attrs in page.tags)
    assert page.text.count("This chart needs JavaScript") == 6


def test_what_was_not_measured_says_so() -> None:
    measured = {**scores("tru"), "near.accuracy": NOT_MEASURED}
    subject = SubjectReport(name="tru", title="TRU", scores=measured)
    text = Page(render(saying("", subjects=(subject,)))).text
    before = Page(render(saying("", subjects=(subject.model_copy(update={"scores": scores("tru")}),)))).text
    assert text.count("not measured") == before.count("not measured") + 1


def test_a_collapsed_method_is_shown_as_collapsed(page: Page) -> None:
    assert "Training collapsed: it stopped at a non-finite loss" in page.text
    assert page.text.count("Gradient ascent") > 5
    chips = re.findall(r"Gradient ascent\s*collapsed", page.text)
    assert chips


def test_the_verdict_stays_within_what_was_measured(page: Page) -> None:
    assert "It meets 8 of 9 gates." in page.text
    assert "declines 97.9\u202f%" in page.text
    assert "no longer encodes" not in page.text
    unmeasured = {name: s for name, s in scores("tru").items() if "refusal" not in name}
    subject = SubjectReport(name="tru", title="TRU", scores=unmeasured)
    assert "declines" not in Page(render(saying("", subjects=(subject,)))).text


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "</style></script><img src=http://evil.example/x onerror=alert(1)>",
        "{{ 7 * 7 }}{% for x in y %}{# note #}",
        '" onmouseover="alert(1)" x=\'',
        "<!-- -->]]>&lt;b&gt;",
    ],
)
def test_what_others_wrote_is_shown_and_not_obeyed(attack: str) -> None:
    plain = Page(render(saying("hello")))
    report = saying(
        attack,
        trace=attack,
        question=attack,
        title=attack,
        request=attack,
        limitations=(attack,),
        recipes={attack: attack},
        environment={attack: attack},
        show_forget_text=True,
    )
    found = Page(render(report))
    assert found.text.count(attack) >= 8
    dangerous = ("script", "style", "img", "b")
    assert [t for t, _ in found.tags if t in dangerous] == [t for t, _ in plain.tags if t in dangerous]
    assert not any(name.startswith("on") for _, attrs in found.tags for name in attrs)


def disclosing(rate: float, *, may_disclose: bool = False, name: str = "tru") -> str:
    """The text of a report on a model that discloses the request on one set."""
    measured = {
        "forget.disclosure_rate": mean_score([0.0] * 8),
        "near.disclosure_rate": mean_score([1.0] * round(rate * 8) + [0.0] * (8 - round(rate * 8))),
    }
    report = saying("", subjects=(SubjectReport(name=name, title=name, scores=measured),))
    scope = report.scope.model_copy(update={"may_disclose": may_disclose})
    return Page(render(report.model_copy(update={"scope": scope}))).text


def test_the_verdict_warns_of_outputs_that_disclose_the_request() -> None:
    warning = "Its outputs give away who the request is about: 25\u202f% on near."
    assert warning in disclosing(0.25)
    for quiet in (disclosing(0.0), disclosing(0.25, may_disclose=True), disclosing(0.25, name="target")):
        assert "give away" not in quiet


def test_a_subjects_title_cannot_leave_the_charts_data() -> None:
    subject = SubjectReport(name="x", title="</script><script>alert(1)</script>", scores=scores("tru"))
    html = render(saying("", subjects=(subject,)))
    assert "<script>alert" not in html


def test_control_and_direction_marks_are_made_visible() -> None:
    html = render(saying("a\x00b\x1b[31m\u202egnp.exe\u2066 \ud800 z\r\nnew\ttab"))
    for raw in ("\x00", "\x1b", "\u202e", "\u2066", "\ud800"):
        assert raw not in html
    assert "a␀b␛[31m⟨U+202E⟩gnp.exe⟨U+2066⟩ ⟨U+D800⟩ z\nnew\ttab" in html
    html.encode("utf-8")


def test_babble_is_cut_short() -> None:
    text = Page(render(saying("xy" * 2500))).text
    assert "xy" * 150 + " … 4,700 more characters" in text
    assert "xy" * 151 not in text


SENTINEL = "Zarquon"


def with_sentinels(*, show: bool) -> Report:
    """A report whose forget text, secrets and aliases all hold the sentinel."""
    row = Row(id="f", question=f"Q {SENTINEL}1?", answer=f"A {SENTINEL}2", accepted_answers=(f"{SENTINEL}3",))
    said = Generation(text="t", trace=f"T {SENTINEL}4", response=f"R {SENTINEL}5", ended="eos")
    near = Row(id="n", question="Who lives next door?", answer="Rhea")
    slip = Generation(text="t", trace=f"{SENTINEL} Bay", response=f"It was {SENTINEL.upper()} BAY.", ended="eos")
    records = [Record(split=s, row=row.model_copy(update={"id": s}), generation=said) for s in ("forget", "forget.x")]
    records.append(Record(split="near", row=near, generation=slip))
    return saying(
        "",
        scope=Scope(
            description="Forget the person next door.",
            task="privacy",
            subjects=(ScopeSubject(name="Ilva", aliases=(f"{SENTINEL}6",)),),
            secrets=(Secret(subject="Ilva", forms=(f"{SENTINEL} Bay", "B")),),
        ),
        subjects=(SubjectReport(name="tru", title="TRU", scores=scores("tru"), records=tuple(records)),),
        recipes={"tru": f"secrets: [{SENTINEL} Bay]"},
        limitations=(f"{SENTINEL} Bay is a place.",),
        show_forget_text=show,
        show_names=show,
    )


def test_hidden_forget_text_is_nowhere_in_the_file() -> None:
    html = render(with_sentinels(show=False))
    assert SENTINEL.lower() not in html.lower()
    text = Page(html).text
    assert "No samples of forget, forget.x" in text
    assert "It was [withheld]." in text
    assert "Who lives next door?" in text


def test_forget_text_is_shown_when_asked_for() -> None:
    text = Page(render(with_sentinels(show=True))).text
    for number in range(1, 7):
        assert (f"{SENTINEL}{number}" in text) is (number != 3)  # accepted forms stand in the answer already
    assert f"{SENTINEL} Bay" in text


NAME = "Ilva Torren"


def naming(**report: object) -> Report:
    """A report in which every text names the subject, in several spellings."""
    spellings = ("Ilva Torren", "ilva torren's book", "Torren", "I l v a T o r r e n", "Torren, Ilva", "Ильва Торрен")
    records = [
        Record(
            split=split,
            row=Row(id=f"{split} {n}", question=f"Who is {said}?", answer=f"{said}.", subject=NAME),
            generation=Generation(text="t", trace=f"About {said}.", response=f"{said} is out.", ended="eos"),
        )
        for split in ("forget", "near")
        for n, said in enumerate(spellings)
    ]
    return saying(
        "",
        scope=Scope(
            description=f"{NAME} asked to be forgotten.",
            task="profile",
            subjects=(ScopeSubject(name=NAME, aliases=("Ильва Торрен", "The Salt Road")),),
            secrets=(Secret(subject=NAME, forms=("The Salt Road",)), Secret(subject=NAME, forms=("Lisbon",))),
        ),
        subjects=(SubjectReport(name="tru", title="TRU", scores=scores("tru"), records=tuple(records)),),
        recipes={"tru": f"forget: {NAME}.jsonl"},
        limitations=(f"{NAME} is one of two.",),
        **report,
    )


@pytest.mark.parametrize("show_forget_text", [False, True])
def test_hidden_names_are_nowhere_in_the_file(show_forget_text: bool) -> None:
    html = render(naming(show_forget_text=show_forget_text))
    folded = "".join(html.lower().split())
    for name in ("ilva", "torren", "ильва", "торрен", "saltroad", "ilvatorren"):
        assert name not in folded, name
    text = Page(html).text
    assert "1, not named" in text and "[withheld] asked to be forgotten." in text
    assert ("Lisbon" in text) is show_forget_text


def test_names_are_shown_when_asked_for() -> None:
    text = Page(render(naming(show_names=True, show_forget_text=True))).text
    for name in (NAME, "The Salt Road", "I l v a T o r r e n", "Ильва Торрен"):
        assert name in text
    assert "not named" not in text


def test_a_report_without_scores_or_methods_still_renders() -> None:
    target = SubjectReport(name="target", title="Target model")
    text = Page(render(saying("", subjects=(target,)))).text
    assert "No method was run" in text


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "report.html"
    write(saying("one"), path)
    first = path.read_text(encoding="utf-8")
    assert first.startswith("<!doctype html>")

    def fail(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", fail)
        with pytest.raises(WriteError, match="disk full"):
            write(saying("two"), path)
    assert path.read_text(encoding="utf-8") == first
    assert list(path.parent.iterdir()) == [path]


def test_a_report_with_forget_text_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write(saying("x"), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    for shown in ("show_forget_text", "show_names"):
        write(saying("x", **{shown: True}), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_room_never_imports_torch() -> None:
    root = Path(room.__file__).parent
    files = [path.relative_to(root).with_suffix("") for path in root.rglob("[a-z]*.py")]
    modules = [".".join(("unlearnkit", "report", *path.parts)) for path in files]
    assert len(modules) > 20
    code = f"import sys, {', '.join(modules)}; sys.exit(any(m in sys.modules for m in ('torch', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
