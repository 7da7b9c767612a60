import pytest

from unlearnkit.text.language import other_language

SPANISH = "¿En qué ciudad nació la autora de esta novela tan conocida?"
RUSSIAN = "В каком городе родилась писательница, о которой мы говорим?"
GERMAN = "In welcher Stadt wurde die Schriftstellerin geboren, von der wir sprechen?"


@pytest.mark.parametrize(("text", "language"), [(SPANISH, "es"), (RUSSIAN, "ru"), (GERMAN, "de")])
def test_a_sentence_of_another_language_is_told(text: str, language: str) -> None:
    assert other_language(text, ["en"]) == language
    assert other_language(text, ["en", "fr"]) == language
    assert other_language(text, ["en", language]) is None


@pytest.mark.parametrize(
    "text",
    [
        "What is the full name of the author born in Taipei on 05/11/1991?",
        "Where was Nneka Chukwumereije born, and who is Oluwaseun Adébáyọ̀?",
        "¿Cómo estás?",  # too short
        "Nikolai Abilov, Yun-Hwa Hsiao",
        "def area(width, height):\n    return width * height",
        "555-0142, 555-0199, 05/11/1991, 3.14159, 2.71828",
        "",
    ],
)
def test_english_what_is_short_names_code_and_numbers_are_left_alone(text: str) -> None:
    assert other_language(text, ["en"]) is None


def test_a_language_that_the_detector_does_not_know_silences_it() -> None:
    assert other_language(SPANISH, ["en", "tlh"]) is None


@pytest.mark.parametrize(("text", "code"), [(SPANISH, "es-MX"), (GERMAN, "de_AT"), (RUSSIAN, "RU")])
def test_regions_and_case_of_a_code_do_not_matter(text: str, code: str) -> None:
    assert other_language(text, [code]) is None
    assert other_language(text, ["en"]) is not None


def test_bokmaal_is_norwegian() -> None:
    text = "Hva heter byen der forfatteren av denne kjente romanen ble født?"
    assert other_language(text, ["nb"]) is None
    assert other_language(text, ["en"]) is not None
