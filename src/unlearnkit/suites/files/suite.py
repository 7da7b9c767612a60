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
from unlearnkit.data.columns import COLUMNS, Shape
from unlearnkit.data.documents import read_documents
from unlearnkit.data.formats import source_files
from unlearnkit.data.hub import local_rows
from unlearnkit.data.load import read_source
from unlearnkit.data.rows import Row, Splits, write_rows
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
"""Maximum number of retain rows to measure. The measured rows are spread evenly over all retain rows. The rows of all
other sets are all measured."""
DOCUMENTS = (".txt", ".md")


class Chunks(Settings):
    """Settings for cutting documents into chunks."""

    tokens: Annotated[int, Gt(0)] = 256
    """Maximum number of tokens in a chunk."""
    overlap: Annotated[int, Ge(0)] = 32
    """Maximum number of tokens that neighboring chunks share."""

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.overlap >= self.tokens:
            raise ValueError("Input should have an overlap smaller than tokens (the length of a chunk)")
        return self


class FilesData(Settings):
    """Locations of a user's own files.

    Each location is a file, a folder, or a Hub data set (`owner/name` or `owner/name:FILE`).
    """

    forget: Place
    """Rows or documents to forget."""
    retain: Place | None = None
    """Rows or documents to keep, for training and measurement; `auto`: see `retain_from`; null: use none."""
    retain_from: Place | None = None
    """Rows or documents to use if `retain` is `auto`; null: the target model writes retain rows."""
    holdout: Place | None = None
    """Rows that resemble the forget rows but were never used to train the model. Membership attacks need such rows."""
    probes: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_]*(\.[a-z_]+)*$")], Place] = Field(default_factory=dict)
    """Additional row sets to measure, keyed by set name, for example `forget.paraphrased` or `near`."""
    scope: Place | None = None
    """YAML file of the scope; null: the scope is drafted from the forget rows."""
    shape: Shape | None = None
    """Schema of the row files; null: the schema is detected."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Names of columns in the row files, keyed by the name that unlearnkit uses, for example `question: query`. The
    entry `system: NAME` uses a column as a system turn."""
    ignore: tuple[str, ...] = ()
    """Columns, and fields of turns, to ignore although they change what a row means, such as `context` or `tools`."""
    chunks: Chunks = Chunks()
    """Settings for cutting text files into chunks."""
    tokenizer: Place | None = None
    """Tokenizer that counts the tokens of text files; null: the model's tokenizer."""
    written: Place | None = None
    """File with the rows that the target model wrote. The run sets this key."""

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if unknown := [name for name in self.columns if name not in COLUMNS]:
            raise ValueError(f"Input should have columns among {', '.join(sorted(COLUMNS))}, not {unknown[0]!r}")
        for name in ("forget", "retain", "holdout"):
            if name in self.probes:
                raise ValueError(f"Input should not have a probe set named {name}: use the key data.{name} instead")
        if self.retain_from is not None and self.retain != AUTO:
            raise ValueError(
                "Input should set retain to auto if retain_from is set; to use your own retain rows, set only retain"
            )
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
        """Return the suite with substitutes for missing retain rows."""
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
            # A new suite, because a copy would keep cached properties that were computed without these rows.
            prepared = type(self)(retrained=self.retrained, data=self.data.model_copy(update={"written": str(file)}))
        progress.log(f"warning: {self._retain_caveat()}")
        return prepared

    def task(self) -> SuiteTask:
        """Return the task, built from the files that the recipe names."""
        return self._task

    @cached_property
    def _task(self) -> SuiteTask:
        # Cached, because a run calls `task` several times, and each call would read and search every file again.
        holdout = () if self.data.holdout is None else self.read(self.data.holdout, where="data.holdout")
        probes = {name: self.read(path, where=f"data.probes.{name}") for name, path in self.data.probes.items()}
        named = {"forget": self._forget, "retain": self._retain, "holdout": holdout, **probes}
        splits = with_unique_ids({name: rows for name, rows in named.items() if rows})
        retain = splits.get("retain", ())
        measured = min(len(retain), MEASURED_AT_MOST)
        return SuiteTask(
            f"files-{self.version}",
            self._scope,
            Splits(splits),
            {**splits, "retain": tuple(retain[n * len(retain) // measured] for n in range(measured))}
            if retain
            else splits,
            unspoken=frozenset({"holdout"}),
            gradients=frozenset({"forget", "holdout"}) if holdout else frozenset(),
            to_be_written=frozenset({"retain"}) if self.data.retain == AUTO and not retain else frozenset(),
        )

    def retain_corpus(self) -> Sequence[Row]:
        """Return the retain rows."""
        return self._retain

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return membership scores, and the memorization scores of every row set.

        Membership scores are measured only if there are holdout rows.
        """
        ours, theirs = by_set(records), by_set(retrained)
        of_sets = {
            f"{name}.{metric}": score
            for name, members in ours.items()
            for metric, score in memorization_scores(members).items()
        }
        return {**of_sets, **membership_scores(ours, theirs)}

    def heading(self) -> str:
        """Return a fixed phrase instead of file names, which may be secret."""
        return "a user's own files"

    def limitations(self) -> tuple[str, ...]:
        """Describe which inputs are missing, and what remains unknown without these inputs."""
        paragraphs = [self._retain_caveat(), *super().limitations()]
        if self.data.holdout is None:
            paragraphs.append(
                "No holdout rows were given (data.holdout). Holdout rows resemble the forget rows, but the model never "
                "saw them. Without holdout rows, membership attacks and PrivLeak are not measured."
            )
        if self.data.scope is None:
            paragraphs.append(
                "No scope file was given (data.scope). Subjects, secrets and neighbors were drafted from the forget "
                "rows, and nobody has checked the draft. If the draft misses a secret, the secret is neither counted "
                "as a leak nor withheld from the report."
            )
        paragraphs.append(
            "Accuracy requires the exact answer or another answer that the row accepts, so accuracy says little about "
            "long answers. ROUGE recall covers only words of ASCII letters and digits; rows without such words are "
            "left out. For texts without a question, only the probabilities of tokens are measured."
        )
        return tuple(filter(None, paragraphs))

    def _retain_caveat(self) -> str:
        """Return the caveat about missing retain rows.

        The text is empty if the recipe names retain rows.
        """
        if self.data.retain is None:
            return (
                "No retain rows were given (data.retain). Knowledge to keep was therefore measured only on the probe "
                "sets in data.probes; without probe sets, this knowledge was not measured at all."
            )
        if self.data.retain != AUTO:
            return ""
        if self.data.retain_from is not None:
            return (
                "No retain rows were given. Rows from data.retain_from were used instead, in training and in "
                "measurement. Utility is known only as far as these rows represent the knowledge to keep."
            )
        return (
            "No retain rows were given. Rows that the target model wrote were used instead, in training and in "
            "measurement, and nobody has checked these rows. Utility is known only as far as these rows represent the "
            "knowledge to keep: if unlearning removes knowledge that none of these rows covers, the damage may go "
            "unnoticed."
        )

    def read(self, path: str, *, where: str) -> tuple[Row, ...]:
        """Read rows, or read documents and cut them into chunks.

        Args:
            path: file, folder or Hub data set.
            where: recipe key that names the path, for error messages.
        """
        source = local_rows(path, where=where)
        if any(file.suffix.lower() not in DOCUMENTS for file in source_files(source)):
            return read_source(source, shape=self.data.shape, columns=self.data.columns, ignore=self.data.ignore)
        chunks = self.data.chunks
        return read_documents(source, self._tokenizer, max_tokens=chunks.tokens, overlap=chunks.overlap)

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        # Imported here, because rows without documents do not need transformers.
        from unlearnkit.models.folder import find_model
        from unlearnkit.models.load import load_tokenizer

        if self.data.tokenizer is None:
            raise InputError(
                "a tokenizer is needed to cut text files into chunks, but no model is named",
                where="data.tokenizer",
                allowed="the folder or Hub id of a model",
                fix="set model.path or data.tokenizer in the recipe, or pass --model DIR on the command line",
            )
        return load_tokenizer(find_model(self.data.tokenizer, where="data.tokenizer"))


def with_unique_ids(sets: Mapping[str, tuple[Row, ...]]) -> dict[str, tuple[Row, ...]]:
    """Make row ids unique across all row sets.

    If two files in different folders have the same name, their rows have the same ids. If the id of a row already
    occurs in an earlier row set, the name of the row's own set is added as a prefix: `retain/part.jsonl:1`.
    """
    seen: set[str] = set()
    unique = {}
    for name, rows in sets.items():
        unique[name] = tuple(r.model_copy(update={"id": f"{name}/{r.id}"}) if r.id in seen else r for r in rows)
        seen |= {row.id for row in unique[name]}
    return unique
