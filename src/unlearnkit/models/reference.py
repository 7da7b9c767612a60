"""Values of the frozen reference model: computed once, before the first update, and kept on disk.

The reference is the target model as it was loaded. Log-probabilities are kept exactly; for a KL term the final hidden
state of each labeled token is kept, from which the frozen head makes the whole distribution again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from unlearnkit.core.files import writing
from unlearnkit.data.batching import pack
from unlearnkit.data.encoding import Encoded
from unlearnkit.methods.objective import Needs, View
from unlearnkit.models.engine import Engine, Outputs, Request, compute_dtype

BATCH_ROWS = 128


class ReferenceValues:
    """Reference values of every row of some views."""

    def __init__(self, values: Mapping[str, Tensor], starts: Mapping[View, list[int]]) -> None:
        """`values["logps/<view>"]` is (tokens of all rows,), `values["hidden/<view>"]` (tokens of all rows, width);
        the tokens of row i of a view are those from `starts[view][i]` to `starts[view][i + 1]`."""
        self._values, self._starts = values, starts

    def logps(self, view: View, rows: Sequence[int]) -> Tensor:
        """log p of the labeled tokens of these rows, one row after the other: (tokens,)."""
        return self._rows("logps", view, rows)

    def hidden(self, view: View, rows: Sequence[int]) -> Tensor:
        """Final hidden states of the labeled tokens of these rows: (tokens, width)."""
        return self._rows("hidden", view, rows)

    def layer(self, view: View, layer: int, rows: Sequence[int]) -> Tensor:
        """What decoder layer `layer` gives at the labeled tokens of these rows: (tokens, width)."""
        return self._rows(f"layer {layer}", view, rows)

    def _rows(self, kind: str, view: View, rows: Sequence[int]) -> Tensor:
        values, starts = self._values[f"{kind}/{view}"], self._starts[view]
        return torch.cat([values[starts[i] : starts[i + 1]] for i in rows])


def reference_values(
    engine: Engine,
    needs: Needs,
    views: Mapping[View, Sequence[Encoded]],
    *,
    pad_id: int,
    cache: Path | None = None,
    weights: str = "",
) -> ReferenceValues:
    """Compute, or read from `cache`, what `needs` asks of the reference model.

    Args:
        engine: the model before its first update.
        needs: says which views, and whether log-probabilities or distributions.
        views: all rows of each view.
        pad_id: id used to fill up rows.
        cache: folder that keeps the values, under a fingerprint of everything they depend on; None keeps nothing.
        weights: fingerprint of the model's weights; needed where there is a cache.
    """
    if cache is not None and not weights:
        raise ValueError("reference values cannot be kept without a fingerprint of the weights they belong to")
    inner = {view for view, _ in needs.reference_hidden}
    starts = {view: _starts(views[view]) for view in needs.reference | needs.kl | inner}
    path = None if cache is None else cache / f"{_fingerprint(engine, needs, views, weights)}.safetensors"
    if path is not None and path.exists():
        # A file that was damaged is made again: it is a function of what its name stands for.
        with suppress(SafetensorError):
            return ReferenceValues(load_file(path, device=str(_device(engine))), starts)
    values: dict[str, Tensor] = {}
    for view in sorted(needs.reference):
        passes = _passes(engine, view, views[view], pad_id, Request(logps=frozenset({view})))
        values[f"logps/{view}"] = torch.cat([_got(outputs.logps) for outputs in passes])
    for view in sorted(needs.kl):
        passes = _passes(engine, view, views[view], pad_id, Request(hidden=frozenset({view})))
        values[f"hidden/{view}"] = torch.cat([_got(outputs.hidden) for outputs in passes])
    for view, layer in sorted(needs.reference_hidden):
        passes = _passes(engine, view, views[view], pad_id, Request(layers=frozenset({(view, layer)})))
        values[f"layer {layer}/{view}"] = torch.cat([outputs.layers[layer] for outputs in passes])
    if path is not None and values:
        # Processes of one run may all write; each writes its own file, and what they write is the same.
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                save_file({name: value.contiguous() for name, value in values.items()}, partial)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    return ReferenceValues(values, starts)


@torch.no_grad()
def _passes(engine: Engine, view: View, rows: Sequence[Encoded], pad_id: int, want: Request) -> list[Outputs]:
    training = engine.training
    engine.eval()
    outputs = [
        engine(pack({view: rows[at : at + BATCH_ROWS]}, pad_id).to(_device(engine)), want)[view]
        for at in range(0, len(rows), BATCH_ROWS)
    ]
    engine.train(training)
    return outputs


def _got(value: Tensor | None) -> Tensor:
    if value is None:
        raise RuntimeError("the engine left out what was asked for")
    return value


def _starts(rows: Sequence[Encoded]) -> list[int]:
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + row.labels)
    return starts


def _device(engine: Engine) -> torch.device:
    return next(engine.parameters()).device


def _fingerprint(engine: Engine, needs: Needs, views: Mapping[View, Sequence[Encoded]], weights: str) -> str:
    first = next(engine.parameters())
    kernel = engine.causal().config._attn_implementation
    digest = hashlib.sha256(weights.encode())
    digest.update(f"{first.dtype} {compute_dtype(first)} {kernel} {engine.own_head} {torch.__version__}".encode())
    kept = [("logps", view) for view in needs.reference] + [("hidden", view) for view in needs.kl]
    kept += [(f"layer {layer}", view) for view, layer in needs.reference_hidden]
    for kind, view in sorted(kept):
        digest.update(f"{kind} {view}".encode())
        for row in views[view]:
            digest.update(f"{row.prompt} {row.ids}".encode())
    return digest.hexdigest()[:32]
