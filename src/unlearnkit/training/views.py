"""The rows of every view that a method needs, encoded: splits as they are, and what is taught in their place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from unlearnkit.data.render import Encoded, Renderer
from unlearnkit.data.rows import Row
from unlearnkit.errors import BadInput
from unlearnkit.objectives.contract import View
from unlearnkit.targets.contract import Target
from unlearnkit.targets.idk import idk_answers

TARGET_VIEW, IDK_VIEW = "forget:target", "forget:idk"


def encode_views(
    views: Iterable[View],
    splits: Mapping[str, Sequence[Row]],
    renderer: Renderer,
    *,
    targets: Sequence[Target] | None,
    seed: int,
) -> dict[View, list[Encoded]]:
    """Every row of each view. `targets` belong to the forget rows, one each, in order."""
    return {view: _encode(view, splits, renderer, targets, seed) for view in sorted(views)}


def _encode(
    view: View, splits: Mapping[str, Sequence[Row]], renderer: Renderer, targets: Sequence[Target] | None, seed: int
) -> list[Encoded]:
    if view == TARGET_VIEW and targets is not None:
        return _rendered(splits["forget"], renderer, [(t.trace, t.response) for t in targets], "target of row")
    if view == IDK_VIEW:
        forget = splits["forget"]
        return _rendered(forget, renderer, [("", answer) for answer in idk_answers(forget, seed)], "idk answer of row")
    if view not in splits:
        raise BadInput(
            "the method trains on rows that nobody makes",
            value=view,
            allowed=", ".join([*splits, TARGET_VIEW, IDK_VIEW]),
            fix="mend the method's `needs`",
        )
    return _rendered(splits[view], renderer, [(row.trace, row.answer) for row in splits[view]], "row")


def _rendered(rows: Sequence[Row], renderer: Renderer, said: Sequence[tuple[str, str]], where: str) -> list[Encoded]:
    return [
        renderer.answer(row.question, answer, trace=trace, where=f"{where} {row.id}")
        for row, (trace, answer) in zip(rows, said, strict=True)
    ]


def rows_fingerprint(views: Mapping[View, Sequence[Encoded]]) -> str:
    """SHA-256 of everything that is trained on."""
    digest = hashlib.sha256()
    for view, rows in views.items():
        digest.update(view.encode())
        for row in rows:
            digest.update(f"{row.prompt} {row.trace} {row.ids}".encode())
    return digest.hexdigest()


def marked(encoded: Encoded, decode: Callable[[list[int]], str]) -> str:
    """A row as the model sees it, with what carries a label in double brackets."""
    prompt, said = list(encoded.ids[: encoded.prompt]), list(encoded.ids[encoded.prompt :])
    return f"{decode(prompt)}⟦{decode(said)}⟧"
