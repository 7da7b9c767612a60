"""Encode the rows of every view that a method needs.

A view has the rows of a split as they are, or with other outputs in place of their answers.
"""

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
"""The forget split again, in an independent order: replacement answers are drawn separately from unlearned ones."""


def training_renderer(tokenizer: PreTrainedTokenizerBase, settings: TrainSettings) -> ChatEncoder:
    """Return the layout of rows for training.

    Trace tokens that the tokenizer lacks are added to it.
    """
    return ChatEncoder(
        add_trace_tokens(tokenizer, settings.trace_style),
        settings.max_length,
        style=settings.trace_style,
        trace_tokens=settings.trace_tokens,
    )


def taught_splits(needs: Needs) -> set[str]:
    """Return the splits for whose rows a method needs targets."""
    return {view.removesuffix(f":{TARGET}") for view in needs.views if view.endswith(f":{TARGET}")}


def encode_views(
    views: Iterable[View],
    splits: Mapping[str, Sequence[Row]],
    encoder: ChatEncoder,
    *,
    targets: Sequence[Target],
    seed: int,
) -> dict[View, list[Encoded]]:
    """Encode every row of each view.

    Args:
        views: names of the views.
        splits: rows by split.
        encoder: layout of rows.
        targets: targets of the rows of `target` views, which have the rows' ids.
        seed: of the choice of `idk` answers.

    Raises:
        InputError: there is no such view, or a row lacks its question or its target.
    """
    by_id = {target.id: target for target in targets}
    return {view: _encode(view, splits, encoder, by_id, seed) for view in sorted(views)}


def _encode(
    view: View, splits: Mapping[str, Sequence[Row]], encoder: ChatEncoder, targets: Mapping[str, Target], seed: int
) -> list[Encoded]:
    split, _, variant = view.partition(":")
    if split not in splits or variant not in ("", TARGET, IDK):
        raise InputError(
            "the method trains on rows that do not exist",
            value=view,
            allowed=", ".join([*splits, f"forget:{TARGET}", f"scope:{TARGET}", f"forget:{IDK}"]),
            fix="correct the method's `needs`",
        )
    rows = splits[split]
    for row in rows if variant else ():
        if not row.question:
            # After no question, the replacement answer would become what the model says of itself to everybody.
            raise InputError(
                "the method trains replies to questions, and a row is a text without one",
                where=f"{view}, row {row.id}",
                fix="ask questions about the text, or take a method that trains on the text itself",
            )
        if variant == TARGET and row.id not in targets:
            raise InputError(
                "there is no target for a row: the rows changed since the targets were written",
                where=f"{view}, row {row.id}",
                fix="restore the rows that the run was started with; or start again in another folder: out=...",
            )
    if variant == TARGET:
        outputs = [(targets[row.id].trace, targets[row.id].response) for row in rows]
    elif variant == IDK:
        outputs = [("", answer) for answer in idk_answers(rows, seed)]
    else:
        outputs = [(row.trace, row.answer) for row in rows]
    return [
        encoder.answer(
            row.question,
            answer,
            history=row.history,
            trace=trace,
            # A trace on a question of the scope has a prefilled beginning; only its continuation is trained on.
            prefix=row.trace if split == "scope" else "",
            # Unlearning is of the answer; the trace only leads to it.
            label_trace=view != "forget",
            where=f"{view}, row {row.id}",
        )
        for row, (trace, answer) in zip(rows, outputs, strict=True)
    ]


def rows_fingerprint(views: Mapping[View, Sequence[Encoded]]) -> str:
    """Return a SHA-256 of everything that is trained on."""
    digest = hashlib.sha256()
    for view, rows in views.items():
        digest.update(view.encode())
        for row in rows:
            digest.update(f"{row.prompt} {row.trace} {row.ids}".encode())
    return digest.hexdigest()
