"""List and describe the judges."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from unlearnkit.judges.llm.judge import PRESETS, LaajOptions
from unlearnkit.judges.llm.settings import JudgeModel
from unlearnkit.judges.rubrics import describe_rubrics
from unlearnkit.judges.rule.judge import Rules, describe_rules


@dataclass(frozen=True)
class JudgeEntry:
    """Summary and paper of a judge that users can select."""

    summary: str
    paper: str | None


JUDGES = {
    Rules.name: JudgeEntry("Fixed rules compute the scores from offline metrics; no model is queried.", None),
    "laaj": JudgeEntry(
        "A language model judges responses and traces; for retention quality, it sees the correct answers; failed "
        "judgments score 0.",
        "arXiv:2603.09980",
    ),
    "laaj-paper": JudgeEntry(
        "Like laaj, but with the options of the paper: the judge sees no correct answers; for unlearning quality, it "
        "sees no traces; failed judgments are dropped.",
        "arXiv:2603.09980",
    ),
}


def describe_judge(name: str) -> list[str]:
    """Return paragraphs that describe a judge.

    For the judge `rules`, the paragraphs contain the rules. For an LLM judge, they contain the options and the rubrics.
    """
    entry = JUDGES[name]
    head = f"judge {name}" + (f"  ({entry.paper})" if entry.paper else "")
    if name == Rules.name:
        return [head, f"Rules, version {Rules.version}.", describe_rules()]
    intro = inspect.getdoc(LaajOptions) or ""
    lines = [intro]
    for field, settings in LaajOptions.model_fields.items():
        value = getattr(PRESETS[name], field)
        lines += [f"  {field}: {', '.join(value) if isinstance(value, tuple) else value}", _description(settings)]
    model = [inspect.getdoc(JudgeModel) or "", "Model settings, as in `unlearn judge RUN --judge laaj path=DIR`:"]
    for field, settings in JudgeModel.model_fields.items():
        model += [f"  {field}", _description(settings)]
    return [head, entry.summary, "\n".join(lines), "\n".join(model), describe_rubrics()]


def _description(field: FieldInfo) -> str:
    return f"      {' '.join((field.description or '').split())}"
