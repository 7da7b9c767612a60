"""The rows of every view that a method needs, encoded: splits as they are, and what is taught in their place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.idk_answers import idk_answers
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.methods.objective import Needs, View
from unlearnkit.models.trace_tokens import add_trace_tokens
from unlearnkit.training.settings import TrainSettings

TARGET, IDK = "target", "idk"
"""Variants of a view: `forget:target`, `scope:target`, `forget:idk`."""
TAUGHT = "taught"
"""The forget split once more, in an order of its own: what is taught is then drawn apart from what is unlearned."""


def training_renderer(tokenizer: PreTrainedTokenizerBase, settings: TrainSettings) -> ChatEncoder:
    """How rows are laid out for training. The tokenizer is given the marks of a trace that it lacks."""
    return ChatEncoder(
        add_trace_tokens(tokenizer, settings.trace_style),
        settings.max_length,
        style=settings.trace_style,
        trace_tokens=settings.trace_tokens,
    )


def taught_splits(needs: Needs) -> set[str]:
    """Return the splits for whose rows a method needs targets."""
    parts = [view.partition(":") for view in needs.views]
    return {split for split, _, variant in parts if variant == TARGET}


def encode_views(
    views: Iterable[View],
    splits: Mapping[str, Sequence[Row]],
    encoder: ChatEncoder,
    *,
    targets: Sequence[Target],
    seed: int,
) -> dict[View, list[Encoded]]:
    """Every row of each view; `targets` are found by the ids of their rows."""
    by_id = {target.id: target for target in targets}
    return {view: _encode(view, splits, encoder, by_id, seed) for view in sorted(views)}


def _encode(
    view: View, splits: Mapping[str, Sequence[Row]], encoder: ChatEncoder, targets: Mapping[str, Target], seed: int
) -> list[Encoded]:
    split, _, variant = view.partition(":")
    if split not in splits or variant not in ("", TARGET, IDK):
        raise InputError(
            "the method trains on rows that nobody makes",
            value=view,
            allowed=", ".join([*splits, f"forget:{TARGET}", f"scope:{TARGET}", f"forget:{IDK}"]),
            fix="mend the method's `needs`",
        )
    rows = splits[split]
    if variant:
        _refuse_texts(rows, view)
    if variant == TARGET:
        _refuse_untaught(rows, targets, view)
        said = [(targets[row.id].trace, targets[row.id].response) for row in rows]
    elif variant == IDK:
        said = [("", answer) for answer in idk_answers(rows, seed)]
    else:
        said = [(row.trace, row.answer) for row in rows]
    # What is unlearned is the answer; the trace before it is only what brings it up.
    label_trace = view != "forget"
    # How a thought on a question of the scope begins was put there; taught is how it goes on.
    return [
        encoder.answer(
            row.question,
            answer,
            history=row.history,
            trace=trace,
            prefix=row.trace if split == "scope" else "",
            label_trace=label_trace,
            where=f"{view}, row {row.id}",
        )
        for row, (trace, answer) in zip(rows, said, strict=True)
    ]


def _refuse_untaught(rows: Sequence[Row], targets: Mapping[str, Target], view: View) -> None:
    untaught = [row for row in rows if row.id not in targets]
    if untaught:
        raise InputError(
            "there is no target for a row: the rows changed since the targets were written",
            where=f"{view}, row {untaught[0].id}",
            fix="bring back the rows that the run was begun with; or begin anew in another folder: out=...",
        )


def _refuse_texts(rows: Sequence[Row], view: View) -> None:
    """What is taught instead of an answer would, after no question, be what the model says of itself, to everybody."""
    texts = [row for row in rows if not row.question]
    if texts:
        raise InputError(
            "the method teaches what to say to a question, and a row is a text without one",
            where=f"{view}, row {texts[0].id}",
            fix="ask questions about the text, or take a method that trains on the text itself",
        )


def rows_fingerprint(views: Mapping[View, Sequence[Encoded]]) -> str:
    """SHA-256 of everything that is trained on."""
    digest = hashlib.sha256()
    for view, rows in views.items():
        digest.update(view.encode())
        for row in rows:
            digest.update(f"{row.prompt} {row.trace} {row.ids}".encode())
    return digest.hexdigest()
