"""Names of quantities: when two are the same, what may be a function of the distribution, what a need implies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.conformance.outside import SelfDistillation, margin
from unlearnkit.core.errors import InputError
from unlearnkit.methods.quantities import Needs, Quantity, arguments_of, entropy, entropy_of


@dataclass(frozen=True)
class Scaled:
    """A function with a setting."""

    factor: float

    def __call__(self, logits: Tensor) -> Tensor:
        return self.factor * logits.logsumexp(-1)


def function_of(function: Any) -> Quantity:
    return Quantity("forget", "function", function=function)


def test_keywords_and_quantities_say_the_same() -> None:
    by_name = Needs(
        logps=frozenset({"forget"}), reference={"forget"}, kl=["retain"], hidden={("retain", 2)}, entropy={"forget"}
    )
    assert by_name.quantities == {
        Quantity("forget", "logps"),
        Quantity("forget", "logps", of_reference=True),
        Quantity("retain", "kl"),
        Quantity("retain", "hidden", 2),
        entropy_of("forget"),
    }
    assert by_name.of_reference == {Quantity("forget", "logps", of_reference=True)}
    assert Needs(logps={"a"}) | Needs(kl={"a"}) == Needs(logps={"a"}, kl={"a"})
    assert Needs(entropy={"a"}) == Needs(distribution={("a", entropy)})


def test_what_is_needed_of_the_reference_and_of_the_head_follows() -> None:
    states = Quantity("a", "states", of_reference=True)
    for needs in (Needs(kl={"a"}), Needs(cross_entropy={("a", "reference")})):
        assert needs.reference_states == {states} and needs.reads_reference and not needs.of_reference
    for needs in (Needs(cross_entropy={("a", "uniform")}), Needs(entropy={"a"}), Needs(distribution={("a", margin)})):
        assert not needs.reads_reference and needs.reads_head
    assert not Needs(hidden={("a", 0)}).reads_head and not Needs(reference={"a"}).reads_head
    assert Needs(reference={"a"}).reads_reference and not Needs(reference={"a"}).reference_states


def test_functions_are_told_apart_by_value() -> None:
    assert function_of(Scaled(2.0)) == function_of(Scaled(2.0)) != function_of(Scaled(3.0))
    one, same, other = SelfDistillation(strength=2.0), SelfDistillation(strength=2.0), SelfDistillation(strength=1.0)
    assert function_of(one._loss) == function_of(same._loss) != function_of(other._loss)
    assert len({function_of(one._loss), function_of(same._loss)}) == 1
    first, second = (lambda logits: logits.sum(-1) for _ in range(2))
    assert function_of(first) != function_of(second)


def test_arguments_are_found_by_name() -> None:
    assert arguments_of(margin) == ("logits", "labels")
    assert function_of(SelfDistillation()._loss).compares
    assert not function_of(Scaled(1.0)).compares

    def with_default(logits: Tensor, temperature: float = 2.0) -> Tensor:
        return (logits / temperature).logsumexp(-1)

    logits = torch.randn(3, 4)
    values = function_of(with_default).evaluate(logits, torch.zeros(3, dtype=torch.int64), None)
    torch.testing.assert_close(values, (logits / 2).logsumexp(-1))


@pytest.mark.parametrize("wrong", [lambda x: x, lambda: 0, lambda logits, weights: logits, lambda *logits: 0])
def test_a_function_of_something_else_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"(?s)takes other arguments.*logits, labels, reference"):
        function_of(wrong)


def test_a_function_that_cannot_be_compared_is_refused() -> None:
    @dataclass
    class Mutable:
        factor: float

        def __call__(self, logits: Tensor) -> Tensor:
            return self.factor * logits.logsumexp(-1)

    with pytest.raises(InputError, match=r"(?s)cannot be compared with other functions.*frozen dataclass"):
        function_of(Mutable(1.0))


@pytest.mark.parametrize("wrong", [lambda logits: logits, lambda logits: logits.sum()])
def test_a_function_that_does_not_give_one_value_a_token_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"(?s)wrong shape.*one value for each token"):
        function_of(wrong).evaluate(torch.zeros(3, 4), torch.zeros(3, dtype=torch.int64), None)


def test_a_quantity_is_named_in_messages() -> None:
    assert str(Quantity("forget", "logps", of_reference=True)) == "reference log-probabilities of 'forget'"
    assert str(Quantity("forget", "hidden", 3)) == "hidden states of layer 3 of 'forget'"
    assert str(entropy_of("forget")) == "unlearnkit.methods.quantities.entropy of 'forget'"
