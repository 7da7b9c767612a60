"""Judge a run's outputs, and compare judges."""

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
    """Judge a run's outputs; write the judgments and the resulting scores.

    Args:
        folder: the run.
        judge: name of the judge: `rules`, `laaj` or `laaj-paper`.
        model: the model that an LLM judge queries.
        permission: what may be sent to the model, and how much may be spent. Without a permission, nothing is sent. If
            several calls get the same permission, the limits apply to the sum of these calls.
        chat_model: a chat model object that is queried instead of `model`.
        seed: seed for the random choices of an LLM judge: the order in which outputs are judged, the order of the
            scores in each prompt, and the random number that each verdict must contain. The judge `rules` is
            deterministic, and ignores the seed.
        repeats: number of times that an LLM judge judges each output.
        progress: reports progress.

    Returns:
        The scores of this judge. The keys are the names of the scores.

    Raises:
        InputError: there is no such judge, the run has no outputs to judge, or the permission does not cover the
            model's host.
        MissingDependency: no model is given for an LLM judge, or an API key or a package is missing.
        Interrupted, UnlearnError: judging was interrupted or failed. Replies received so far are cached and are not
            requested again.
    """
    if judge not in JUDGES:
        allowed = ", ".join(JUDGES)
        raise InputError("there is no judge with this name", value=judge, allowed=allowed, fix="choose one of these")
    if repeats < 1 or (judge not in PRESETS and repeats > 1):
        what = "the number of judgments per output must be at least 1, and exactly 1 for the judge `rules`"
        raise InputError(what, where="repeats", value=repeats, fix="set repeats=1, or choose an LLM judge")
    records, scope, progress = folder.records(), folder.scope(), progress or Progress()
    items = items_of(records)
    if not items:
        what = "there is nothing to judge, because the run has no outputs for rows to forget or for rows to keep"
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
    """Return how well two judges agree on a run, for each score.

    The agreement is computed on the outputs that both judges have judged. Judgments of outputs that have been replaced
    by a new measurement do not count.

    Raises:
        InputError: one of the two judges has not judged the run's current outputs.
    """
    records, scope, judged = folder.records(), folder.scope(), read_judged(folder.judgments)
    marks = []
    for name in (one, other):
        valid = valid_judgments(judged[name], records, scope) if name in judged else []
        if not valid:
            raise InputError(
                "this judge has not judged the run, or the run was measured again after it was judged",
                where=str(folder.path),
                value=name,
                allowed=", ".join(judged) or "no judge has judged the run yet",
                fix=f"call this judge first: unlearn judge {folder.path} --judge {name}",
            )
        marks.append(mean_scores(valid))
    return agreement(*marks)
