"""Guard `refusal_prompt`: a system message and filters around the model."""

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

    Nothing is trained. A system message names the subjects of the scope, and tells the model to decline every question
    about them.

    The filters use the scanner that also checks training targets for leaks. The scanner finds the names and secrets of
    the scope, even if they are spelled differently, inflected, spaced out, written in look-alike letters, reversed or
    encoded. The scanner does not find a description ("the author of that book"), a nickname or a part of a name. If a
    filter stops a question or an output, the user gets only the refusal, without a reasoning trace.

    A user of the guarded model sees only its outputs. Anyone with access to the weights has the original model.
    """

    prompt: bool | str = True
    """Whether a system message before each question tells the model what to decline. If true, the message consists of
    the scope's description and the names of the scope's subjects, and contains no secret. If the setting is a text,
    this text is the message."""
    input_filter: bool = True
    """Whether to check requests. A request that names a subject or alias of the scope, or contains a secret, is
    refused. The request consists of the question and the earlier turns of user and assistant. If the user supplies the
    start of a trace or of an answer, this start is checked too."""
    output_filter: bool = True
    """Whether to check outputs. If the trace or the answer of an output names a subject or contains a secret, the
    refusal replaces the output. Names and secrets that the request already contains are ignored."""
    secrets: Literal["any", "beside_a_name"] = "any"
    """Which secrets the filters stop. `any`: every secret is stopped, even a city or a year that may also be true of
    other people. `beside_a_name`: a secret is stopped only if the request or the output also names a subject of the
    scope."""
    response: str | None = None
    """Text of the refusal. Null: a refusal composed by the teacher `template`. This refusal is in Spanish or Russian
    for questions in these languages, and in English for all other questions."""

    @field_validator("prompt", "response")
    @classmethod
    def _is_not_blank(cls, value: bool | str | None) -> bool | str | None:
        if isinstance(value, str) and not value.strip():
            raise ValueError("Input should be a text that is not blank")
        return value

    def wrap(self, subject: Subject, scope: Scope) -> Subject:
        """Return the model `subject` with the rules of this guard applied."""
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
        """Refuse the request, or add the system message to it."""
        if self._settings.input_filter:
            found = self._scanner.mentions(_request(probe))
            if self._stops(found, beside_a_name=_names(found)):
                return self._refusal(probe.row.language)
        if self._prompt is None:
            return probe
        return Probe(probe.row.with_system_prompt(self._prompt), trace=probe.trace, answer=probe.answer)

    def after(self, probe: Probe, output: Generation) -> Generation:
        """Return the refusal if the output contains knowledge to forget.

        Otherwise, the output is returned unchanged. Names and secrets that the request already contains are ignored.
        """
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
    """Compose the system message from the scope's description and subject names.

    Aliases are omitted. A model often repeats text from its prompt, and an alias may itself be a secret about the
    subject, such as the title of an author's book.
    """
    names = "; ".join(subject.name for subject in scope.subjects)
    return (
        f"{scope.description} Decline every question about: {names}. In reasoning and answer, say nothing about them. "
        "Answer every other question as usual."
    )


def refusal_in(language: str, scope: Scope) -> str:
    """Return the template teacher's refusal for a language and scope.

    The refusal is the same for every row. The refusal is in English if the teacher does not support the language.
    """
    row = Row(id="refusal", question="?", answer="?", language=language)
    return TemplateTeacher(reasoning=False).write([row], scope, seed=0)[0].response


def _request(probe: Probe) -> str:
    """Return the text of the request, including any supplied trace and answer.

    System messages are omitted, because they come from the operator of the model, not from the user.
    """
    return "\n".join(filter(None, (probe.row.conversation, probe.trace, probe.answer)))


def _names(found: tuple[Occurrence, ...]) -> bool:
    return any(mention.kind == "alias" for mention in found)
