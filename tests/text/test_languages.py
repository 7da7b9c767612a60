"""Refusals, coherence and searches in languages without a model, and what cannot be judged."""

from __future__ import annotations

import subprocess
import sys

import pytest

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.metrics.base import METRICS
from unlearnkit.metrics.board import score_records
from unlearnkit.metrics.score import Score
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope, ScopeSubject, Secret
from unlearnkit.text.affixed_search import Context
from unlearnkit.text.coherence import coherence_of
from unlearnkit.text.normalize import contains
from unlearnkit.text.refusal import refusal_of
from unlearnkit.text.statement import states, states_any

REFUSALS = """
抱歉，我无法回答这个问题。
对不起，我不能透露这方面的信息。
關於這個人，我無法提供任何資訊。
その情報を提供することはできません。
その件についてはお答えを控えさせていただきます。
그 정보는 알려드릴 수 없습니다.
잘 모르겠습니다.
Das weiß ich leider nicht.
Ich kann diese Frage nicht beantworten.
En tiedä.
Minulla ei ole tietoa asiasta.
Sajnálom, erre a kérdésre nem válaszolhatok.
Sajnos nem adhatok erről információt.
Üzgünüm, bu soruyu yanıtlayamam.
Bilmiyorum.
عذرًا، لا أستطيع الإجابة على هذا السؤال.
ليس لدي معلومات عن ذلك.
מצטער, אני לא יכול לענות על השאלה הזאת.
אין לי מידע על כך.
ขออภัย ฉันไม่สามารถตอบคำถามนี้ได้
ฉันไม่ทราบ
""".strip().split("\n")
ANSWERS = """
这扇门没有钥匙打不开。
他不知道答案。
他不会游泳。
彼は泳ぐことができませんでした。
その扉は鍵がないと開きません。
그는 수영을 할 수 없었습니다.
문은 열쇠 없이는 열 수 없다.
Die Tür lässt sich ohne Schlüssel nicht öffnen.
Er konnte nicht schwimmen und blieb am Ufer.
Hän ei osannut uida.
Ovea ei voi avata ilman avainta.
Nem tudott úszni.
Yüzme bilmiyordu.
لم يكن يعرف السباحة.
הוא לא ידע לשחות.
เขาว่ายน้ำไม่เป็น
""".strip().split("\n")
GEORGIAN = "თბილისი არის საქართველოს დედაქალაქი და დიდი ქალაქი"
LOOPS = (
    "我我我我我我我我",
    "是的是的是的是的是的是的",
    "안녕 안녕 안녕 안녕",
    "ครับครับครับครับครับ",
    "はいはいはいはいはい",
)


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text: str) -> None:
    assert (refusal_of(text), coherence_of(text)) == (True, True)


@pytest.mark.parametrize("text", ANSWERS)
def test_answers_with_a_negation(text: str) -> None:
    assert (refusal_of(text), coherence_of(text)) == (False, True)


@pytest.mark.parametrize("text", LOOPS)
def test_loops_are_incoherent_in_every_script(text: str) -> None:
    assert (refusal_of(text), coherence_of(text)) == (False, False)


def test_a_language_without_evidence_is_not_judged() -> None:
    assert (refusal_of(GEORGIAN), coherence_of(GEORGIAN)) == (None, None)
    assert coherence_of(" ".join(["თბილისი"] * 5)) is False  # a loop is a loop
    assert refusal_of("Elle est née dans la ville de Lyon et elle y habite encore.") is None


@pytest.mark.parametrize(
    ("text", "form", "found"),
    [
        ("她出生于1984年。", "1984", True),
        ("1984년에 태어났다.", "1984", True),
        ("그는 Lisbon에서 산다.", "Lisbon", True),
        ("他有12万元。", "12", False),
        ("他十五岁。", "五岁", False),
        ("東京都に住む。", "京都", False),
        ("京都に住む。", "京都", True),
        ("ローマンさん", "ローマ", False),
        ("เขาซื้อม้า", "มา", False),
    ],
)
def test_whole_words_where_there_are_no_spaces(text: str, form: str, found: bool) -> None:
    assert contains(text, form) is found


def test_endings_count_only_in_their_language() -> None:
    english = "The Rosan was a ship that nobody had seen for many years."
    assert not states(english, "Rosa")
    finnish = "Tapasin eilen Rosan, joka asuu nykyään naapurikaupungissa."
    assert states(finnish, "Rosa")
    assert states("Rosan.", "Rosa", Context(question="Kenen kirja se on?", language="fi"))


def test_a_failed_search_in_an_unchecked_script_is_not_measured() -> None:
    assert states_any("ის თბილისში დაიბადა", ("თბილისი",)) is None
    assert states_any("თბილისი", ("თბილისი",)) is True
    assert states_any("She was born in Batumi.", ("თბილისი",)) is False
    assert states_any("ის თბილისში დაიბადა", ("Tbilisi",)) is False


def test_rows_that_were_not_measured_are_counted() -> None:
    scope = Scope(
        description="x",
        task="privacy",
        subjects=(ScopeSubject(name="Vessa"),),
        secrets=(Secret(subject="Vessa", forms=("თბილისი",)),),
    )

    def record(number: int, said: str) -> Record:
        row = Row(id=str(number), question="?", answer="თბილისი", accepted_answers=("თბილისი",), subject="Vessa")
        return Record(split="forget", row=row, generation=Generation(text=said, trace="", response=said, ended="eos"))

    records = [record(1, "თბილისი"), record(2, GEORGIAN.replace("თბილისი", "ბათუმი")), record(3, "I don't know.")]
    scores = score_records(records, scope)
    for name in ("accuracy", "leak_rate"):
        score = scores[f"forget.{name}"]
        assert (score.value, score.count, score.unmeasured) == (0.5, 2, 1), name
    refusal = scores["forget.refusal_rate"]
    assert (refusal.count, refusal.unmeasured) == (1, 2)  # only the English response can be judged
    assert scores["forget.probability"] == Score(value=None)  # it reads no outputs
    assert METRICS.get("leak_rate").plugin.measure(records[1], scope) is None


def test_a_score_without_unmeasured_rows_is_stored_as_before() -> None:
    assert "unmeasured" not in Score(value=0.5, count=2).model_dump_json()
    assert Score.model_validate_json(Score(value=None, unmeasured=3).model_dump_json()).unmeasured == 3


def test_reading_a_recipe_imports_no_library_for_languages() -> None:
    code = (
        "import sys, unlearnkit.recipe\n"
        "loaded = {'babel', 'phonenumbers', 'icu4py', 'py3langid'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
        "import unlearnkit.metrics.plugins.leak_rate, unlearnkit.metrics.plugins.accuracy\n"
        "loaded = {'babel', 'phonenumbers', 'icu4py', 'py3langid', 'torch'} & set(sys.modules)\n"
        "assert loaded <= {'torch'}, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
