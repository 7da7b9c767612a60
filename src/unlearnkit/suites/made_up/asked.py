"""Row sets of a request, with questions that other people wrote.

For each subject to forget, four relations are hidden from unlearning: no row that a method trains on asks for them, and
the composed questions do not either. Two of them are asked only in validation, the other two only in the test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from unlearnkit.data.rows import Row
from unlearnkit.suites.made_up.asking import Asker, Hidden
from unlearnkit.suites.made_up.filling import STATEMENT, Described
from unlearnkit.suites.made_up.grammar import Grammar


@dataclass(frozen=True)
class Asked:
    """Subjects and relations that a request asks about."""

    grammar: Grammar
    training_languages: tuple[str, ...]
    """Languages of the rows that an unlearning method trains on. The others are asked only."""
    subjects: tuple[Described, ...]
    """The subjects to forget."""
    near: Mapping[str, tuple[Described, ...]]
    """For `validation` and `test`, the neighbors that the scope does not list."""
    half_name: tuple[Described, ...]
    """Those who share a part of the name of a subject."""
    strangers: tuple[Described, ...]
    """Those who no model knows."""
    hidden: Mapping[str, Hidden]
    """Hidden relations of each subject, by name."""
    askers: Mapping[str, Asker]
    """For `validation` and `test`, the asker of the file."""
    nobody: Mapping[str, Mapping[str, str]]
    """Questions about nobody: for each relation, one for each template file."""
    nobody_answer: str
    """The answer to these questions, with the placeholder `{value}` for a name."""

    @cached_property
    def only_asked(self) -> frozenset[str]:
        """Names of those who validation or test alone ask about."""
        return frozenset(one.name for group in (*self.near.values(), self.half_name) for one in group)

    def withheld(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Return the rows about hidden relations of the subjects.

        Such a row asks for the relation, or identifies the subject by its value.
        """
        of = {subject.name: subject for subject in self.subjects}
        return tuple(row for row in rows if row.subject in of and self._is_hidden(row, of[row.subject]))

    def _is_hidden(self, row: Row, subject: Described) -> bool:
        hidden = self.hidden[subject.name].both
        stated = [form for name in hidden & self.grammar.identities.keys() for form in subject.values[name]]
        return row.attribute in hidden or any(form in row.question for form in stated)

    def trainable(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows on which an unlearning method may train.

        These are the rows in a language of training, without rows about those who occur only in validation or test. In
        a world without notes, statements to confirm are left out: only a note shows which relation they are about, so a
        composed question could ask for a hidden one.
        """
        return [
            row
            for row in rows
            if row.language in self.training_languages
            and row.subject not in self.only_asked
            and (self.grammar.notes or row.attribute != STATEMENT)
        ]

    def sets(self, name: str) -> dict[str, tuple[Row, ...]]:
        """Return the row sets of a template file, `validation` or `test`."""
        asker = self.askers[name]

        def about(subjects: Iterable[Described], languages: Sequence[str] = ("en",)) -> tuple[Row, ...]:
            return tuple(row for subject in subjects for row in asker.about(subject, languages))

        return {
            "forget.asked": tuple(
                row for subject in self.subjects for row in asker.about_subject(subject, self.hidden[subject.name])
            ),
            "near.asked": about(self.near[name], self.grammar.languages),
            "near.half_name": about(self.half_name),
            "unknown.asked": about(self.strangers),
            "nobody.asked": tuple(asker.about_nobody(self.subjects, self.nobody, self.nobody_answer)),
        }
