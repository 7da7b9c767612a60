"""What every objective is worth, written again: float64, row by row, plain transformers logits, the mean taken last.

Nothing here is shared with the package: no packing, no chunked head, no terms, no counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unlearnkit.data.render import Encoded


class Slow:
    """Plain values of model and target model on rows."""

    def __init__(self, model: Any, target: Any, views: dict[str, list[Encoded]]) -> None:
        self.model, self.target, self.views = model, target, views

    def distributions(self, view: str, *, reference: bool = False) -> list[Tensor]:
        """(labels, vocabulary) log-probabilities of each row."""
        found = []
        for row in self.views[view]:
            chosen = self.target if reference else self.model
            logits = chosen(input_ids=torch.tensor([row.ids])).logits[0].double()
            logps = logits - torch.logsumexp(logits, -1, keepdim=True)
            found.append(logps[row.prompt - 1 : len(row.ids) - 1])
        return [x.detach() for x in found] if reference else found

    def logps(self, view: str, *, reference: bool = False) -> list[Tensor]:
        """(labels,) log-probabilities of each row."""
        return [
            torch.stack([logps[at, token] for at, token in enumerate(row.ids[row.prompt :])])
            for logps, row in zip(self.distributions(view, reference=reference), self.views[view], strict=True)
        ]


def token_mean(rows: list[Tensor]) -> Tensor:
    return torch.cat(rows).mean()


def nll(slow: Slow, _: Any = None) -> Tensor:
    return -token_mean(slow.logps("retain"))


def kl(slow: Slow, _: Any = None) -> Tensor:
    pairs = zip(slow.distributions("retain", reference=True), slow.distributions("retain"), strict=True)
    return token_mean([(p.exp() * (p - q)).sum(-1) for p, q in pairs])


RETAIN: dict[str | None, Callable[[Slow], Tensor]] = {"nll": nll, "kl": kl, None: lambda _: torch.zeros(())}


def with_retain(forget: Tensor, slow: Slow, objective: Any) -> Tensor:
    return forget + objective.retain_weight * RETAIN[objective.retain](slow)


def ga(slow: Slow, objective: Any) -> Tensor:
    return with_retain(token_mean(slow.logps("forget")), slow, objective)


def npo(slow: Slow, objective: Any, beta: float | None = None) -> Tensor:
    beta = beta or objective.beta
    losses = []
    for ours, theirs in zip(slow.logps("forget"), slow.logps("forget", reference=True), strict=True):
        losses.append(-(2 / beta) * torch.log(1 / (1 + torch.exp(beta * (ours.sum() - theirs.sum())))))
    return with_retain(torch.stack(losses).mean(), slow, objective)


def po(slow: Slow, objective: Any) -> Tensor:
    return with_retain(-token_mean(slow.logps("forget:idk")), slow, objective)


def tru(slow: Slow, objective: Any) -> Tensor:
    loss = -token_mean(slow.logps("forget:target"))
    if objective.alpha:
        # Within TRU the forget term has its default settings.
        bracket = (
            npo(slow, objective, beta=0.1) if objective.forget == "npo" else SLOW[objective.forget](slow, objective)
        )
        loss = loss + objective.alpha * bracket
    return loss


SLOW: dict[str, Callable[[Slow, Any], Tensor]] = {
    "ga": ga, "npo": npo, "po": po, "graddiff": ga, "tru": tru,
    "nll": nll, "kl": kl, "finetune": nll, "retrain": nll,
}  # fmt: skip
