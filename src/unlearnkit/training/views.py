"""Encode the rows of every view that a method needs.

A view contains the rows of a split, either with their own answers or with replacement answers. The labels are those of
the answer, or all tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerBase

from unlearnkit.core.errors import InputError
from unlearnkit.data.augment import ComposedRow
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.idk_answers import idk_answers
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.methods.objective import Needs, View
from unlearnkit.models.trace_tokens import add_trace_tokens
from unlearnkit.training.settings import TrainSettings

TARGET, IDK, WHOLE = "target", "idk", "whole"
"""Variants of a split. `target` and `idk` replace the answers by targets and by "I don't know" answers. In `whole`, all
tokens after the first are labeled, those of the prompt too. The variant is the second part of a view's name, as in
`forget:target`, `forget:idk` and `retain:whole`."""
TAUGHT = "taught"
"""Name of a copy of the forget split whose rows are drawn in an independent order. In one step, a method can thus train
on replacement answers for some forget rows, and unlearn the answers of other forget rows."""


def training_renderer(tokenizer: PreTrainedTokenizerBase, settings: TrainSettings) -> ChatEncoder:
    """Return the encoder that converts rows to tokens for training.

    Trace tokens that the tokenizer lacks are added to the tokenizer.
    """
    return ChatEncoder(
        add_trace_tokens(tokenizer, settings.trace_style),
        settings.max_length,
        style=settings.trace_style,
        trace_tokens=settings.trace_tokens,
    )


def taught_splits(needs: Needs) -> set[str]:
    """Return the splits whose rows need targets."""
    return {view.removesuffix(f":{TARGET}") for view in needs.views if view.endswith(f":{TARGET}")}


def encode_views(
    views: Iterable[View],
    splits: Mapping[str, Sequence[Row]],
    encoder: ChatEncoder,
    *,
    targets: Sequence[Target],
    composed: Sequence[ComposedRow] = (),
    seed: int,
) -> dict[View, list[Encoded]]:
    """Encode every row of each view.

    Args:
        views: names of the views.
        splits: rows by split.
        encoder: converts rows to tokens.
        targets: targets for the rows of the `target` views; each target has the id of its row.
        composed: the rows of `splits` that were composed from the scope, the last rows of each split.
        seed: seed from which the `idk` answers are drawn.

    Raises:
        InputError: a view does not exist, or a row lacks its question or its target.
    """
    by_id = {target.id: target for target in targets}
    notes = {each.row.id: each.note if each.given else "" for each in composed}
    return {view: _encode(view, splits, encoder, by_id, notes, seed) for view in sorted(views)}


def _encode(
    view: View,
    splits: Mapping[str, Sequence[Row]],
    encoder: ChatEncoder,
    targets: Mapping[str, Target],
    notes: Mapping[str, str],
    seed: int,
) -> list[Encoded]:
    """Encode the rows of one view.

    `notes` contains the given note of each composed row, by the id of the row.
    """
    split, _, variant = view.partition(":")
    if split not in splits or variant not in ("", TARGET, IDK, WHOLE):
        raise InputError(
            "the method trains on a view that does not exist",
            value=view,
            allowed=", ".join([*splits, f"forget:{TARGET}", f"forget:{IDK}", f"forget:{WHOLE}"]),
            fix="correct the method's `needs`",
        )
    rows = splits[split]
    for row in rows if variant in (TARGET, IDK) else ():
        if not row.question:
            # Without a question, the model would learn to output the replacement answer in every conversation.
            raise InputError(
                "the method needs questions, but a row is a text without a question",
                where=f"{view}, row {row.id}",
                fix="write rows with questions about the text, or use a method that trains on the text itself",
            )
        if variant == TARGET and row.id not in targets:
            raise InputError(
                "a row has no target, because the rows changed after the targets were written",
                where=f"{view}, row {row.id}",
                fix="restore the rows that the run was started with; or start again in another folder: out=...",
            )
    if variant == TARGET:
        outputs = [(targets[row.id].trace, targets[row.id].response) for row in rows]
    elif variant == IDK:
        outputs = [("", answer) for answer in idk_answers(rows, seed)]
    else:
        outputs = [(row.trace, row.answer) for row in rows]
    encoded = [
        encoder.answer(
            row.question,
            answer,
            history=row.history,
            continues=row.continues,
            trace=trace,
            prefix=notes.get(row.id, ""),
            # On forget rows, only the answer is unlearned, not the trace that leads to the answer.
            label_trace=view != "forget",
            where=f"{view}, row {row.id}",
        )
        for row, (trace, answer) in zip(rows, outputs, strict=True)
    ]
    encoded = [replace(each, composed=row.id in notes) for row, each in zip(rows, encoded, strict=True)]
    return [replace(row, prompt=1, trace=0) for row in encoded] if variant == WHOLE else encoded


def rows_fingerprint(views: Mapping[View, Sequence[Encoded]]) -> str:
    """Return the SHA-256 digest of all rows that are trained on."""
    digest = hashlib.sha256()
    for view, rows in views.items():
        digest.update(view.encode())
        for row in rows:
            digest.update(f"{row.prompt} {row.trace} {row.ids}".encode())
    return digest.hexdigest()
