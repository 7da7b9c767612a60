"""Objectives that are not part of the package and read whole next-token distributions; each in one file, this one."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from unlearnkit import ForgetObjective, Needs, Objective, Step, Term
from unlearnkit.methods.objective import Terms


class MaxEntropy(ForgetObjective):
    """Raise the entropy of the next token on the forget answers."""

    def forget_needs(self) -> Needs:
        return Needs(entropy={"forget"})

    def forget_term(self, step: Step) -> Term:
        return Term(-step.entropy("forget").values.sum(), "forget", "token")


class Uniform(ForgetObjective):
    """Cross-entropy with the uniform distribution: KL(uniform || model) but for the constant log V."""

    def forget_needs(self) -> Needs:
        return Needs(cross_entropy={("forget", "uniform")})

    def forget_term(self, step: Step) -> Term:
        return Term(step.cross_entropy("forget", "uniform").values.sum(), "forget", "token")


class SelfDistillation(ForgetObjective):
    """UNDIAL's shape: distill the reference's distribution with the answer's logit lowered by `strength`."""

    strength: float = 3.0

    def _loss(self, logits: Tensor, labels: Tensor, reference: Tensor) -> Tensor:
        lowered = reference.scatter_add(1, labels[:, None], reference.new_full((len(labels), 1), -self.strength))
        return -(lowered.softmax(-1) * logits.log_softmax(-1)).sum(-1)

    def forget_needs(self) -> Needs:
        return Needs(distribution={("forget", self._loss)})

    def forget_term(self, step: Step) -> Term:
        # By another object with equal settings, as a composition makes one.
        equal = type(self)(**dict(self))
        return Term(step.distribution("forget").map(equal._loss).values.sum(), "forget", "token")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Log-odds of the label against all other tokens."""
    chosen = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], float("-inf"))
    return chosen - others.logsumexp(-1)


class Everything(Objective):
    """Several quantities of one view in one step, by log-odds per sequence; retain by the reference's cross-entropy."""

    def needs(self) -> Needs:
        return Needs(
            logps={"forget"},
            entropy={"forget", "retain"},
            distribution={("forget", margin)},
            cross_entropy={("retain", "reference")},
            kl={"retain"},
        )

    def terms(self, step: Step) -> Terms:
        odds = step.distribution("forget").map(margin)
        weighted = step.logps("forget").values.detach().exp() * step.entropy("forget").values
        retain = step.cross_entropy("retain", "reference").values + 0.5 * step.kl("retain").values
        return {
            "forget": Term(softplus(0.1 * odds.per_row()).sum(), "forget", "sequence"),
            "flat": Term(-weighted.sum(), "forget", "token", 0.3),
            "retain": Term(retain.sum() - 0.1 * step.entropy("retain").values.sum(), "retain", "token", 2.0),
        }


OUTSIDE: dict[str, type[Objective]] = {
    "outside: max entropy": MaxEntropy,
    "outside: uniform": Uniform,
    "outside: self-distillation": SelfDistillation,
    "outside: everything": Everything,
}
