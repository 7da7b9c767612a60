"""Everything that a method is taught to say: the teacher's targets, and the model's own words on what stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.data.target import Target
from unlearnkit.scope.leak_scan.scan import Scanner, refuse_leaks, scanner
from unlearnkit.scope.questions.question import ScopeQuestion
from unlearnkit.scope.scope import Scope, Secret
from unlearnkit.targets.base import Teacher
from unlearnkit.text.normalize import contains

Say = Callable[[Sequence[Row]], Sequence[Generation]]
"""What the target model says to rows; where a row has a trace, its thought begins with that."""


def taught(rows: Sequence[Row], scope: Scope, teacher: Teacher, seed: int) -> list[Target]:
    """One target of the teacher for each row. Raises `UnlearnError` when one leaks."""
    targets = teacher.write(rows, scope, seed)
    refuse_leaks(targets, list(rows), scope)
    return targets


def scope_targets(
    scope: Scope, found: Sequence[ScopeQuestion], teacher: Teacher, seed: int, say: Say, retain: Sequence[Row]
) -> list[Target]:
    """Targets of the scope rows: refusals of what is in scope, the model's own words on the rest.

    Where the model says nothing, or what `RetainAnswerFilter` bars, there is no target.
    """
    own_words = RetainAnswerFilter.of(scope, retain)
    asked = [mention for mention in found if mention.topic is None]
    own = dict(zip(asked, (said.trace for said in say([mention.row for mention in asked])), strict=True))
    noted = [(mention, _noted(mention, own.get(mention, ""), scope)) for mention in found]
    # The model's own thought on a question may be of another matter: of one that stays, or of one that is refused.
    stays = {row.trace for mention, row in noted if mention.stays and mention.topic is not None} - {""}
    in_scope = [
        row for mention, row in noted if not mention.stays and (mention.topic is not None or row.trace not in stays)
    ]
    refused = taught(in_scope, scope, teacher, seed)
    decided = {row.trace for row in in_scope} - {""}
    staying = [row for mention, row in noted if mention.stays and row.trace not in decided]
    kept = [
        (Target(id=row.id, trace=said.trace, response=said.response), row)
        for row, said in zip(staying, say(staying), strict=True)
        if said.response
    ]
    return [*refused, *(target for target, row in kept if not own_words.tell(target, row))]


def _noted(mention: ScopeQuestion, own: str, scope: Scope) -> Row:
    """The mention's row, with the beginning of the thought about it; with none where that would tell a secret."""
    note = mention.note(own)
    told = scanner(scope).scan(Target(id=mention.row.id, trace=note, response=""), mention.row)
    return mention.row if told else mention.row.model_copy(update={"trace": note})


@dataclass(frozen=True)
class RetainAnswerFilter:
    """What the model may not say of its own accord, in words that it is to keep. Only the listed forms count."""

    scope: Scope
    alone: tuple[Secret, ...]
    """Secrets and names that tell of their subject whatever is asked."""
    _scanners: dict[str | None, Scanner] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, scope: Scope, retain: Sequence[Row]) -> RetainAnswerFilter:
        """Of a secret that others share, as `scope.allowed` or an answer of a retain row shows, nothing can be told."""
        shared = "\n".join(
            (*(f for allowed in scope.allowed for f in allowed.forms), *(a for row in retain for a in row.answers))
        )
        names = tuple(Secret(subject=one.name, forms=(one.name, *one.aliases)) for one in scope.subjects)
        secrets = (secret for secret in scope.secrets if not any(contains(shared, form) for form in secret.forms))
        return cls(scope, (*names, *secrets))

    def tell(self, target: Target, row: Row) -> bool:
        """Whether a target tells a secret of the subject that is asked about, or one that no other has.

        Asked about what it hardly knows, a model says what it knows best, which may be what is to be forgotten. A name
        that the scope has as the subject's is no secret in what is asked about that subject.
        """
        findings = self._scanner_for(row.subject).scan(target, row, "listed")
        return any(finding.kind in ("secret", "answer") for finding in findings)

    def _scanner_for(self, subject: str | None) -> Scanner:
        """Return a scanner for what must not be said where `subject` is asked about; names count as secrets here."""
        if subject not in self._scanners:
            named = {form for one in self.scope.subjects for form in (one.name, *one.aliases)}
            own = (one for one in self.scope.secrets if one.subject == subject and not named.issuperset(one.forms))
            others = (one for one in self.alone if one.subject != subject)
            secrets = (*own, *others)
            self._scanners[subject] = Scanner(self.scope.model_copy(update={"subjects": (), "secrets": secrets}))
        return self._scanners[subject]
