"""Suite `tofu`: the made-up authors of TOFU (Maini et al. 2024, arXiv 2401.06121), from the files that it publishes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import Place, Settings
from unlearnkit.data.formats import FORMATS
from unlearnkit.data.hub import local_copy
from unlearnkit.data.rows import Row, Splits
from unlearnkit.data.schemas import Record as RawRecord
from unlearnkit.data.schemas import as_row
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import Docs
from unlearnkit.records.schema import Record
from unlearnkit.scope.scope import Scope
from unlearnkit.scope.suggest import suggest_neighbors, suggest_scope, with_subjects
from unlearnkit.suites.base import SuiteTask, UserModelSuite, suite
from unlearnkit.suites.tofu.score_docs import TOFU_DOCS
from unlearnkit.suites.tofu.scores import tofu_scores

RETAIN = {"forget01": "retain99", "forget05": "retain95", "forget10": "retain90"}
HOLDOUT = {"forget01": "holdout01", "forget05": "holdout05", "forget10": "holdout10"}
AUTHORS = {"forget01": 2, "forget05": 10, "forget10": 20}
DESCRIPTION = "What is known of {count} made-up authors of the TOFU benchmark, who are treated as people who withdrew."


class TofuData(Settings):
    """Where TOFU's files are."""

    path: Place
    """Folder that holds TOFU's files, or the hub id of a data set that does (`locuslab/TOFU`)."""


@suite("tofu")
class Tofu(UserModelSuite):
    """200 made-up authors with 20 questions each, of whom 2, 10 or 20 are to be forgotten."""

    version: ClassVar[str] = "1"
    max_new_tokens: ClassVar[int] = 200
    against_retrained: ClassVar[tuple[str, ...]] = ("forget quality", "PrivLeak", "the reference attack")
    score_docs: ClassVar[Docs] = TOFU_DOCS

    split: Literal["forget01", "forget05", "forget10"] = "forget10"
    """Which of TOFU's forget sets."""
    data: TofuData

    @cached_property
    def _folder(self) -> Path:
        return local_copy(self.data.path, where="data.path")

    @cached_property
    def _forget(self) -> tuple[Row, ...]:
        return with_subjects(self._rows(f"{self.split}_perturbed"))

    @cached_property
    def _scope(self) -> Scope:
        return suggest_scope(self._forget, description=DESCRIPTION.format(count=len(self._forget) // 20))

    @cached_property
    def _kept(self) -> tuple[Row, ...]:
        return self._rows(RETAIN[self.split])

    def task(self) -> SuiteTask:
        """The forget set, in its own words and in others; what is to be kept; and held-out authors."""
        return self._task

    @cached_property
    def _task(self) -> SuiteTask:
        # Kept: a run asks several times, and neighbors are looked for in thousands of rows.
        scope = self._scope
        neighbors = suggest_neighbors(self._kept, scope)
        holdout = self._rows(HOLDOUT[self.split])
        measured = {
            "forget": self._forget,
            "forget.paraphrased": tuple(self._paraphrased()),
            "retain": self._rows("retain_perturbed"),
            "utility.real_authors": self._rows("real_authors_perturbed"),
            "utility.world_facts": self._rows("world_facts_perturbed"),
            "holdout": holdout,
        }
        splits = Splits({"forget": self._forget, "retain": self._kept, "holdout": holdout})
        return SuiteTask(
            f"tofu-{self.version}",
            scope.model_copy(update={"neighbors": neighbors}),
            splits,
            measured,
            unspoken=frozenset({"holdout"}),
            gradients=frozenset({"forget", "holdout"}),
        )

    def retain_corpus(self) -> Sequence[Row]:
        """The retain set."""
        return self._kept

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """TOFU's own."""
        return tofu_scores(records, retrained)

    def heading(self) -> str:
        """The split and its authors."""
        return f"the {AUTHORS[self.split]} authors of TOFU's {self.split}"

    def limitations(self) -> tuple[str, ...]:
        """How TOFU's figures are to be read."""
        return (
            "TOFU's authors are made up, and the target model learned them by fine-tuning, shortly before it was to "
            "forget them. What a model learned of real people, from many texts, may be harder to forget.",
            "Truth ratios, forget quality and model utility are computed as TOFU's paper defines them. TOFU's own code "
            "and OpenUnlearning compute the truth ratio otherwise; before figures are held against theirs, take the "
            "variants with their names.",
            "Accuracy asks for the whole answer word for word, and TOFU's answers are whole sentences: a low accuracy "
            "is no sign of forgetting. ROUGE-L recall and the probability of the answer tell more.",
            "Model utility counts real authors and world facts, which a model knows from elsewhere or not at all. "
            "Retain utility leaves them out.",
            *super().limitations(),
        )

    def _paraphrased(self) -> Iterator[Row]:
        """The forget set's questions in other words."""
        name = f"{self.split}_perturbed"
        for row, record in zip(self._forget, self._records(name), strict=True):
            question = record.fields.get("paraphrased_question")
            if not isinstance(question, str) or not question.strip():
                raise InputError("a row has no paraphrased question", where=record.place, fix="take TOFU's own file")
            changed = {"id": f"{row.id}/paraphrased", "question": question, "question_type": "paraphrase"}
            yield row.model_copy(update={**changed, "paraphrased_answer": "", "perturbed_answer": ()})

    def _rows(self, name: str) -> tuple[Row, ...]:
        return tuple(as_row(record, "qa", f"{name}.json") for record in self._records(name))

    def _records(self, name: str) -> list[RawRecord]:
        file = self._folder / f"{name}.json"
        if not file.is_file():
            raise InputError(
                "the folder lacks one of TOFU's files",
                where="data.path",
                value=str(file),
                allowed="a folder with the files of locuslab/TOFU",
                fix="add the file, or give another folder",
            )
        records = FORMATS[".json"](file)
        for record in records:
            if not {"question", "answer"} <= set(record.fields):
                raise InputError("a row has no question and answer", where=record.place, fix="take TOFU's own file")
        return records
