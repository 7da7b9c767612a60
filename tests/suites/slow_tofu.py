"""TOFU's scores once more, slowly and apart from the package: float64, one row at a time, nothing shared.

Only transformers is used to get logits; every formula is written from the papers again.
"""

from __future__ import annotations

import math
import re
import zlib
from fractions import Fraction
from functools import cache
from typing import Any

import torch
from nltk.stem.porter import PorterStemmer
from transformers import AutoModelForCausalLM, AutoTokenizer


class Slow:
    """A model in float64, asked one row at a time."""

    def __init__(self, path: str) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(path)
        self.model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float64).eval()

    def prompt(self, question: str) -> list[int]:
        turn = [{"role": "user", "content": question}]
        text = self.tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def table(self, question: str, answer: str) -> tuple[list[int], torch.Tensor]:
        """The answer's tokens, end token included, and the log-probabilities of the whole vocabulary before each."""
        prompt = self.prompt(question)
        said = [*self.tokenizer(answer, add_special_tokens=False)["input_ids"], self.tokenizer.eos_token_id]
        logits = self.model(torch.tensor([prompt + said])).logits[0, len(prompt) - 1 : -1]
        return said, torch.log_softmax(logits, -1).detach()

    @cache  # noqa: B019  # lives as long as the test
    def logps(self, question: str, answer: str) -> list[float]:
        said, table = self.table(question, answer)
        return [float(table[i, token]) for i, token in enumerate(said)]

    def mean(self, question: str, answer: str) -> float:
        logps = self.logps(question, answer)
        return sum(logps) / len(logps)

    def greedy(self, question: str, limit: int) -> str:
        ids, begun = self.prompt(question), len(self.prompt(question))
        for _ in range(limit):
            ids.append(int(self.model(torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == self.tokenizer.eos_token_id:
                ids.pop()
                break
        text = self.tokenizer.decode(ids[begun:])
        before, opened, rest = text.partition("<think>")
        if not opened:
            return text.strip()
        _, closed, after = rest.partition("</think>")
        return (before + after).strip() if closed else before.strip()

    def gradient_norm(self, question: str, answer: str) -> float:
        prompt = self.prompt(question)
        said = [*self.tokenizer(answer, add_special_tokens=False)["input_ids"], self.tokenizer.eos_token_id]
        self.model.zero_grad()
        labels = torch.tensor([[-100] * len(prompt) + said])
        self.model(torch.tensor([prompt + said]), labels=labels).loss.backward()
        norms = [float(weight.grad.norm()) for weight in self.model.parameters()]
        return sum(norms) / len(norms)


def recall(reference: str, said: str) -> tuple[float, float]:
    """ROUGE-1 and ROUGE-L recall of stemmed words."""
    stem = PorterStemmer()

    def words(text: str) -> list[str]:
        found = re.split(r"[^a-z0-9]+", text.lower())
        return [stem.stem(word) if len(word) > 3 else word for word in found if word]

    wanted, given = words(reference), words(said)
    common = sum(min(wanted.count(word), given.count(word)) for word in set(wanted))
    lengths = [[0] * (len(given) + 1) for _ in range(len(wanted) + 1)]
    for i, one in enumerate(wanted):
        for j, other in enumerate(given):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if one == other else max(lengths[i][j + 1], lengths[i + 1][j])
    return common / len(wanted), lengths[-1][-1] / len(wanted)


def truth_ratio(model: Slow, row: dict[str, Any]) -> float:
    """Eq. 1 of TOFU: mean probability of the wrong answers over that of the right one."""
    right = math.exp(model.mean(row["question"], row.get("paraphrased_answer", row["answer"])))
    wrong = [math.exp(model.mean(row["question"], answer)) for answer in row["perturbed_answer"]]
    return sum(wrong) / len(wrong) / right


def geometric_ratio(model: Slow, row: dict[str, Any], epsilon: float) -> float:
    right = math.exp(model.mean(row["question"], row.get("paraphrased_answer", row["answer"])))
    means = [model.mean(row["question"], answer) for answer in row["perturbed_answer"]]
    return math.exp(sum(means) / len(means)) / (right + epsilon)


def option(model: Slow, row: dict[str, Any], epsilon: float = 0.0) -> float:
    right = math.exp(model.mean(row["question"], row["answer"]))
    return right / (right + sum(math.exp(model.mean(row["question"], a)) for a in row["perturbed_answer"]) + epsilon)


def p_value(one: list[float], other: list[float]) -> float:
    """Two-sided two-sample Kolmogorov-Smirnov test by counting every way to merge the samples, in whole numbers."""
    m, n = len(one), len(other)
    places = sorted({*one, *other})
    distance = max(abs(Fraction(sum(v <= x for v in one), m) - Fraction(sum(v <= x for v in other), n)) for x in places)

    @cache
    def inside(i: int, j: int) -> int:
        """Ways to (i, j) on which the two distributions stay closer than the distance found."""
        if abs(Fraction(i, m) - Fraction(j, n)) >= distance:
            return 0
        if i == j == 0:
            return 1
        return (inside(i - 1, j) if i else 0) + (inside(i, j - 1) if j else 0)

    return float(1 - Fraction(inside(m, n), math.comb(m + n, n)))


def area(members: list[float], others: list[float]) -> float:
    """Share of pairs in which the member has the lower score."""
    return sum((a < b) + 0.5 * (a == b) for a in members for b in others) / (len(members) * len(others))


def lowest(values: list[float], share: float = 0.4) -> float:
    chosen = sorted(values)[: max(1, math.floor(share * len(values)))]
    return -sum(chosen) / len(chosen)


def standardized(model: Slow, row: dict[str, Any]) -> list[float]:
    """(log p - mean) / deviation of each token of the answer."""
    said, table = model.table(row["question"], row["answer"])
    mean = (table.exp() * table).sum(-1)
    deviation = ((table.exp() * (table - mean[:, None]) ** 2).sum(-1)).clamp_min(1e-6).sqrt()
    return [(float(table[i, token]) - float(mean[i])) / float(deviation[i]) for i, token in enumerate(said)]


def attacks(model: Slow, reference: Slow, row: dict[str, Any]) -> dict[str, float]:
    """Score of each membership attack on a row; low for a member."""
    question, answer = row["question"], row["answer"]
    logps = model.logps(question, answer)
    loss = -sum(logps) / len(logps)
    standard = standardized(model, row)
    return {
        "loss": loss,
        "zlib": loss / len(zlib.compress(answer.encode())),
        "reference": loss + reference.mean(question, answer),
        "grad_norm": model.gradient_norm(question, answer),
        "min_k": lowest(logps),
        "min_k_plus_plus": lowest(standard),
    }


def extraction(model: Slow, row: dict[str, Any]) -> tuple[float, float]:
    """Extraction strength, by asking how much must be shown; and the share of tokens that greedy decoding finds."""
    said, table = model.table(row["question"], row["answer"])
    right = [int(table[i].argmax()) == token for i, token in enumerate(said)]
    shown = next(k for k in range(len(said) + 1) if all(right[k:]))
    return 1 - shown / len(said), sum(right) / len(right)


def attacks_without_end(model: Slow, row: dict[str, Any]) -> dict[str, float]:
    """The two attacks for which OpenUnlearning drops the end token."""
    logps = model.logps(row["question"], row["answer"])
    return {"min_k": lowest(logps[:-1]), "min_k_plus_plus": lowest(standardized(model, row)[:-1])}


def extraction_without_end(model: Slow, row: dict[str, Any]) -> tuple[float, float]:
    """`extraction` as OpenUnlearning computes it: no end token, and the search stops before everything is shown."""
    said, table = model.table(row["question"], row["answer"])
    right = [int(table[i].argmax()) == token for i, token in enumerate(said[:-1])]
    shown = 0
    while shown < len(right) - 1 and not all(right[shown:]):
        shown += 1
    return 1 - shown / len(right), sum(right) / len(right)


def share(model: Slow, row: dict[str, Any]) -> float:
    """Right answer's share of the probability of right and (geometric mean of) wrong answers."""
    right = math.exp(model.mean(row["question"], row.get("paraphrased_answer", row["answer"])))
    means = [model.mean(row["question"], answer) for answer in row["perturbed_answer"]]
    return right / (right + math.exp(sum(means) / len(means)) + 1e-10)
