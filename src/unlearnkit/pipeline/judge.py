"""Judge the outputs of a run."""

from __future__ import annotations

from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.judges.aggregate import judge_scores, mean_scores, valid_judgments
from unlearnkit.judges.agreement import Agreement, agreement
from unlearnkit.judges.base import Judge, items_of
from unlearnkit.judges.listing import JUDGES
from unlearnkit.judges.llm.judge import PRESETS, Laaj
from unlearnkit.judges.llm.settings import JudgeModel
from unlearnkit.judges.rule.judge import Rules
from unlearnkit.judges.store import read_judged, write_judged
from unlearnkit.llm.consent import Permission
from unlearnkit.llm.response_cache import ResponseCache
from unlearnkit.llm.types import ChatModel
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_names import parse_judged
from unlearnkit.runs.folder import RunFolder


def judge_outputs(
    folder: RunFolder,
    judge: str = Rules.name,
    *,
    model: JudgeModel | None = None,
    permission: Permission | None = None,
    chat_model: ChatModel | None = None,
    seed: int = 0,
    repeats: int = 1,
    progress: Progress | None = None,
) -> dict[str, Score]:
    """Judge a run's outputs, and write the judgments and their scores.

    Args:
        folder: the run.
        judge: `rules`, `laaj` or `laaj-paper`.
        model: the model that an LLM judge queries.
        permission: what may be sent to the model, and how much may be spent; without it, nothing is sent. Runs that get
            the same object share its limits.
        chat_model: a chat model of your own, queried instead of `model`.
        seed: seeds the order and the nonces of a model judge. The rules are deterministic.
        repeats: number of times that a model judge judges each output.
        progress: reports progress.

    Returns:
        This judge's scores, by flat name.

    Raises:
        InputError: there is no such judge, the run has no outputs, or its outputs may not be sent.
        MissingDependency: a model judge has no model, or a key or package is missing.
        Interrupted, UnlearnError: the model did not finish; its replies are cached and not requested again.
    """
    if judge not in JUDGES:
        allowed = ", ".join(JUDGES)
        raise InputError("there is no judge of that name", value=judge, allowed=allowed, fix="name one of these")
    if repeats < 1 or (judge not in PRESETS and repeats > 1):
        what = "the number of judgments per output must be at least 1, and is 1 for the judge `rules`"
        raise InputError(what, where="repeats", value=repeats, fix="set repeats=1, or choose a model judge")
    records, scope, progress = folder.records(), folder.scope(), progress or Progress()
    items = items_of(records)
    if not items:
        what = "there is nothing to judge: the run has no output on a forget set or a retained set"
        raise InputError(what, where=str(folder.path))
    selected: Judge = Rules(scope)
    if judge in PRESETS:
        model, options, asked = model or JudgeModel(), PRESETS[judge], None
        if chat_model is None:
            chat_model = model.chat_model(permission or Permission(), ResponseCache(folder.replies), progress.log)
            options, asked = options.drawn_as(model.sampling), model.asked
        selected = Laaj(judge, chat_model, options, asked=asked, seed=seed, repeats=repeats)
    with progress.task(f"judging {folder.name}", len(items) * repeats) as counter:
        judged = selected.judge(items, counter.advance)
    write_judged(folder.judgments, judged)
    others = {name: score for name, score in folder.scores().items() if parse_judged(name) is None}
    scores = judge_scores(read_judged(folder.judgments).values(), records, scope)
    folder.write_scores({**others, **scores})
    return {name: score for name, score in scores.items() if name.startswith(f"judge.{judge}.")}


def agree(folder: RunFolder, one: str, other: str) -> dict[str, Agreement]:
    """Return the agreement of two judges of a run, by score.

    It is computed on the outputs that both judged and that were not measured again since.

    Raises:
        InputError: one of them has not judged the run.
    """
    records, scope, judged = folder.records(), folder.scope(), read_judged(folder.judgments)
    marks = []
    for name in (one, other):
        valid = valid_judgments(judged[name], records, scope) if name in judged else []
        if not valid:
            raise InputError(
                "this judge has not judged the run, or not since it was measured",
                where=str(folder.path),
                value=name,
                allowed=", ".join(judged) or "none has",
                fix=f"unlearn judge {folder.path} --judge {name}",
            )
        marks.append(mean_scores(valid))
    return agreement(*marks)
