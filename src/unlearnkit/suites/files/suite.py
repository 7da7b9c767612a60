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
"""Most rows of retain that are measured, taken evenly from all of it; every row of the other sets is."""
DOCUMENTS = (".txt", ".md")


class Chunks(Settings):
    """How long documents are cut."""

    tokens: Annotated[int, Gt(0)] = 256
    """Most tokens of a chunk."""
    overlap: Annotated[int, Ge(0)] = 32
    """Tokens that neighboring chunks share."""

    @model_validator(mode="after")
    def _goes_on(self) -> Self:
        if self.overlap >= self.tokens:
            raise ValueError("Input should have an overlap of less than its tokens")
        return self


class FilesData(Settings):
    """A user's own files: each a file, a folder, or a hub data set's id (`owner/name`, `owner/name:FILE`)."""

    forget: Place
    """What is to be forgotten."""
    retain: Place | None = None
    """What must stay, to train on and to measure; `auto` for a stand-in; null for none."""
    retain_from: Place | None = None
    """With `retain: auto`, text or rows to stand in; null: the target model writes them itself."""
    holdout: Place | None = None
    """Rows like those to be forgotten that the model never saw: what membership attacks need."""
    probes: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_]*(\.[a-z_]+)*$")], Place] = Field(default_factory=dict)
    """More sets to measure, by name: `forget.paraphrased`, `near`."""
    scope: Place | None = None
    """YAML file of the scope; null: it is drafted from the forget rows."""
    shape: Shape | None = None
    """Columns of the rows' files; null: told by themselves."""
    chunks: Chunks = Chunks()
    """How text files are cut."""
    tokenizer: Place | None = None
    """By whose tokens text files are cut; null: the model's."""
    written: Place | None = None
    """Where the rows are that the target model wrote; the run fills it in."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        taken = {"forget", "retain", "holdout"} & set(self.probes)
        if taken:
            raise ValueError(
                f"Input should have other names of probes than {taken.pop()}, which has a field of its own"
            )
        if self.retain_from is not None and self.retain != AUTO:
            raise ValueError("Input should have retain: auto beside retain_from; or name the file as retain itself")
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
        """With rows that the target model wrote, where they are to stand in for retain."""
        if self.data.retain != AUTO:
            return self
        if self.data.retain_from is not None or self.data.written is not None:
            progress.log(f"warning: {self._retain_caveat()}")
            return self
        from unlearnkit.suites.synthetic_retain import write_synthetic_retain

        file = (folder / "retain.jsonl").resolve()
        if not file.exists():
            rows = write_synthetic_retain(
                target, self._forget, self._scope, seed=seed, max_length=max_length, progress=progress
            )
            write_rows(file, rows)
        progress.log(f"warning: {self._retain_caveat()}")
        # Made anew: a copy would keep what was read before there was anything to keep.
        return type(self)(retrained=self.retrained, data=self.data.model_copy(update={"written": str(file)}))

    def task(self) -> SuiteTask:
        """Every file that is named."""
        return self._task

    @cached_property
    def _task(self) -> SuiteTask:
        # Kept: a run asks several times, and every file would be read and looked through again.
        holdout = () if self.data.holdout is None else self.read(self.data.holdout, where="data.holdout")
        probes = {name: self.read(path, where=f"data.probes.{name}") for name, path in self.data.probes.items()}
        named = {"forget": self._forget, "retain": self._retain, "holdout": holdout, **probes}
        splits = told_apart({name: rows for name, rows in named.items() if rows})
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
        """The retain rows."""
        return self._retain

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Memorization on every set; membership attacks where there is a holdout."""
        ours, theirs = by_set(records), by_set(retrained)
        of_sets = {
            f"{name}.{metric}": score
            for name, members in ours.items()
            for metric, score in memorization_scores(members).items()
        }
        return {**of_sets, **membership_scores(ours, theirs)}

    def heading(self) -> str:
        """No name of a file: it may tell who is to be forgotten."""
        return "a user's own files"

    def limitations(self) -> tuple[str, ...]:
        """What was not given, and what that leaves unknown."""
        said = [self._retain_caveat(), *super().limitations()]
        if self.data.holdout is None:
            said.append(
                "No holdout rows were given (data.holdout), rows like those to be forgotten that the model never saw. "
                "Without them no membership attack and no PrivLeak is measured."
            )
        if self.data.scope is None:
            said.append(
                "No scope file was given (data.scope). Subjects, secrets and neighbors were drafted from the forget "
                "rows, and nobody has checked them: a secret that the draft misses is not looked for as a leak, and is "
                "not withheld where secrets are."
            )
        said.append(
            "Accuracy asks for a whole answer, or another form that its row accepts, word for word: on long answers it "
            "says little. ROUGE recall knows only words of ASCII letters and digits, and leaves out rows that have "
            "none. From texts, which ask for nothing, only tokens are measured."
        )
        return tuple(sentence for sentence in said if sentence)

    def _retain_caveat(self) -> str:
        """How well it is known what stays."""
        if self.data.retain is None:
            return (
                "No retain rows were given (data.retain): what the model still knows of everything else was measured "
                "on the named probes alone, and not at all where there are none."
            )
        if self.data.retain != AUTO:
            return ""
        if self.data.retain_from is not None:
            return (
                "No retain rows were given: rows from data.retain_from stood in for them, in training and in "
                "measuring. Utility is only as well known as these rows speak for all that must stay."
            )
        return (
            "No retain rows were given: the target model wrote rows to stand in for them, in training and in "
            "measuring, and nobody has checked them. Utility is only as well known as these rows speak for all that "
            "must stay: what the model knew and did not happen to write may be lost unseen."
        )

    def read(self, path: str, *, where: str) -> tuple[Row, ...]:
        """The rows of a file, a folder or a hub data set, which `where` names; text files are cut into chunks."""
        found = local_rows(path, where=where)
        if any(file.suffix.lower() not in DOCUMENTS for file in source_files(found)):
            return read_source(found, shape=self.data.shape)
        cut = self.data.chunks
        return read_documents(found, self._tokenizer, max_tokens=cut.tokens, overlap=cut.overlap)

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        # Here, because rows without documents need no transformers.
        from unlearnkit.models.folder import find_model
        from unlearnkit.models.load import load_tokenizer

        if self.data.tokenizer is None:
            raise InputError(
                "text files are cut by a model's tokens, and none is named",
                where="data.tokenizer",
                allowed="a model's folder or hub id",
                fix="name the model: in a recipe model.path=DIR or data.tokenizer=DIR, on the command line --model DIR",
            )
        return load_tokenizer(find_model(self.data.tokenizer, where="data.tokenizer"))


def told_apart(sets: Mapping[str, tuple[Row, ...]]) -> dict[str, tuple[Row, ...]]:
    """The sets with no id in two of them: files of one name in two folders give rows of one id.

    A row whose id an earlier set has is called after its own set too: `retain/part.jsonl:1`.
    """
    seen: set[str] = set()
    apart = {}
    for name, rows in sets.items():
        apart[name] = tuple(r.model_copy(update={"id": f"{name}/{r.id}"}) if r.id in seen else r for r in rows)
        seen |= {row.id for row in apart[name]}
    return apart
