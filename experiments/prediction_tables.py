"""Print the results of prediction.py as Markdown.

    python experiments/prediction_tables.py [--out runs/prediction] [--draws 2000]

*Prediction*: Spearman's rank correlation over the cells between an early measurement and the outcome; mean over worlds,
with 95 % intervals from resampled cells, each with all its worlds. *Stopping*: the step at which each rule stops the
runs whose weights were kept, and the quality of the model there. Parameters of a rule (a number of steps, a loss) are
chosen on the other worlds. *Observations*: the series of effects of each objective.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from prediction import COURSE, EVERY, FORGOTTEN, KEPT, PLAN, worth
from unlearnkit.gradient_effect.effect_series import EffectSeries, series_of
from unlearnkit.gradient_effect.rules import harmed
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.gradient_effect.table import EffectRow
from unlearnkit.runs.folder import RunFolder

EARLY = (0, EVERY, 2 * EVERY)
"""Steps at which a prediction is made, of 40."""
KINDS = ("effect", "cosine", "per_update")
HEARD = {"forget": -1.0, "retain": 1.0, "near": 1.0}
"""The sign with which an effect on a risk speaks for the outcome: forgetting wants it low, keeping high."""
UNKNOWN = math.nan


@dataclass(frozen=True)
class Cell:
    """One run that is done."""

    name: str
    world: int
    path: Path

    @cached_property
    def course(self) -> EffectSeries:
        """Its objective's effects."""
        effects = RunFolder(self.path).effects()
        assert effects is not None  # every cell measures them
        return series_of(effects)[0]

    @cached_property
    def outcome(self) -> dict[str, float]:
        """Forgetting and keeping in the end."""
        scores = RunFolder(self.path).scores()
        return worth({name: scores[f"{name}.accuracy"].value or 0.0 for name in (*FORGOTTEN, *KEPT)})

    @cached_property
    def followed(self) -> dict[int, dict[str, float]]:
        """What the weights that it kept are worth, by step."""
        kept = json.loads((self.path / COURSE).read_text(encoding="utf-8"))
        return {int(step): values for step, values in kept.items()}

    def at(self, risk: str, step: int) -> EffectRow:
        """The effect on a risk."""
        row = self.course.at(risk, step)
        assert row is not None, (self.path, risk, step)
        return row

    def harmed_at(self, *risks: str, first_order: bool = False) -> int | None:
        """The step at which `diagnose.use=[stop]` would have ended it, had it watched these risks; None: nowhere.

        `first_order`: without what was measured since the look before.
        """
        rows = [row for row in self.course.rows if row.risk in ("forget", *risks)]
        share = DiagnoseSettings().max_harm_ratio
        for step in self.course.steps:
            seen = [row for row in rows if row.step == step or not first_order]
            if step and harmed(seen, self.course.objective, step, share):
                return step
        return None


def cells(out: Path, board: str, keys: Iterable[int], names: Iterable[str]) -> list[Cell]:
    """The cells of a board that are done."""
    found = [Cell(name, key, out / f"{board}-{key}" / name) for key in keys for name in names]
    begun = [cell for cell in found if RunFolder(cell.path).is_run]
    return [cell for cell in begun if RunFolder(cell.path).state().train is not None]


Read = Callable[[Cell], float]


def predictors(step: int, outcome: str) -> dict[str, Read]:
    """What could be known at a step, each such that more of it speaks for more of the outcome."""
    risks = ("forget",) if outcome == "forgetting" else ("near", "retain")

    def effect(risk: str, kind: str) -> Read:
        def read(cell: Cell) -> float:
            value = getattr(cell.at(risk, step), kind)
            return UNKNOWN if value is None else HEARD[risk] * float(value)

        return read

    def loss(risk: str, sign: float) -> Read:
        return lambda cell: sign * cell.at(risk, step).risk_value

    found = {f"effect on {risk}, {kind}": effect(risk, kind) for risk in risks for kind in KINDS}
    if outcome == "keeping":
        found["effect on forget, effect"] = lambda cell: cell.at("forget", step).effect
        found["loss of forget, low"] = loss("forget", -1.0)
        return found | {f"loss of {risk}, low": loss(risk, -1.0) for risk in risks}
    return found | {"loss of forget, high": loss("forget", 1.0)}


def matrix(board: Sequence[Cell], names: Sequence[str], worlds: Sequence[int], read: Read) -> np.ndarray:
    """Worlds by cells."""
    by_place = {(cell.world, cell.name): cell for cell in board}
    return np.array([[read(by_place[world, name]) for name in names] for world in worlds])


def correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's, along the last axis; undefined where one is the same everywhere."""
    ranks = [rankdata(values, axis=-1) for values in (x, y)]
    a, b = (values - values.mean(axis=-1, keepdims=True) for values in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=-1) / np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))


def partial(xy: np.ndarray, xz: np.ndarray, yz: np.ndarray) -> np.ndarray:
    """The rank correlation of x and y that z leaves."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))


def interval(drawn: np.ndarray) -> str:
    """95 % of what was drawn."""
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return f"{low:.2f} to {high:.2f}"


def prediction(board: Sequence[Cell], draws: int) -> str:
    """Correlations of early figures with the outcome."""
    worlds = sorted({cell.world for cell in board})
    there = Counter(cell.name for cell in board if RunFolder(cell.path).scores_file.exists())
    names = [name for name, count in there.items() if count == len(worlds)]
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(names), size=(draws, len(names)))
    lines = [f"{len(names)} cells, worlds {', '.join(map(str, worlds))}", ""]
    for outcome in ("forgetting", "keeping"):
        result = matrix(board, names, worlds, lambda cell, o=outcome: cell.outcome[o])  # type: ignore[misc]
        lines += [
            f"| {outcome}: known at | what | rank correlation | interval | beyond the loss | interval |",
            "|" + "---|" * 6,
        ]
        for step in EARLY:
            reads = predictors(step, outcome)
            values = {name: matrix(board, names, worlds, read) for name, read in reads.items()}
            losses = [name for name in reads if name.startswith("loss")]
            defined = {name: correlation(values[name], result).mean() for name in losses}
            best = max(losses, key=lambda name: abs(defined[name]) if not math.isnan(defined[name]) else -1)
            for name, value in values.items():
                if np.isnan(value).any():
                    continue
                # (draws, worlds, cells): every draw takes the same cells of each world.
                again, ended = value[:, drawn].swapaxes(0, 1), result[:, drawn].swapaxes(0, 1)
                rho, rhos = correlation(value, result).mean(), correlation(again, ended).mean(axis=1)
                if np.isnan(rho):
                    lines.append(f"| {step} | {name} | the same everywhere | | | |")
                    continue
                beyond = ["", ""]
                if not name.startswith("loss") and not math.isnan(defined[best]):
                    z, zs = values[best], values[best][:, drawn].swapaxes(0, 1)
                    left = partial(correlation(value, result), correlation(value, z), correlation(result, z)).mean()
                    lefts = partial(correlation(again, ended), correlation(again, zs), correlation(ended, zs))
                    beyond = [f"{left:.2f}", interval(lefts.mean(axis=1))]
                lines.append(f"| {step} | {name} | {rho:.2f} | {interval(rhos)} | {beyond[0]} | {beyond[1]} |")
        lines.append("")
    return "\n".join(lines)


@dataclass(frozen=True)
class Followed:
    """A run whose worth is known along its course."""

    cell: Cell
    points: Mapping[int, tuple[float, float]]
    """Forgetting and keeping, by step."""

    def score(self, step: int) -> float:
        """What the model is worth there."""
        forgetting, keeping = self.points[step]
        return forgetting * keeping

    @property
    def last(self) -> int:
        """Its last step."""
        return max(self.points)

    def not_before(self, step: int | None) -> int:
        """A step that a rule says; the first that is known for an earlier one, the last where it says none."""
        return self.last if step is None else max(step, min(self.points))

    def after_loss(self, threshold: float) -> int:
        """The first step whose forget loss reaches the threshold; the last where none does."""
        return next((s for s in sorted(self.points) if self.cell.at("forget", s).risk_value >= threshold), self.last)

    def ratio(self, step: int) -> float:
        """How much of the effect on forget rows the retain rows bear: above 0 where both risks rise."""
        unlearning, retaining = (self.cell.at(risk, step).effect for risk in ("forget", "retain"))
        return retaining / unlearning if unlearning else 0.0

    def after_ratio(self, most: float) -> int:
        """The first step at which that is more; the last where it never is."""
        return next((s for s in sorted(self.points) if self.ratio(s) > most), self.last)


def best_ratio(others: Sequence[Followed]) -> float:
    """The ratio of effects that is best to stop beyond on other worlds."""
    tried = sorted({run.ratio(step) for run in others for step in run.points})
    return max(tried, key=lambda value: sum(run.score(run.after_ratio(value)) for run in others))


def best_steps(others: Sequence[Followed]) -> int:
    """The number of steps that is best on other worlds."""
    return max(others[0].points, key=lambda step: sum(run.score(step) for run in others))


def best_loss(others: Sequence[Followed]) -> float:
    """The forget loss that is best to stop at on other worlds."""
    tried = sorted({run.cell.at("forget", step).risk_value for run in others for step in run.points})
    return max(tried, key=lambda value: sum(run.score(run.after_loss(value)) for run in others))


def stopped(run: Followed, others: Sequence[Followed]) -> dict[str, int]:
    """Where each rule ends a run."""
    return {
        "never (40 steps)": run.last,
        "after a fixed number": best_steps(others),
        "by the forget loss": run.after_loss(best_loss(others)),
        "by the ratio of effects": run.after_ratio(best_ratio(others)),
        "by the G-effect on retain alone": run.not_before(run.cell.harmed_at("retain", first_order=True)),
        "stop, retain watched": run.not_before(run.cell.harmed_at("retain")),
        "stop, every risk watched": run.not_before(run.cell.harmed_at(*run.cell.course.risks)),
        "at its best": max(run.points, key=run.score),
    }


def stop_requested(runs: Sequence[Followed], chosen_on: Sequence[Followed], draws: int) -> str:
    """Every rule on every objective, and over all of them; what a rule is told is chosen on the other runs' worlds."""
    rules: dict[str, list[tuple[str, int, float, float, float]]] = {}
    for run in runs:
        others = [r for r in chosen_on if r.cell.name == run.cell.name and r.cell.world != run.cell.world]
        if not others:
            continue
        for rule, step in stopped(run, others).items():
            rules.setdefault(rule, []).append((run.cell.name, step, *run.points[step], run.score(step)))
    names = list(dict.fromkeys(run.cell.name for run in runs))
    lines = [f"| rule | steps | forgetting | keeping | product | interval | {' | '.join(names)} |"]
    lines.append("|" + "---|" * (6 + len(names)))
    rng = np.random.default_rng(0)
    for rule, found in rules.items():
        values = np.array([row[1:] for row in found], dtype=float)
        drawn = values[rng.integers(len(values), size=(draws, len(values))), 3].mean(axis=1)
        each = []
        for name in names:
            own = np.array([(row[4], row[1]) for row in found if row[0] == name], dtype=float).mean(axis=0)
            each.append(f"{own[0]:.2f} ({own[1]:.0f})")
        steps, forgetting, keeping, product = values.mean(axis=0)
        lines.append(
            f"| {rule} | {steps:.0f} | {forgetting:.2f} | {keeping:.2f} | {product:.2f} | {interval(drawn)} "
            f"| {' | '.join(each)} |"
        )
    return "\n".join(lines)


def by_accuracy(board: Sequence[Cell]) -> list[Followed]:
    """The series of runs whose kept weights were measured."""
    return [
        Followed(cell, {step: (found["forgetting"], found["keeping"]) for step, found in cell.followed.items()})
        for cell in board
        if (cell.path / COURSE).exists()
    ]


def by_probability(cell: Cell, kept: Sequence[str]) -> Followed:
    """A run's course by the mean probability of a token: what it forgot, and what it kept."""
    points = {}
    for step in cell.course.steps:
        retained = [math.exp(-cell.at(risk, step).risk_value) for risk in kept]
        points[step] = (1 - math.exp(-cell.at("forget", step).risk_value), sum(retained) / len(retained))
    return Followed(cell, points)


def shares(cell: Cell) -> dict[str, float]:
    """Of the absolute effects on forget, summed over the steps, the share of each group of weights."""
    found = {
        group: sum(abs(row.effect) for row in cell.course.over_steps("forget", group)) for group in cell.course.groups
    }
    whole = sum(found.values())
    return {group: value / whole for group, value in found.items()}


def used(out: Path) -> str:
    """What came of runs that went by their own effects, and of combiners, beside the plain sum; means over worlds."""
    columns = (*FORGOTTEN, *KEPT)
    lines = [f"| | forgetting | keeping | product | {' | '.join(columns)} |", "|" + "---|" * (4 + len(columns))]
    for name in dict.fromkeys(n for key, one in PLAN["used"].items() for n in (one["cell"], key)):
        done = [cell for cell in cells(out, "authors", PLAN["worlds"], [name]) if RunFolder(cell.path).state().done]
        if not done:
            lines.append(f"| {name} | not measured |" + " |" * (2 + len(columns)))
            continue
        scores = [RunFolder(cell.path).scores() for cell in done]
        accuracy = [np.mean([s[f"{column}.accuracy"].value for s in scores]) for column in columns]
        ends = [tuple(cell.outcome.values()) for cell in done]
        product = np.mean([forgot * kept for forgot, kept in ends])
        forgetting, keeping = np.mean(ends, axis=0)
        said = " | ".join(f"{value:.2f}" for value in (forgetting, keeping, product, *accuracy))
        lines.append(f"| {name} | {said} |")
    return "\n".join(lines)


def observations(board: Sequence[Cell], kept: Sequence[str]) -> str:
    """The course of each cell, means over worlds."""
    names = list(dict.fromkeys(cell.name for cell in board))
    near = kept[-1]
    groups = board[0].course.groups
    steps = [step for step in board[0].course.steps if step]
    lines = ["Effects on forget / on " + near + " (means over worlds), by step; in brackets the losses", ""]
    lines += ["| | " + " | ".join(map(str, steps)) + " |", "|" + "---|" * (len(steps) + 1)]
    for name in names:
        runs = [cell for cell in board if cell.name == name]
        shown = []
        for step in steps:
            here = [[cell.at(risk, step) for cell in runs] for risk in ("forget", near)]
            e_u, e_r = (np.mean([row.effect for row in rows]) for rows in here)
            l_u, l_r = (np.mean([row.risk_value for row in rows]) for rows in here)
            shown.append(f"{e_u:.3g} / {e_r:.3g} ({l_u:.1f} / {l_r:.1f})")
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    lines += ["", "Share of the absolute effects on forget by group", ""]
    lines += ["| | " + " | ".join(groups) + " |", "|" + "---|" * (len(groups) + 1)]
    for name in names:
        each = [shares(cell) for cell in board if cell.name == name]
        mean = [f"{np.mean([one[group] for one in each]):.2f}" for group in groups]
        lines.append(f"| {name} | " + " | ".join(mean) + " |")
    return "\n".join(lines)


def retained_price(board: Sequence[Cell], kept: Sequence[str], at: float) -> str:
    """The retained losses of each cell where its forget loss first reaches a value."""
    lines = [f"| forget loss at least {at} | step | forget | {' | '.join(kept)} |", "|" + "---|" * (3 + len(kept))]
    for name in dict.fromkeys(cell.name for cell in board):
        rows = []
        for cell in (cell for cell in board if cell.name == name):
            step = next((s for s in cell.course.steps if cell.at("forget", s).risk_value >= at), None)
            if step is not None:
                rows.append([step, *(cell.at(risk, step).risk_value for risk in ("forget", *kept))])
        count = sum(cell.name == name for cell in board)
        said = [f"{value:.2f}" for value in np.mean(rows, axis=0)[1:]] if rows else ["not reached"] * (1 + len(kept))
        step_said = f"{np.mean([row[0] for row in rows]):.0f} ({len(rows)} of {count})" if rows else f"(0 of {count})"
        lines.append(f"| {name} | {step_said} | {' | '.join(said)} |")
    return "\n".join(lines)


def main() -> None:
    """Print every table of what is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/prediction"))
    parser.add_argument("--draws", type=int, default=2000)
    options = parser.parse_args()
    authors = cells(options.out, "authors", PLAN["worlds"], PLAN["cells"])
    tofu = cells(options.out, "tofu", PLAN["seeds"], PLAN["observed"])
    if authors:
        print(f"## authors: prediction\n\n{prediction(authors, options.draws)}")
        points = by_accuracy(authors)
        print(f"\n## authors: stopping\n\n{stop_requested(points, points, options.draws)}")
        unseen = by_accuracy(cells(options.out, "authors", PLAN["held_out"], PLAN["stopped"]))
        if unseen:
            print(f"\n## authors: stopping on worlds held out\n\n{stop_requested(unseen, points, options.draws)}")
        print(f"\n## authors: used\n\n{used(options.out)}")
        seen = [cell for cell in authors if cell.name in PLAN["observed"]]
        print(f"\n## authors: observations\n\n{observations(seen, ['retain', 'near'])}")
        print(f"\n{retained_price(authors, ['retain', 'near'], 2.0)}")
    if tofu:
        kept_risks = ["utility.real_authors", "retain"]
        follow = [by_probability(cell, kept_risks) for cell in tofu if cell.name in PLAN["stopped"]]
        print(f"\n## TOFU: stopping\n\n{stop_requested(follow, follow, options.draws)}")
        print(f"\n## TOFU: observations\n\n{observations(tofu, kept_risks)}")
        print(f"\n{retained_price(tofu, kept_risks, 2.0)}")


if __name__ == "__main__":
    main()
