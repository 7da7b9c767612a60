"""Suite `files`: a user's own rows and documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from annotated_types import Ge, Gt
from pydantic import Field, model_validator

from unlearnkit.core.errors import InputError
from unlearnkit.core.progress import Progress
from unlearnkit.core.settings import Place, Settings
from unlearnkit.data.documents import read_documents
from unlearnkit.data.formats import source_files
from unlearnkit.data.hub import local_rows
from unlearnkit.data.load import read_source
from unlearnkit.data.rows import Row, Splits, write_rows
from unlearnkit.data.schemas import Shape
from unlearnkit.metrics.membership_scores import membership_scores
from unlearnkit.metrics.memorization import memorization_scores
from unlearnkit.metrics.score import Score
from unlearnkit.records.schema import Record, by_set
from unlearnkit.scope.file import read_scope
from unlearnkit.scope.scope import Scope
from unlearnkit.scope.suggest import suggest_scope, with_subjects
from unlearnkit.suites.base import SuiteTask, UserModelSuite, suite

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

AUTO = "auto"
MEASURED_AT_MOST = 400
"""Largest number of retain rows that are measured, spread evenly over the set. Other sets are measured completely."""
DOCUMENTS = (".txt", ".md")


class Chunks(Settings):
    """How documents are cut into chunks."""

    tokens: Annotated[int, Gt(0)] = 256
    """Largest number of tokens of a chunk."""
    overlap: Annotated[int, Ge(0)] = 32
    """Number of tokens that neighboring chunks share."""

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.overlap >= self.tokens:
            raise ValueError("Input should have an overlap smaller than its tokens")
        return self


class FilesData(Settings):
    """A user's own files.

    Each is a file, a folder, or a Hub data set (`owner/name`, `owner/name:FILE`).
    """

    forget: Place
    """What is to be forgotten."""
    retain: Place | None = None
    """What must stay, to train on and to measure; `auto` for a substitute; null for none."""
    retain_from: Place | None = None
    """With `retain: auto`, the text or rows of the substitute; null: the target model writes the rows."""
    holdout: Place | None = None
    """Rows like those to be forgotten that the model never saw. Membership attacks need them."""
    probes: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_]*(\.[a-z_]+)*$")], Place] = Field(default_factory=dict)
    """Further sets to measure, by name: `forget.paraphrased`, `near`."""
    scope: Place | None = None
    """YAML file of the scope; null: it is drafted from the forget rows."""
    shape: Shape | None = None
    """Schema of the row files; null: detected."""
    chunks: Chunks = Chunks()
    """How text files are cut into chunks."""
    tokenizer: Place | None = None
    """Tokenizer that counts the tokens of text files; null: the model's."""
    written: Place | None = None
    """File of the rows that the target model wrote; set by the run."""

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for name in ("forget", "retain", "holdout"):
            if name in self.probes:
                raise ValueError(f"Input should not have the probe set {name}, which has a field of its own")
        if self.retain_from is not None and self.retain != AUTO:
            raise ValueError("Input should have retain: auto with retain_from; or name the file as retain")
        return self


@suite("files")
class Files(UserModelSuite):
    """A user's own questions, texts and documents."""

    version: ClassVar[str] = "1"
    max_new_tokens: ClassVar[int] = 128

    data: FilesData

    @cached_property
    def _forget(self) -> tuple[Row, ...]:
        rows = self.read(self.data.forget, where="data.forget")
        return with_subjects(rows) if self.data.scope is None else rows

    @cached_property
    def _scope(self) -> Scope:
        if self.data.scope is not None:
            return read_scope(Path(self.data.scope))
        return suggest_scope(self._forget, self._retain)

    @cached_property
    def _retain(self) -> tuple[Row, ...]:
        source = self.data.retain
        if source == AUTO:
            source = self.data.retain_from or self.data.written
        where = "data.retain" if self.data.retain_from is None else "data.retain_from"
        return () if source is None else self.read(source, where=where)

    def prepare(self, target: str, folder: Path, *, seed: int, max_length: int, progress: Progress) -> Self:
        """Return the suite with a substitute for missing retain rows."""
        if self.data.retain != AUTO:
            return self
        prepared = self
        if self.data.retain_from is None and self.data.written is None:
            from unlearnkit.suites.synthetic_retain import write_synthetic_retain

            file = (folder / "retain.jsonl").resolve()
            if not file.exists():
                rows = write_synthetic_retain(
                    target, self._forget, self._scope, seed=seed, max_length=max_length, progress=progress
                )
                write_rows(file, rows)
            # A new suite: a copy would keep the cached properties, which do not have these rows.
            prepared = type(self)(retrained=self.retrained, data=self.data.model_copy(update={"written": str(file)}))
        progress.log(f"warning: {self._retain_caveat()}")
        return prepared

    def task(self) -> SuiteTask:
        """Return the task made of every file that is named."""
        return self._task

    @cached_property
    def _task(self) -> SuiteTask:
        # Cached: a run calls `task` several times, and each call would read and search every file.
        holdout = () if self.data.holdout is None else self.read(self.data.holdout, where="data.holdout")
        probes = {name: self.read(path, where=f"data.probes.{name}") for name, path in self.data.probes.items()}
        named = {"forget": self._forget, "retain": self._retain, "holdout": holdout, **probes}
        splits = with_unique_ids({name: rows for name, rows in named.items() if rows})
        retain = splits.get("retain", ())
        step = max(1, len(retain) // MEASURED_AT_MOST)
        return SuiteTask(
            f"files-{self.version}",
            self._scope,
            Splits(splits),
            {**splits, "retain": retain[::step][:MEASURED_AT_MOST]} if retain else splits,
            unspoken=frozenset({"holdout"}),
            gradients=frozenset({"forget", "holdout"}) if holdout else frozenset(),
            to_be_written=frozenset({"retain"}) if self.data.retain == AUTO and not retain else frozenset(),
        )

    def retain_corpus(self) -> Sequence[Row]:
        """Return the retain rows."""
        return self._retain

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return memorization on every set, and membership with a holdout."""
        ours, theirs = by_set(records), by_set(retrained)
        of_sets = {
            f"{name}.{metric}": score
            for name, members in ours.items()
            for metric, score in memorization_scores(members).items()
        }
        return {**of_sets, **membership_scores(ours, theirs)}

    def heading(self) -> str:
        """Return a fixed phrase: the name of a file may be secret."""
        return "a user's own files"

    def limitations(self) -> tuple[str, ...]:
        """Return what was not given, and what stays unknown because of that."""
        paragraphs = [self._retain_caveat(), *super().limitations()]
        if self.data.holdout is None:
            paragraphs.append(
                "No holdout rows were given (data.holdout), rows like those to be forgotten that the model never saw. "
                "Without them no membership attack and no PrivLeak is measured."
            )
        if self.data.scope is None:
            paragraphs.append(
                "No scope file was given (data.scope). Subjects, secrets and neighbors were drafted from the forget "
                "rows, and nobody has checked them: a secret that the draft misses is not counted as a leak, and is "
                "not withheld from the report."
            )
        paragraphs.append(
            "Accuracy requires the exact answer, or another form that its row accepts: on long answers it is not very "
            "informative. ROUGE recall covers only words of ASCII letters and digits, and leaves out rows that have "
            "none. For texts without a question, only tokens are measured."
        )
        return tuple(filter(None, paragraphs))

    def _retain_caveat(self) -> str:
        """Return what is known about what stays; empty with retain rows."""
        if self.data.retain is None:
            return (
                "No retain rows were given (data.retain): what the model still knows about everything else was "
                "measured only on the named probes, and not at all if there are none."
            )
        if self.data.retain != AUTO:
            return ""
        if self.data.retain_from is not None:
            return (
                "No retain rows were given: rows from data.retain_from were used in their place, in training "
                "and in measuring. Utility is only as well known as these rows represent everything that must stay."
            )
        return (
            "No retain rows were given: the target model wrote rows to use in their place, in training and in "
            "measuring, and nobody has checked them. Utility is only as well known as these rows represent everything "
            "that must stay: what the model knew but did not write may be lost unnoticed."
        )

    def read(self, path: str, *, where: str) -> tuple[Row, ...]:
        """Read rows, or documents, which are cut into chunks.

        Args:
            path: file, folder or Hub data set.
            where: the recipe key that names it, for errors.
        """
        source = local_rows(path, where=where)
        if any(file.suffix.lower() not in DOCUMENTS for file in source_files(source)):
            return read_source(source, shape=self.data.shape)
        chunks = self.data.chunks
        return read_documents(source, self._tokenizer, max_tokens=chunks.tokens, overlap=chunks.overlap)

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        # Imported here, because rows without documents do not need transformers.
        from unlearnkit.models.folder import find_model
        from unlearnkit.models.load import load_tokenizer

        if self.data.tokenizer is None:
            raise InputError(
                "text files are cut by the tokens of a model, and no model is named",
                where="data.tokenizer",
                allowed="a model's folder or hub id",
                fix="name the model: in a recipe model.path=DIR or data.tokenizer=DIR, on the command line --model DIR",
            )
        return load_tokenizer(find_model(self.data.tokenizer, where="data.tokenizer"))


def with_unique_ids(sets: Mapping[str, tuple[Row, ...]]) -> dict[str, tuple[Row, ...]]:
    """Return the sets with no id in two of them.

    Files of the same name in two folders give rows of the same id. A row whose id is in an earlier set gets the name of
    its own set as a prefix: `retain/part.jsonl:1`.
    """
    seen: set[str] = set()
    unique = {}
    for name, rows in sets.items():
        unique[name] = tuple(r.model_copy(update={"id": f"{name}/{r.id}"}) if r.id in seen else r for r in rows)
        seen |= {row.id for row in unique[name]}
    return unique
