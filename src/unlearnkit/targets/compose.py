"""Everything that a method is taught to say: the teacher's targets, and the model's own words on what stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unlearnkit.data.rows import Row
from unlearnkit.records.schema import Generation
from unlearnkit.scope import Scope
from unlearnkit.targets.contract import Target, Teacher
from unlearnkit.targets.leaks import leaks, refuse_leaks, scanner
from unlearnkit.targets.scope_rows import Mention

Say = Callable[[Sequence[Row]], Sequence[Generation]]
"""What the target model says to rows; where a row has a trace, its thought begins with that."""


def taught(rows: Sequence[Row], scope: Scope, teacher: Teacher, seed: int) -> list[Target]:
    """One target of the teacher for each row. Raises `UnlearnError` when one leaks."""
    targets = teacher.write(rows, scope, seed)
    refuse_leaks(targets, list(rows), scope)
    return targets


def scope_targets(scope: Scope, found: Sequence[Mention], teacher: Teacher, seed: int, say: Say) -> list[Target]:
    """Targets of the scope rows: refusals of what is in scope, the model's own words on the rest.

    Where the model says nothing, or says a secret of a subject that it is asked about, there is no target.
    """
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
    return [*refused, *(target for target, row in kept if not tells_of_its_subject(target, row, scope))]


def _noted(mention: Mention, own: str, scope: Scope) -> Row:
    """The mention's row, with the beginning of the thought about it; with none where that would tell a secret."""
    note = mention.note(own)
    told = scanner(scope).scan(Target(id=mention.row.id, trace=note, response=""), mention.row)
    return mention.row if told else mention.row.model_copy(update={"trace": note})


def tells_of_its_subject(target: Target, row: Row, scope: Scope) -> bool:
    """Whether a target tells a secret of the subject that is asked about. What others share with it may stay.

    Only the listed forms count: this is what the model says of its own accord about somebody who is to stay. A name
    that the scope itself has as one is no secret here, though it is the answer to "whose is it?".
    """
    named = {form for one in scope.subjects for form in (one.name, *one.aliases)}
    own = tuple(
        secret for secret in scope.secrets if secret.subject == row.subject and not named.issuperset(secret.forms)
    )
    return bool(leaks(target, row, scope.model_copy(update={"secrets": own})))
