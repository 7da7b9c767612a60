"""G-effects as tables: what they are written and drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from unlearnkit.core.errors import InputError
from unlearnkit.core.files import writing

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = "objective"
"""In the column `term`: all terms of an objective together."""
EVERYTHING = "all"
"""In the column `group`: all weights together."""
EFFECTS_FILE = "effects.parquet"
"""Is there where anything was measured."""


@dataclass(frozen=True)
class EffectRow:
    """The G-effect of one term of one objective on one risk, through one group of weights, at one step."""

    step: int
    """Optimizer steps done when it was measured."""
    objective: str
    """Its name, with the settings that differ from its defaults: `npo(beta=0.5)`."""
    term: str
    """Name of the term, or `objective` for all of them."""
    risk: str
    """Name of the split whose mean negative log-likelihood is the risk."""
    group: str
    """Of weights, or `all`."""
    effect: float
    """<grad of the risk, grad of the term>. Positive: a small step lowers the risk; negative: it raises it."""
    low: float
    """Bounds of the 95 % bootstrap interval over the term's rows."""
    high: float
    value: float
    """Of the term, weight included; of the objective, the sum."""
    risk_value: float
    """Mean negative log-likelihood per token, in nats."""
    cosine: float | None = None
    """The effect over the lengths of both gradients: comparable between objectives. None: lengths were not measured."""
    per_update: float | None = None
    """Change of the risk, its sign turned, per unit length of the update that Adam makes of the gradient. None: there
    was no optimizer's state."""


@dataclass(frozen=True)
class InstanceRow:
    """One instance's part of an effect, through all weights."""

    step: int
    objective: str
    term: str
    risk: str
    view: str
    """Whose rows are counted."""
    row: int
    """Of the view, from 0."""
    weight: float
    """The objective's mean coefficient on the instance's tokens, where ascent's is 1."""
    slope: float
    """<grad of the risk, grad log p(instance)>: the PG-effect, the same for every objective."""
    effect: float
    """Its share of the effect."""


@dataclass(frozen=True)
class StepRow:
    """What one optimizer step was predicted to do to a risk, and what it did."""

    step: int
    """Steps done before it."""
    risk: str
    predicted: float
    """<grad of the risk, change of the weights>, in nats per token."""
    measured: float
    """The risk after the step less the risk before it."""


@dataclass(frozen=True)
class SweepRow:
    """The G-effect of an objective on one risk, through all weights, at one value of one of its settings."""

    step: int
    objective: str
    """Its registered name, with other settings that differ from its defaults."""
    term: str
    """`objective` for all its terms, or `forget` for that one."""
    risk: str
    field: str
    """The swept setting."""
    value: float
    """Of the setting."""
    effect: float
    low: float
    """Bounds of the 95 % bootstrap interval over the rows."""
    high: float


@dataclass(frozen=True)
class EffectTable:
    """Everything that one diagnosis found."""

    effects: Sequence[EffectRow]
    instances: Sequence[InstanceRow] = ()
    steps: Sequence[StepRow] = ()
    sweeps: Sequence[SweepRow] = ()
    mode: str = "forward"
    """How slopes were taken: `forward` mode, or central `differences`."""

    def __post_init__(self) -> None:
        for part in _PARTS:
            object.__setattr__(self, part.name, tuple(getattr(self, part.name)))

    def chosen(self, **values: Any) -> list[EffectRow]:
        """The effects whose columns have these values: `chosen(risk="near", group="all")`."""
        return [row for row in self.effects if all(getattr(row, name) == value for name, value in values.items())]

    def __add__(self, other: Self) -> EffectTable:
        """Both one after the other, such as those of two steps."""
        return EffectTable(
            [*self.effects, *other.effects],
            [*self.instances, *other.instances],
            [*self.steps, *other.steps],
            [*self.sweeps, *other.sweeps],
            self.mode if self.mode == other.mode else "differences",
        )

    def before(self, step: int) -> EffectTable:
        """What was found at earlier steps."""
        return replace(
            self,
            effects=[row for row in self.effects if row.step < step],
            instances=[row for row in self.instances if row.step < step],
            steps=[row for row in self.steps if row.step < step],
        )

    def write(self, folder: Path) -> None:
        """Write each table that has rows as Parquet. Raises `WriteError`."""
        import pyarrow.parquet as pq  # here, because it takes a while and every report knows these classes

        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for part in _PARTS:
                rows, path = getattr(self, part.name), folder / f"{part.name}.parquet"
                if not rows:
                    path.unlink(missing_ok=True)  # of an earlier diagnosis
                else:
                    table = _arrow(part.row, rows).replace_schema_metadata({"slopes": self.mode})
                    partial = folder / f".{part.name}.partial"
                    pq.write_table(table, partial)
                    partial.replace(folder / f"{part.name}.parquet")

    @staticmethod
    def read(folder: Path) -> EffectTable:
        """What `write` wrote. Raises `InputError` where there is nothing, or nothing that can be read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        found: dict[str, list[Any]] = {}
        mode = "forward"
        for part in _PARTS:
            path = folder / f"{part.name}.parquet"
            if not path.exists():
                continue
            try:
                table = pq.read_table(path)
                found[part.name] = [part.row(**row) for row in table.to_pylist()]
            except (pa.ArrowException, TypeError) as error:
                raise InputError(
                    "the table of G-effects cannot be read", where=str(path), value=str(error), fix="measure again"
                ) from error
            mode = (table.schema.metadata or {}).get(b"slopes", mode.encode()).decode()
        if "effects" not in found:
            raise InputError("no G-effects were measured", where=str(folder), fix="measure them: unlearn g-effect RUN")
        return EffectTable(mode=mode, **found)


@dataclass(frozen=True)
class _Part:
    name: str
    row: Any


_PARTS = (
    _Part("effects", EffectRow),
    _Part("instances", InstanceRow),
    _Part("steps", StepRow),
    _Part("sweeps", SweepRow),
)
_TYPES: Mapping[str, str] = {"int": "int64", "str": "string", "float": "float64", "float | None": "float64"}
"""A field's type and pyarrow's name for it."""


def _arrow(kind: Any, rows: Iterable[Any]) -> pa.Table:
    """Columns in the order and of the types that the row's class says, so that empty columns have a type too."""
    import pyarrow as pa

    rows = list(rows)
    types = {f.name: pa.type_for_alias(_TYPES[str(f.type)]) for f in fields(kind)}
    return pa.table({name: pa.array([getattr(row, name) for row in rows], of) for name, of in types.items()})
