"""What every objective is worth, written again: float64, row by row, plain transformers logits, the mean taken last.

Nothing here is shared with the package: no packing, no chunked head, no terms, no counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unlearnkit.data.encoding import Encoded


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

    def hidden(self, view: str, layer: int, *, reference: bool = False) -> Tensor:
        """(labels of all rows, width): what a decoder layer gives; -1 is the last."""
        found = []
        for row in self.views[view]:
            chosen = self.target if reference else self.model
            given = chosen(input_ids=torch.tensor([row.ids]), output_hidden_states=True).hidden_states
            found.append(given[-1 if layer == -1 else 1 + layer][0, row.prompt - 1 : len(row.ids) - 1])
        together = torch.cat(found).double()
        return together.detach() if reference else together


def token_mean(rows: list[Tensor]) -> Tensor:
    return torch.cat(rows).mean()


def nll(slow: Slow, _: Any = None) -> Tensor:
    return -token_mean(slow.logps("retain"))


def kl(slow: Slow, _: Any = None) -> Tensor:
    pairs = zip(slow.distributions("retain", reference=True), slow.distributions("retain"), strict=True)
    return token_mean([(p.exp() * (p - q)).sum(-1) for p, q in pairs])


def representation(slow: Slow, objective: Any = None) -> Tensor:
    layer = getattr(objective, "layer", -1)
    moved = slow.hidden("retain", layer) - slow.hidden("retain", layer, reference=True)
    return (moved**2).sum(1).mean()


def nll_kl(slow: Slow, _: Any = None) -> Tensor:
    pairs = zip(slow.distributions("retain", reference=True), slow.distributions("retain"), strict=True)
    losses = [
        (p.exp() * (p - q)).sum(-1) if row.doubtful else -q[range(row.labels), row.ids[row.prompt :]]
        for (p, q), row in zip(pairs, slow.views["retain"], strict=True)
    ]
    return token_mean(losses)


RETAIN: dict[str | None, Callable[[Slow, Any], Tensor]] = {
    "nll": nll,
    "kl": kl,
    "nll_kl": nll_kl,
    "representation": representation,
    None: lambda *_: torch.zeros(()),
}


def with_retain(forget: Tensor, slow: Slow, objective: Any) -> Tensor:
    return forget + objective.retain_weight * RETAIN[objective.retain](slow, objective)


def ga(slow: Slow, objective: Any) -> Tensor:
    return with_retain(token_mean(slow.logps("forget")), slow, objective)


def npo(slow: Slow, objective: Any, beta: float | None = None) -> Tensor:
    beta = beta or objective.beta
    losses = []
    for ours, theirs in zip(slow.logps("forget"), slow.logps("forget", reference=True), strict=True):
        losses.append(-(2 / beta) * torch.log(1 / (1 + torch.exp(beta * (ours.sum() - theirs.sum())))))
    return with_retain(torch.stack(losses).mean(), slow, objective)


def weighted_ascent(slow: Slow, objective: Any, weight: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """`weight` is given the probabilities under model and target model."""
    ours, theirs = torch.cat(slow.logps("forget")), torch.cat(slow.logps("forget", reference=True))
    loss = (weight(ours.exp(), theirs.exp()).detach() * ours).sum() / len(ours)
    return with_retain(loss, slow, objective)


def wga(slow: Slow, o: Any) -> Tensor:
    return weighted_ascent(slow, o, lambda p, _: p**o.alpha)


def satimp(slow: Slow, o: Any) -> Tensor:
    return weighted_ascent(slow, o, lambda p, _: p**o.beta1 * (1 - p) ** o.beta2)


def tnpo(slow: Slow, o: Any) -> Tensor:
    return weighted_ascent(slow, o, lambda p, q: 2 * p**o.beta / (p**o.beta + q**o.beta))


def wtnpo(slow: Slow, o: Any) -> Tensor:
    return weighted_ascent(slow, o, lambda p, q: 2 * p ** (o.beta + o.alpha) / (p**o.beta + q**o.beta))


def simnpo(slow: Slow, objective: Any) -> Tensor:
    beta, delta = objective.beta, objective.delta
    losses = [-(2 / beta) * torch.log(torch.sigmoid(beta * (-row.mean() - delta))) for row in slow.logps("forget")]
    return with_retain(torch.stack(losses).mean(), slow, objective)


def idkdpo(slow: Slow, objective: Any) -> Tensor:
    beta, ratios = objective.beta, {}
    for view in ("forget", "forget:idk"):
        pairs = zip(slow.logps(view), slow.logps(view, reference=True), strict=True)
        ratios[view] = torch.stack([ours.sum() - theirs.sum() for ours, theirs in pairs])
    margin = ratios["forget:idk"] - ratios["forget"]
    return with_retain((-(2 / beta) * torch.log(torch.sigmoid(beta * margin))).mean(), slow, objective)


def rmu(slow: Slow, objective: Any) -> Tensor:
    hidden = slow.hidden("forget", objective.layer)
    drawn = torch.rand(hidden.shape[1], generator=torch.Generator().manual_seed(objective.vector_seed)).double()
    goal = objective.coefficient * drawn / (drawn**2).sum() ** 0.5
    return with_retain(((hidden - goal) ** 2).sum(1).mean(), slow, objective)


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


def max_entropy(slow: Slow, objective: Any) -> Tensor:
    negative = [(logps.exp() * logps).sum(-1) for logps in slow.distributions("forget")]
    return with_retain(token_mean(negative), slow, objective)


def uniform(slow: Slow, objective: Any) -> Tensor:
    return with_retain(-token_mean([logps.mean(-1) for logps in slow.distributions("forget")]), slow, objective)


def self_distillation(slow: Slow, objective: Any) -> Tensor:
    losses = []
    distributions = zip(slow.distributions("forget"), slow.distributions("forget", reference=True), strict=True)
    for (ours, theirs), row in zip(distributions, slow.views["forget"], strict=True):
        for at, token in enumerate(row.ids[row.prompt :]):
            target = theirs[at].exp()
            target[token] *= math.exp(-objective.strength)
            losses.append(-(target / target.sum() * ours[at]).sum())
    return with_retain(torch.stack(losses).mean(), slow, objective)


def everything(slow: Slow, _: Any) -> Tensor:
    logps = slow.logps("forget")
    # log p / (1 - p), summed over a row.
    odds = torch.stack([(row - torch.log(-torch.expm1(row))).sum() for row in logps])
    entropies = [-(row.exp() * row).sum(-1) for row in slow.distributions("forget")]
    flat = token_mean([p.exp().detach() * entropy for p, entropy in zip(logps, entropies, strict=True)])
    pairs = list(zip(slow.distributions("retain", reference=True), slow.distributions("retain"), strict=True))
    retain = token_mean([-(p.exp() * q).sum(-1) for p, q in pairs]) + 0.5 * kl(slow)
    retain = retain + 0.1 * token_mean([(q.exp() * q).sum(-1) for _, q in pairs])
    return torch.log(1 + torch.exp(0.1 * odds)).mean() - 0.3 * flat + 2.0 * retain


SLOW: dict[str, Callable[[Slow, Any], Tensor]] = {
    "ga": ga, "npo": npo, "po": po, "graddiff": ga, "tru": tru,
    "wga": wga, "satimp": satimp, "tnpo": tnpo, "wtnpo": wtnpo, "simnpo": simnpo, "idkdpo": idkdpo, "rmu": rmu,
    "nll": nll, "kl": kl, "nll_kl": nll_kl, "representation": representation, "finetune": nll, "retrain": nll,
    "outside: max entropy": max_entropy, "outside: uniform": uniform,
    "outside: self-distillation": self_distillation, "outside: everything": everything,
}  # fmt: skip
