"""Having the outputs of a run judged; no model is loaded here."""

from __future__ import annotations

from unlearnkit.errors import BadInput
from unlearnkit.judge.agreement import Agreement, agreement, marks_of
from unlearnkit.judge.catalogue import JUDGES
from unlearnkit.judge.contract import Judge, Speaker, items_of
from unlearnkit.judge.files import read_judged, write_judged
from unlearnkit.judge.laaj import PRESETS, Laaj
from unlearnkit.judge.rules import Rules
from unlearnkit.judge.scores import judge_scores, valid_judgements
from unlearnkit.judge.speaker import make_speaker
from unlearnkit.metrics.score import Score
from unlearnkit.progress import Progress
from unlearnkit.report.names import parse_judged
from unlearnkit.runfolder import RunFolder


def judge_outputs(
    folder: RunFolder,
    judge: str = Rules.name,
    *,
    speaker: Speaker | None = None,
    seed: int = 0,
    repeats: int = 1,
    progress: Progress | None = None,
) -> dict[str, Score]:
    """Judge what the subject of a run said, keep the judgements, and put the scores among the run's.

    Args:
        folder: the run.
        judge: `rules`, `laaj` or `laaj-paper`.
        speaker: the model that a model judge asks; None: the one of `make_speaker`.
        seed: of the order and the nonces of a model judge. The rules draw nothing.
        repeats: how often a model judge judges each output.
        progress: tells what is being done.

    Returns:
        This judge's scores, by their flat names.

    Raises:
        BadInput: there is no such judge, or the run has no outputs.
        Missing: a model judge, and no model to ask.
    """
    if judge not in JUDGES:
        allowed = ", ".join(JUDGES)
        raise BadInput("there is no judge of that name", value=judge, allowed=allowed, fix="name one of these")
    if repeats < 1 or (judge not in PRESETS and repeats > 1):
        raise BadInput(
            "an output is judged once or more, and once alone by rules",
            where="repeats",
            value=repeats,
            fix="repeats=1; or name a model judge",
        )
    records, scope = folder.records(), folder.scope()
    items = items_of(records)
    if not items:
        raise BadInput("there is nothing to judge: no output on a set to be forgotten or kept", where=str(folder.path))
    made: Judge
    if judge in PRESETS:
        asked = speaker or make_speaker(temperature=PRESETS[judge].temperature)
        made = Laaj(judge, asked, seed=seed, repeats=repeats)
    else:
        made = Rules(scope)
    with (progress or Progress()).count(f"judging {folder.name}", len(items) * repeats) as counter:
        judged = made.judge(items, counter.add)
    write_judged(folder, judged)
    others = {name: score for name, score in folder.scores().items() if parse_judged(name) is None}
    found = judge_scores(read_judged(folder).values(), records, scope)
    folder.write_scores({**others, **found})
    return {name: score for name, score in found.items() if _judge_of(name) == judge}


def agree(folder: RunFolder, one: str, other: str) -> dict[str, Agreement]:
    """How far two judges of a run agree, score by score, on the outputs that both judged and that still stand.

    Raises `BadInput` where one of them has not judged the run.
    """
    records, scope, judged = folder.records(), folder.scope(), read_judged(folder)
    marks = []
    for name in (one, other):
        valid = valid_judgements(judged[name], records, scope) if name in judged else []
        if not valid:
            raise BadInput(
                "this judge has not judged the run, or not since it was measured",
                where=str(folder.path),
                value=name,
                allowed=", ".join(judged) or "none has",
                fix=f"unlearn judge {folder.path} --judge {name}",
            )
        marks.append(marks_of(valid))
    return agreement(*marks)


def _judge_of(flat: str) -> str | None:
    name = parse_judged(flat)
    return None if name is None else name.judge
