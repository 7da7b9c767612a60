"""Compute the reference model's values once, and cache them on disk.

The reference model is the target model before training. Its values are computed before the first update of the weights.
Log-probabilities are stored directly. A next-token distribution is not stored, because it is large. Instead, the final
hidden state is stored, and a frozen copy of the head computes the distribution from the hidden state.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from unlearnkit.core.files import writing
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.quantities import Needs, Quantity, View
from unlearnkit.models.batches import values_of_rows
from unlearnkit.models.engine import Engine, compute_dtype


class ReferenceValues:
    """The reference model's log-probabilities and hidden states.

    The values cover all rows of each view, or those that were asked for. A view is a named sequence of rows, such as
    the forget or retain rows.
    """

    def __init__(
        self,
        values: Mapping[str, Tensor],
        starts: Mapping[View, list[int]],
        rows: Mapping[View, Collection[int]] | None = None,
    ) -> None:
        """Create the object from values that were computed or loaded.

        Args:
            values: maps a file key (see `_file_key`) to the values of all rows, concatenated.
            starts: for each view, the index at which each row's values start. The values of row i are the slice from
                `starts[view][i]` to `starts[view][i + 1]`.
            rows: for each view, the indices of the rows that have values. If None, all rows have values.
        """
        self._values, self._starts = values, starts
        self._rows = None if rows is None else {view: frozenset(indices) for view, indices in rows.items()}

    def of(self, quantity: Quantity, rows: Sequence[int]) -> Tensor:
        """Return a quantity's values at the labeled tokens of the given rows.

        The values of all given rows are concatenated: (tokens,) or (tokens, width).

        Raises:
            LookupError: a row's values were not computed.
        """
        if self._rows is not None and not self._rows[quantity.view].issuperset(rows):
            missing = sorted(set(rows) - self._rows[quantity.view])
            raise LookupError(f"{quantity.view}: the reference values of the rows {missing} were not computed")
        values, starts = self._values[_file_key(quantity)], self._starts[quantity.view]
        return torch.cat([values[starts[i] : starts[i + 1]] for i in rows])

    def store(
        self, quantities: Collection[Quantity], rows: Mapping[View, Sequence[int]], device: torch.device
    ) -> dict[Quantity, Tensor]:
        """Return the values of each quantity, on `device`.

        `rows` contains, for each view, the indices of the rows to include.
        """
        return {quantity: self.of(quantity, rows[quantity.view]).to(device) for quantity in quantities}


def reference_values(
    engine: Engine,
    needs: Needs,
    views: Mapping[View, Sequence[Encoded]],
    *,
    pad_id: int,
    rows: Mapping[View, Collection[int]] | None = None,
    cache: Path | None = None,
    weights: str = "",
) -> ReferenceValues:
    """Compute or load the reference values that objectives need.

    Args:
        engine: the model before its first update.
        needs: the quantities that the objective requires. For several objectives, the union of the required quantities.
        views: all rows of each view.
        pad_id: id of the padding token.
        rows: for each view, the indices of the rows whose values are needed. If None, the values of all rows are.
        cache: folder in which the values are stored as a file. The file's name is a fingerprint of everything that
            determines the values. If None, nothing is stored.
        weights: fingerprint of the model's weights; required if `cache` is given.
    """
    if cache is not None and not weights:
        raise ValueError("a cache of reference values needs a fingerprint of the weights")
    wanted = needs.of_reference | needs.reference_states
    names = sorted({quantity.view for quantity in wanted})
    needed = {view: range(len(views[view])) if rows is None else sorted(set(rows[view])) for view in names}
    chosen = {view: [views[view][i] for i in needed[view]] for view in names}
    starts = {view: _starts(views[view], needed[view]) for view in names}
    path = None if cache is None else cache / f"{_fingerprint(engine, wanted, chosen, weights)}.safetensors"
    if path is not None and path.exists():
        # If the file is damaged, the values are computed again. They are the same, because the file's name is a
        # fingerprint of everything that they depend on.
        with suppress(SafetensorError):
            return ReferenceValues(load_file(path, device=str(engine.device)), starts, needed)
    values: dict[str, Tensor] = {}
    for view in names:
        mine = {replace(quantity, of_reference=False) for quantity in wanted if quantity.view == view}
        computed = values_of_rows(engine, chosen[view], mine, pad_id=pad_id)
        values |= {_file_key(quantity): value for quantity, value in computed.items()}
    if path is not None and values:
        # Several processes of a run may write the same values at once. Each process writes to a separate file, which
        # then replaces `path`.
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                save_file({name: value.contiguous() for name, value in values.items()}, partial)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    return ReferenceValues(values, starts, needed)


def _starts(rows: Sequence[Encoded], needed: Collection[int]) -> list[int]:
    """Return the index at which each row's values start.

    Rows that are not needed have no values.
    """
    included = frozenset(needed)
    return list(accumulate((row.labels if i in included else 0 for i, row in enumerate(rows)), initial=0))


def _file_key(quantity: Quantity) -> str:
    """Return the key under which a quantity is stored in the file.

    The keys must stay the same, so that files from earlier versions can be read.
    """
    kinds = {"logps": "logps", "states": "hidden", "hidden": f"layer {quantity.layer}"}
    if quantity.kind not in kinds:
        raise RuntimeError(f"{quantity}: values of this kind are not stored for the reference model")
    return f"{kinds[quantity.kind]}/{quantity.view}"


def _fingerprint(
    engine: Engine, wanted: Collection[Quantity], views: Mapping[View, Sequence[Encoded]], weights: str
) -> str:
    first = next(engine.parameters())
    kernel = engine.causal().config._attn_implementation
    digest = hashlib.sha256(weights.encode())
    digest.update(f"{first.dtype} {compute_dtype(first)} {kernel} {engine.own_head} {torch.__version__}".encode())
    for kind, view in sorted(tuple(_file_key(quantity).split("/", 1)) for quantity in wanted):
        digest.update(f"{kind} {view}".encode())
        for row in views[view]:
            digest.update(f"{row.prompt} {row.ids}".encode())
    return digest.hexdigest()[:32]
