"""Guard `refusal_prompt`: a system turn and filters around the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import field_validator

from unlearnkit.data.generation import Generation
from unlearnkit.data.rows import Row
from unlearnkit.methods.base import Guard, guard
from unlearnkit.records.probe import Probe
from unlearnkit.scope.leak_scan.scan import Occurrence, Scanner, scanner
from unlearnkit.scope.scope import Scope
from unlearnkit.targets.teachers.template import TemplateTeacher

if TYPE_CHECKING:
    from unlearnkit.subjects.base import Subject


@guard("refusal_prompt", paper="arXiv:2403.03329", equation="prompting and filtering")
class RefusalPrompt(Guard):
    """Tell the model what to decline, and filter questions and outputs.

    Nothing is trained.

    The filters compare text with the scope by the scanner that checks targets for leaks: names and secrets in other
    spellings, inflected, spaced, in look-alike letters, reversed or encoded. They do not find a description ("the
    author of that book"), a nickname or a part of a name. A question that a filter stops gets the refusal; so does one
    whose output a filter stops, and its trace is removed with it.

    A user of the guarded model sees only its outputs. Anyone with access to the weights has the original model.
    """

    prompt: bool | str = True
    """Whether each question is preceded by a system turn that tells the model what to decline; or the text of that
    turn. The composed turn has the scope's description and the names of its subjects, and no secret."""
    input_filter: bool = True
    """Whether a request is refused if it names a subject or alias of the scope, or contains a secret. The request is
    the question, the earlier turns of user and assistant, and what the user begins in the assistant's name."""
    output_filter: bool = True
    """Whether an output is replaced if it, its trace included, names a subject or tells a secret that the request does
    not contain."""
    secrets: Literal["any", "beside_a_name"] = "any"
    """Which secrets the filters look for. `beside_a_name`: only where request or output names a subject of the scope;
    a city or a year may be true of somebody else too, and `any` refuses that as well."""
    response: str | None = None
    """The refusal; null for the template teacher's in the language of the question (en, es, ru; else en)."""

    @field_validator("prompt", "response")
    @classmethod
    def _is_not_blank(cls, value: bool | str | None) -> bool | str | None:
        if isinstance(value, str) and not value.strip():
            raise ValueError("Input should be text with a word in it")
        return value

    def wrap(self, subject: Subject, scope: Scope) -> Subject:
        """Return the subject behind these rules."""
        from unlearnkit.subjects.guarded import GuardedSubject

        return GuardedSubject(subject, RefusalRules(self, scope))


class RefusalRules:
    """The rules of `RefusalPrompt` for one scope."""

    def __init__(self, settings: RefusalPrompt, scope: Scope) -> None:
        self._settings, self._scope = settings, scope
        self._prompt = composed_prompt(scope) if settings.prompt is True else settings.prompt or None

    @property
    def _scanner(self) -> Scanner:
        return scanner(self._scope)

    def before(self, probe: Probe) -> Probe | Generation:
        """Refuse the request, or add the system turn."""
        if self._settings.input_filter:
            found = self._scanner.mentions(_request(probe))
            if self._stops(found, beside_a_name=_names(found)):
                return self._refusal(probe.row.language)
        if self._prompt is None:
            return probe
        return Probe(probe.row.with_system_prompt(self._prompt), trace=probe.trace, answer=probe.answer)

    def after(self, probe: Probe, output: Generation) -> Generation:
        """Replace the output if it tells more than the request does."""
        if not self._settings.output_filter:
            return output
        request = _request(probe)
        found = self._scanner.mentions(output.text, known=request)
        named = _names(found) or _names(self._scanner.mentions(request))
        return self._refusal(probe.row.language) if self._stops(found, beside_a_name=named) else output

    def _stops(self, found: tuple[Occurrence, ...], *, beside_a_name: bool) -> bool:
        secret = any(mention.kind == "secret" for mention in found)
        return _names(found) or (secret and (beside_a_name or self._settings.secrets == "any"))

    def _refusal(self, language: str) -> Generation:
        text = self._settings.response or refusal_in(language, self._scope)
        return Generation(text=text, trace="", response=text, ended="eos")


def composed_prompt(scope: Scope) -> str:
    """Compose the system turn from the scope's description and its subjects' names.

    Aliases are left out. An alias may be a secret of the subject, as the title of a book is, and a model repeats what
    it has just read.
    """
    names = "; ".join(subject.name for subject in scope.subjects)
    return (
        f"{scope.description} Decline every question about: {names}. In reasoning and answer, say nothing about them. "
        "Answer every other question as usual."
    )


def refusal_in(language: str, scope: Scope) -> str:
    """Return the template teacher's refusal for this kind of request.

    It is the same for every row, and in English for a language that the teacher does not know.
    """
    row = Row(id="refusal", question="?", answer="?", language=language)
    return TemplateTeacher(reasoning=False).write([row], scope, seed=0)[0].response


def _request(probe: Probe) -> str:
    """Return all that the user wrote.

    A system turn is left out: the operator writes it.
    """
    return "\n".join(filter(None, (probe.row.conversation, probe.trace, probe.answer)))


def _names(found: tuple[Occurrence, ...]) -> bool:
    return any(mention.kind == "alias" for mention in found)
