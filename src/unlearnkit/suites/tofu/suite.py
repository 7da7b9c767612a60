"""Suite `tofu`: the made-up authors of TOFU, read from the published files.

TOFU: Maini et al. 2024, arXiv 2401.06121.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from unlearnkit.core.errors import InputError
from unlearnkit.core.settings import Place, Settings
from unlearnkit.data.columns import ColumnChoice
from unlearnkit.data.file_records import Record as RawRecord
from unlearnkit.data.formats import FORMATS
from unlearnkit.data.hub import local_copy
from unlearnkit.data.rows import Row, Splits
from unlearnkit.data.schemas import as_row
from unlearnkit.metrics.score import Score
from unlearnkit.metrics.score_doc import Docs
from unlearnkit.records.schema import Record
from unlearnkit.scope.suggest import suggest_neighbors, suggest_scope, with_subjects
from unlearnkit.suites.base import SuiteTask, UserModelSuite, suite
from unlearnkit.suites.tofu.score_docs import TOFU_DOCS
from unlearnkit.suites.tofu.scores import tofu_scores

RETAIN = {"forget01": "retain99", "forget05": "retain95", "forget10": "retain90"}
HOLDOUT = {"forget01": "holdout01", "forget05": "holdout05", "forget10": "holdout10"}
AUTHORS = {"forget01": 2, "forget05": 10, "forget10": 20}
DESCRIPTION = "What is known of {count} made-up authors of the TOFU benchmark, who are treated as people who withdrew."


class TofuData(Settings):
    """Location of TOFU's files."""

    path: Place
    """Folder with TOFU's files, or the Hub id of a data set with these files (`locuslab/TOFU`)."""


@suite("tofu")
class Tofu(UserModelSuite):
    """The TOFU benchmark: 200 made-up authors with 20 questions each."""

    version: ClassVar[str] = "1"
    max_new_tokens: ClassVar[int] = 200
    against_retrained: ClassVar[tuple[str, ...]] = ("forget quality", "PrivLeak", "the reference attack")
    score_docs: ClassVar[Docs] = TOFU_DOCS

    split: Literal["forget01", "forget05", "forget10"] = "forget10"
    """Forget set: `forget01` has 2 authors, `forget05` has 10, and `forget10` has 20."""
    data: TofuData

    @cached_property
    def _folder(self) -> Path:
        return local_copy(self.data.path, where="data.path")

    @cached_property
    def _forget(self) -> tuple[Row, ...]:
        return with_subjects(self._rows(f"{self.split}_perturbed"))

    @cached_property
    def _kept(self) -> tuple[Row, ...]:
        return self._rows(RETAIN[self.split])

    def task(self) -> SuiteTask:
        """Return the task with the forget, retain, holdout and utility sets."""
        return self._task

    @cached_property
    def _task(self) -> SuiteTask:
        # Cached, because a run calls `task` several times, and the search for neighbors reads thousands of rows.
        scope = suggest_scope(self._forget, description=DESCRIPTION.format(count=len(self._forget) // 20))
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
        """Return the retain set."""
        return self._kept

    def scores(self, records: Sequence[Record], retrained: Sequence[Record]) -> dict[str, Score]:
        """Return TOFU's scores, and memorization and membership scores."""
        return tofu_scores(records, retrained)

    def heading(self) -> str:
        """Return the name of the forget set and its number of authors."""
        return f"the {AUTHORS[self.split]} authors of TOFU's {self.split}"

    def limitations(self) -> tuple[str, ...]:
        """Return the limitations of TOFU's made-up authors and scores."""
        return (
            "TOFU's authors are made up, and the target model learned about them by fine-tuning shortly before "
            "unlearning. What a model has learned about real people from many texts may be harder to forget.",
            "Truth ratios, forget quality and model utility are computed as TOFU's paper defines them. TOFU's own code "
            "and OpenUnlearning define the truth ratio differently. Compare results of either code only with the score "
            "variants that are named after this code.",
            "Accuracy requires the exact answer, and TOFU's answers are whole sentences: a low accuracy does not show "
            "that a model has forgotten. ROUGE-L recall and the probability of the answer are more informative.",
            "Model utility also covers real authors and world facts. TOFU does not teach these facts, so a model may "
            "never have learned them. Retain utility leaves out both sets.",
            *super().limitations(),
        )

    def _paraphrased(self) -> Iterator[Row]:
        """Yield the forget rows with paraphrased questions."""
        name = f"{self.split}_perturbed"
        for row, record in zip(self._forget, self._records(name), strict=True):
            question = record.fields.get("paraphrased_question")
            if not isinstance(question, str) or not question.strip():
                raise InputError("a row has no paraphrased question", where=record.place, fix="use TOFU's file")
            changed = {"id": f"{row.id}/paraphrased", "question": question, "question_type": "paraphrase"}
            yield row.model_copy(update={**changed, "paraphrased_answer": "", "perturbed_answer": ()})

    def _rows(self, name: str) -> tuple[Row, ...]:
        return tuple(as_row(record, "qa", f"{name}.json") for record in self._records(name))

    def _records(self, name: str) -> list[RawRecord]:
        file = self._folder / f"{name}.json"
        if not file.is_file():
            raise InputError(
                "one of TOFU's files is missing from the folder",
                where="data.path",
                value=str(file),
                allowed="a folder with the files of locuslab/TOFU",
                fix="add the file, or set data.path to another folder",
            )
        records = FORMATS[".json"](file, ColumnChoice())
        for record in records:
            if not {"question", "answer"} <= set(record.fields):
                raise InputError("a row has no question or no answer", where=record.place, fix="use TOFU's file")
        return records
