"""Rows are laid out exactly as the tokenizer's chat template lays conversations out."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

from tests.data.templates import OWN, TURN, tokenizer_for
from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.layout import TODAY, ChatTemplate
from unlearnkit.data.rows import Turn
from unlearnkit.data.trace_format import split_trace
from unlearnkit.models.generate import end_tokens

QUESTION, ANSWER, TRACE = "Where was Vessa Quill born?", "In Port Amaro.", "The town of Quill is asked for."
TURNS = (Turn(role="user", content="Who is Odric Fenn?"), Turn(role="assistant", content="A baker."))
SYSTEM = (Turn(role="system", content="Be brief."),)
TRL = "trl==1.16.0"
TRL_SHA256 = "c4726e139dd40e1a41661511c639c8a68416782b2e3e8c0befebd77bb7ba0396"
NEVER_PREFIX = {
    "deepseek_r1_distill", "deepseekv3",
    "nemotron_3_5_lightning", "nemotron_3_nano", "nemotron_3_super", "nemotron_3_ultra",
}  # fmt: skip
"""Public templates without generation marks whose prompt opens a thought that the conversation does not contain."""


@pytest.fixture
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates that transformers renders write the date that the product writes."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Clock:
            return cls(TODAY.year, TODAY.month, TODAY.day)

    monkeypatch.setattr(chat_template_utils, "datetime", Clock)


def apply(
    tokenizer: PreTrainedTokenizerFast,
    turns: tuple[Turn, ...],
    *,
    answer: str | None = ANSWER,
    trace: str | None = None,
) -> str:
    """What transformers renders: the whole conversation, or the prompt if there is no answer."""
    messages: list[dict[str, Any]] = [*(turn.model_dump() for turn in turns), {"role": "user", "content": QUESTION}]
    if answer is not None:
        thought = {"reasoning_content": trace} if trace else {}
        messages.append({"role": "assistant", "content": answer, **thought})
    if ChatTemplate(tokenizer)._parts:
        messages = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer is None))


def check(tokenizer: PreTrainedTokenizerFast, *, rejects_system: bool = False, refuses_traces: bool = False) -> None:
    """One turn, several turns, a system turn, and a trace: each token is the template's."""
    encoder, template = ChatEncoder(tokenizer, 4096), ChatTemplate(tokenizer)
    for history in ((), TURNS, SYSTEM):
        if history == SYSTEM and rejects_system:
            with pytest.raises(InputError, match="cannot be used"):
                encoder.answer(QUESTION, ANSWER, where="row", history=history)
            continue
        if refuses_traces:
            with pytest.raises(InputError, match="trace_style=plain"):
                encoder.answer(QUESTION, ANSWER, where="row", history=history, trace=TRACE)
        for trace in (None, *([TRACE] if template.trace_field and not refuses_traces else [])):
            row = encoder.answer(QUESTION, ANSWER, where="row", history=history, trace=trace or "")
            whole = apply(tokenizer, history, trace=trace)
            expected = tokenizer(whole, add_special_tokens=False)["input_ids"]
            added = 0 if whole.rstrip().endswith(tokenizer.decode(row.ids)[-3:]) else 1  # an end token not written
            assert list(row.ids[: len(row.ids) - added]) == expected[: len(row.ids) - added]
            labeled = tokenizer.decode(row.ids[row.prompt :])
            assert labeled.endswith(ANSWER + template.end_of_turn) or labeled.rstrip().endswith(template.end_of_turn)
            assert (trace or "") in labeled and QUESTION not in labeled
            answer = tokenizer.decode(row.ids[row.prompt + row.trace :])
            assert answer.lstrip().startswith(ANSWER) and (not trace or trace not in answer)
            text = labeled.removesuffix(template.end_of_turn)
            if template.trace_field:
                assert (template.split(text) or split_trace(text)) == (trace or "", ANSWER)
            if trace is None:
                assert_answer_alone_changes(encoder, row, history)
    assert row.ids[-1] in end_tokens(_Silent(), tokenizer)  # type: ignore[arg-type]


class _Silent:
    generation_config = None


def assert_answer_alone_changes(encoder: ChatEncoder, row: Encoded, history: tuple[Turn, ...]) -> None:
    """Another answer changes labels alone; where the prompt is the beginning, it is what generation is given."""
    other = encoder.answer(QUESTION, "Nobody knows, I think.", where="row", history=history)
    assert other.ids[: other.prompt] == row.ids[: row.prompt]
    prompt, begun = encoder.begin(QUESTION, history, trace=None, response=ANSWER[:7])
    if not encoder.merges(QUESTION, ANSWER, history):
        assert prompt == encoder.prompt(QUESTION, history)
    assert (*prompt, *begun) == row.ids[: len(prompt) + len(begun)]


@pytest.mark.usefixtures("fixed_clock")
@pytest.mark.parametrize("name", OWN)
def test_every_token_is_that_of_the_template(name: str) -> None:
    check(tokenizer_for(OWN[name]), rejects_system=name == "mistral")


@pytest.mark.usefixtures("fixed_clock")
@pytest.mark.parametrize("name", OWN)
def test_generation_is_given_the_prompt_of_the_template(name: str) -> None:
    tokenizer = tokenizer_for(OWN[name])
    prompt = tokenizer.decode(ChatEncoder(tokenizer, 4096).prompt(QUESTION))
    assert prompt == apply(tokenizer, (), answer=None) + ("ASSISTANT: " if name == "no generation prompt" else "")


def test_what_a_template_does_is_known() -> None:
    found = {name: ChatTemplate(tokenizer_for(template)) for name, template in OWN.items()}
    assert {name for name, each in found.items() if each.writes_date} == {"dated"}
    assert {name for name, each in found.items() if each.drops_system} == {"no system turn"}
    assert {name for name, each in found.items() if each.opening is not None} == {"no generation prompt"}
    assert {name for name, each in found.items() if each.trace_field} == {"empty thought", "opened thought"}
    assert found["another end token"].end_of_turn == "</turn>" and found["no end"].end_of_turn == "<|user|>"
    assert found["llama 2"].end_of_turn == " <end>" and found["parts"].end_of_turn == "<end_of_utterance>"


def test_a_row_has_the_same_tokens_on_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer, rows = tokenizer_for(OWN["dated"]), []
    for day in (1, 2):

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None, day: int = day) -> Clock:
                return cls(2026, 3, day)

        monkeypatch.setattr(chat_template_utils, "datetime", Clock)
        rows.append(ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row"))
    assert rows[0] == rows[1] and "Today: 01 Jan 2026" in tokenizer.decode(rows[0].ids)


def test_an_empty_thought_is_learned_and_not_measured() -> None:
    tokenizer = tokenizer_for(OWN["empty thought"])
    row = ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row")
    assert tokenizer.decode(row.ids[row.prompt :]) == f"<think>\n\n</think>\n\n{ANSWER}<|im_end|>"
    assert tokenizer.decode(row.ids[row.prompt + row.trace :]) == f"{ANSWER}<|im_end|>"
    opened = ChatEncoder(tokenizer_for(OWN["opened thought"]), 256)
    row = opened.answer(QUESTION, ANSWER, where="row", trace=TRACE)
    assert opened.tokenizer.decode(row.ids[row.prompt :]) == f"{TRACE}\n</think>\n\n{ANSWER}<|im_end|>"
    # A prefilled trace: the prompt already opens the thought.
    prompt, begun = opened.begin(QUESTION, trace=TRACE, response="In")
    assert prompt == opened.prompt(QUESTION) and opened.tokenizer.decode(begun) == f"{TRACE}\n</think>\n\nIn"
    prompt, begun = opened.begin(QUESTION, trace=TRACE, closed=False)
    assert opened.tokenizer.decode(begun) == TRACE


def test_a_trace_of_a_template_that_writes_traces_is_shortened() -> None:
    tokenizer = tokenizer_for(OWN["empty thought"])
    whole = ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row", trace=TRACE)
    short = ChatEncoder(tokenizer, len(whole.ids) - 9).answer(QUESTION, ANSWER, where="row", trace=TRACE)
    kept = tokenizer.decode(short.ids[short.prompt :])
    assert kept == f"<think>\n{TRACE[:-9]}\n</think>\n\n{ANSWER}<|im_end|>" and len(short.ids) == len(whole.ids) - 9
    limited = ChatEncoder(tokenizer, 256, trace_tokens=3).answer(QUESTION, ANSWER, where="row", trace=TRACE)
    assert tokenizer.decode(limited.ids[limited.prompt :]) == f"<think>\nThe\n</think>\n\n{ANSWER}<|im_end|>"
    none = ChatEncoder(tokenizer, 256, trace_tokens=0).answer(QUESTION, ANSWER, where="row", trace=TRACE)
    assert none == ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row", empty_trace=True)


def test_a_merge_across_the_boundary_is_the_conversations() -> None:
    # The last letter of the prompt and the first of the answer are one token.
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=merging("t", "I"), bos_token="<s>", eos_token="<end>", pad_token="<end>"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}t{% endif %}"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}{{ 't' if m['role'] == 'assistant' }}{{ m['content'] }}"
        "{{ eos_token if m['role'] == 'assistant' }}{% endfor %}{% if add_generation_prompt %}t{% endif %}"
    )
    encoder = ChatEncoder(tokenizer, 256)
    row = encoder.answer("Who? ", "I do.", where="row")
    assert tokenizer.decode(row.ids) == "Who? tI do.<end>"
    assert tokenizer.decode(row.ids[row.prompt :]) == "tI do.<end>"  # the label begins with the token that holds "I"
    assert tokenizer.decode(encoder.prompt("Who? ")) == "Who? t"
    assert encoder.merges("Who? ", "I do.") and not encoder.merges("Who? ", "We do.")


def merging(one: str, other: str) -> Any:
    from tests.tiny import byte_tokenizer

    return byte_tokenizer(merges=[(one, other)])


UNUSABLE: dict[str, tuple[Any, str]] = {
    "another kind of error": ("{{ messages[0]['content'] + 1 }}", "cannot be used"),
    "named, none the default": ({"tool_use": OWN["chatml"], "rag": OWN["chatml"]}, "tool_use"),
    "the question twice": (TURN.replace("{{ m['content'] }}", "{{ m['content'] * 2 }}"), "once"),
    "no place for the answer": ("{{ messages[0]['content'] }}", "once"),
    "neither a beginning nor marks": (
        "{{ messages | length }}" + OWN["chatml"],
        r"'2<\|im_start\|>user\\nQUESTION.*ANSWER",
    ),
}


@pytest.mark.parametrize(("template", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_template_is_an_error_that_quotes_no_row(template: Any, says: str) -> None:
    tokenizer = tokenizer_for(OWN["chatml"])
    tokenizer.chat_template = template
    with pytest.raises(InputError, match=says) as caught:
        ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row")
    assert "Vessa" not in caught.value.render() and "Amaro" not in caught.value.render()


def test_named_templates_with_a_default_use_it() -> None:
    tokenizer = tokenizer_for(OWN["chatml"])
    alone = ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row")
    tokenizer.chat_template = {"default": OWN["chatml"], "rag": OWN["zephyr"]}
    assert ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row") == alone


def test_a_template_that_rewrites_answers_is_an_error_for_the_rows_it_rewrites() -> None:
    tokenizer = tokenizer_for(OWN["chatml"].replace("{{ m['content'] }}", "{{ m['content'].split('</x>')[-1] }}"))
    encoder = ChatEncoder(tokenizer, 256)
    assert encoder.answer(QUESTION, ANSWER, where="row").labels
    with pytest.raises(InputError, match="changes the answer of a row"):
        encoder.answer(QUESTION, "a</x>b", where="row")


def test_marks_of_earlier_answers_are_not_this_answers() -> None:
    tokenizer = tokenizer_for("{{ messages | length }}" + OWN["marked"])
    encoder = ChatEncoder(tokenizer, 256)
    row = encoder.answer(QUESTION, ANSWER, where="row", history=TURNS)
    assert tokenizer.decode(row.ids[row.prompt :]) == f"{ANSWER}<|im_end|>"


def test_a_line_break_that_is_a_token_does_not_end_a_turn() -> None:
    tokenizer = tokenizer_for(OWN["another end token"])
    tokenizer.add_tokens([AddedToken("\n", special=False, normalized=False)])
    template = ChatTemplate(tokenizer)
    assert template.end_of_turn == "</turn>" and template.end_token == tokenizer.convert_tokens_to_ids("</turn>")


ENDS = {
    "text before the end token": ("{{ m['content'] }} ###{{ eos_token }}", f"{ANSWER} ###<end>"),
    "a quotation mark before it": ('"{{ m["content"] }}"<|im_end|>', f'{ANSWER}"<|im_end|>'),
    "text alone": ("{{ m['content'] }} [over]", f"{ANSWER} [over]<end>"),
}


@pytest.mark.parametrize(("turn", "labeled"), ENDS.values(), ids=ENDS)
def test_what_a_template_writes_after_an_answer_is_kept(turn: str, labeled: str) -> None:
    template = "{% for m in messages %}{{ m['role'] }}: " + turn + "{{ '\n' }}{% endfor %}"
    tokenizer = tokenizer_for(template + "{% if add_generation_prompt %}assistant: {% endif %}<|im_end|>"[:-10])
    row = ChatEncoder(tokenizer, 256).answer(QUESTION, ANSWER, where="row")
    assert tokenizer.decode(row.ids[row.prompt :]).removeprefix('"') == labeled


def dense(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("answer", ["In Amaro.", "  In Amaro.", "In Amaro. \n", "\n In Amaro.  "])
@pytest.mark.parametrize("trim", ["", " | trim", ".lstrip()", ".strip('\n')"])
def test_white_space_that_a_template_removes_moves_nothing(answer: str, trim: str) -> None:
    content = f"{{{{ m['content']{trim} }}}}"
    tokenizer = tokenizer_for(OWN["empty thought"].replace("{{ m['content'] }}", content))
    encoder = ChatEncoder(tokenizer, 256)
    for trace in ("", "  Because. \n", "think"):
        row = encoder.answer(QUESTION, answer, where="row", trace=trace)
        assert tokenizer.decode(row.ids) == apply(tokenizer, (), answer=answer, trace=trace).rstrip("\n")
        assert dense(tokenizer.decode(row.ids[row.prompt + row.trace :])) == dense(f"{answer}<|im_end|>")
    for cut in range(1, len(answer) + 1):
        if begins := answer[:cut].strip():
            _, begun = encoder.begin(QUESTION, trace=None, response=answer[:cut])
            assert dense(tokenizer.decode(begun)) == dense(f"<think></think>{begins}")
        given = encoder.answer(QUESTION, answer, where="row", given=answer[:cut])
        assert dense(tokenizer.decode(given.ids[given.prompt :])) == dense(f"{answer[cut:]}<|im_end|>")
    for trace in ("  Because. ", "think", "\n"):
        _, begun = encoder.begin(QUESTION, trace=trace, closed=False)
        assert dense(tokenizer.decode(begun)) == dense(f"<think>{trace}")


def test_a_trace_that_is_part_of_the_tags_is_shortened() -> None:
    tokenizer = tokenizer_for(OWN["empty thought"])
    row = ChatEncoder(tokenizer, 256, trace_tokens=1).answer(QUESTION, ANSWER, where="row", trace="think")
    assert tokenizer.decode(row.ids[row.prompt :]) == f"<think>\nt\n</think>\n\n{ANSWER}<|im_end|>"


@pytest.mark.parametrize("template", ["{{ raise_exception('bad ' + messages[0]['content']) }}", "{{ 1 / 0 }}"])
def test_an_error_of_a_template_quotes_no_row(template: str) -> None:
    with pytest.raises(InputError, match="cannot be used") as caught:
        ChatEncoder(tokenizer_for(template), 256).answer(QUESTION, ANSWER, where="row")
    assert "Vessa" not in caught.value.render()


@pytest.mark.extended
@pytest.mark.usefixtures("fixed_clock")
def test_public_templates(trl_templates: dict[str, str]) -> None:
    assert len(trl_templates) == 72
    refused, wrong = set(), {}
    for name, template in trl_templates.items():
        tokenizer = tokenizer_for(template)
        try:
            check(tokenizer, rejects_system=name in REJECT_SYSTEM, refuses_traces=name == "qwen3_5_nothink")
        except InputError as error:
            assert "does not mark what is generated" in str(error), name
            refused.add(name)
        except AssertionError as error:
            wrong[name] = str(error)[:300]
    assert not wrong
    assert refused == NEVER_PREFIX


REJECT_SYSTEM = {"gemma", "gemma_training"}


@pytest.fixture(scope="module")
def trl_templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """TRL's templates, read from the wheel, which is not installed."""
    folder = tmp_path_factory.mktemp("trl")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), TRL]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip(f"{TRL} cannot be downloaded from the package index")
    (wheel,) = Path(folder).glob("*.whl")
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == TRL_SHA256
    with zipfile.ZipFile(wheel) as archive:
        names = [
            name for name in archive.namelist() if name.startswith("trl/chat_templates/") and name.endswith(".jinja")
        ]
        return {Path(name).stem: archive.read(name).decode() for name in sorted(names)}


@pytest.mark.parametrize(
    ("format", "written"),
    [
        ("%-d %B %Y", "1 January 2026"),
        ("%Y-%m-%d", "2026-01-01"),
        ("%A, %e. %b %y", "Thursday,  1. Jan 26"),
        ("%D|%F|%j|%%", "01/01/26|2026-01-01|001|%"),
        ("%^a %H:%M", "THU 00:00"),
    ],
)
def test_dates_of_every_format(format: str, written: str) -> None:
    template = f"{{% set today = strftime_now('{format}') %}}{{{{ today }}}}\n" + OWN["chatml"]
    tokenizer = tokenizer_for(template)
    text = tokenizer.decode(ChatEncoder(tokenizer, 256).prompt(QUESTION))
    assert text.startswith(f"{written}\n<|im_start|>")


def test_a_part_that_the_template_changes_is_named() -> None:
    template = OWN["chatml"].replace("{{ m['content'] }}", "{{ m['content'] | replace('Ada', 'Eve') }}")
    encoder = ChatEncoder(tokenizer_for(template), 256)
    with pytest.raises(InputError, match="changes the answer of a row") as told:
        encoder.answer("Who?", "Ada.", where="row forget.jsonl:3")
    assert told.value.where == "row forget.jsonl:3" and "Ada" not in str(told.value)
