"""Print which conversations are laid out as public chat templates lay them out, token for token.

    python experiments/template_table.py > docs/results/templates.md

The templates are the 72 of TRL's wheel, which is downloaded and read but not installed, and those in
`tests/data/templates.py`. Each template gets a small tokenizer with its special tokens.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.data.templates import OWN, tokenizer_for
from tests.data.test_layout import ANSWER, QUESTION, SYSTEM, TRACE, TRL, TURNS, apply
from transformers.utils import chat_template_utils

from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.data.layout import TODAY, ChatTemplate
from unlearnkit.data.rows import Turn

COLUMNS: dict[str, tuple[tuple[Turn, ...], str | None]] = {
    "one turn": ((), None),
    "several turns": (TURNS, None),
    "system turn": (SYSTEM, None),
    "trace": ((), TRACE),
    "trace, several turns": (TURNS, TRACE),
}


class _Clock(chat_template_utils.datetime):  # type: ignore[misc]
    @classmethod
    def now(cls, tz: object = None) -> _Clock:
        del tz
        return cls(TODAY.year, TODAY.month, TODAY.day)


def verdict(template: str, history: tuple[Turn, ...], trace: str | None) -> str:
    """Compare the tokens of a row with those of the template's own text."""
    tokenizer = tokenizer_for(template)
    try:
        if trace and ChatTemplate(tokenizer).trace_field is None:
            return "not written"  # the template has no place for a trace, so the trace is a part of the answer
        row = ChatEncoder(tokenizer, 4096).answer(QUESTION, ANSWER, where="row", history=history, trace=trace or "")
        text = apply(tokenizer, history, trace=trace)
    except InputError:
        return "refused"
    whole = tokenizer(text, add_special_tokens=False)["input_ids"]
    # After the end of the turn, a template may write white space or the end token of the whole text, which are neither
    # trained nor measured. A template that does not end the answer's turn gets the end token.
    ended = list(row.ids[: len(whole)]) == whole and len(row.ids) <= len(whole) + 1
    rest = tokenizer.decode(whole[len(row.ids) :]).strip()
    cut = list(row.ids) == whole[: len(row.ids)] and rest in ("", str(tokenizer.eos_token))
    return "equal" if ended or cut else "different"


def main() -> None:
    chat_template_utils.datetime = _Clock
    templates = {f"(ours) {name}": template for name, template in OWN.items()}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, TRL]
        subprocess.run(command, check=True, stdout=sys.stderr)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            files = sorted(f for f in archive.namelist() if f.startswith("trl/chat_templates/") and f.endswith("jinja"))
            templates |= {Path(file).stem: archive.read(file).decode() for file in files}
    print(
        "# Chat templates\n\n"
        "Rows are laid out by the template itself and compared with `apply_chat_template`, token for token, up to\n"
        "the end of the answer's turn.\n\n"
        "- `equal`: all tokens are the same.\n"
        "- `not written`: the template has no place for a trace, so the trace is put into the answer.\n"
        "- `refused`: the prompt is not the beginning of the conversation and the template does not mark what is\n"
        "  generated, or the template rejects system turns or traces. An error shows both layouts.\n\n"
        f"The table is written by `python experiments/template_table.py`, with the templates of {TRL}.\n"
    )
    print(f"| template | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}")
    for name, template in templates.items():
        print(f"| {name} | {' | '.join(verdict(template, *column) for column in COLUMNS.values())} |")


if __name__ == "__main__":
    main()
