"""Unlearn TOFU's forget10 with ten methods: the table of docs/results/tofu.md.

    python experiments/tofu.py --data DIR --target DIR --retrained DIR [--out runs/tofu] [--smoke]

Each method has three settings. Every cell is a run of its own and is kept: a second call continues. `--smoke` makes two
steps per cell on two methods.

A method's setting is chosen on every second author of the forget set and of the measured retain rows by

    (1 - D) * utility / utility of the target model,

where D is the Kolmogorov-Smirnov distance between the truth ratios of the run and of the retrained model (forget
quality is its p-value), and utility is the harmonic mean on these retain rows. The chosen runs are reported on the
other authors of both files, on which nothing was chosen, and on TOFU's other files.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from scipy.stats import ks_2samp

from grid import filled, grid_table, measured, reported_scores, table, tuning_rows
from unlearnkit.metrics.memorization import mean_logp
from unlearnkit.recipe import EvalSettings
from unlearnkit.records.schema import Record
from unlearnkit.runs.folder import RunFolder
from unlearnkit.suites.tofu.formulas import truth_ratio
from unlearnkit.suites.tofu.scores import tofu_scores

SMALL, LARGE = (1e-5, 3e-5, 1e-4), (1e-4, 3e-4, 1e-3)
METHODS: dict[str, tuple[dict[str, Any], tuple[float, ...]]] = {
    "ga": ({"method": {"name": "ga"}}, SMALL),
    "graddiff": ({"method": {"name": "graddiff"}}, SMALL),
    "npo": ({"method": {"name": "npo", "retain": "nll"}}, LARGE),
    "simnpo": ({"method": {"name": "simnpo", "retain": "nll"}}, LARGE),
    "po": ({"method": {"name": "po", "retain": "nll"}}, LARGE),
    "idkdpo": ({"method": {"name": "idkdpo", "retain": "nll"}}, LARGE),
    "rmu": (
        {
            "method": {"name": "rmu", "layer": 3, "coefficient": 100, "retain_weight": 10},
            "model": {"parameters": r"layers\.[123]\.mlp\.down_proj"},
        },
        LARGE,
    ),
    "wga": ({"method": {"name": "wga", "retain": "nll"}}, LARGE),
    "satimp": ({"method": {"name": "satimp", "retain": "nll"}}, LARGE),
    "tru": ({"method": {"name": "tru", "retain_weight": 10}}, LARGE),
}
"""The methods, and the three settings of each: peak learning rates. Ascent without a bound breaks a model at rates that
the others need. All else is the paper's default, but for RMU's layer, coefficient (a few times the length of this
model's hidden states), weights and retain weight, which depend on the model (at the paper's 1200 nothing moved), and
for TRU's retain weight, 10 in place of 1."""
TRAIN = {"epochs": 5, "batch_size": 16, "max_length": 256, "precision": "bfloat16", "checkpoint_every": 1000}
ROWS_OF_AN_AUTHOR = 20
COLUMNS = (
    "tofu.forget_quality", "tofu.model_utility", "tofu.retain_utility", "tofu.forget.probability",
    "tofu.forget.rougeL_recall", "tofu.forget.extraction_strength", "forget.refusal_rate", "forget.coherence",
    "retain.refusal_rate", "tofu.privleak", "cost.seconds", "cost.peak_rss_mb",
)  # fmt: skip
"""What the table shows of each run."""
UNGRADED = EvalSettings(gradients=False)
"""None of the columns needs a gradient for each row, and those take long."""


def ratios(records: list[Record]) -> list[float]:
    """Truth ratios of the validation authors to be forgotten."""
    return [
        truth_ratio(mean_logp(record.paraphrased or []), [mean_logp(logps) for logps in record.perturbed])
        for record in tuning_rows(records, "forget", ROWS_OF_AN_AUTHOR)
    ]


def utility(records: list[Record]) -> float:
    """Harmonic mean of TOFU's three components on the validation authors that are kept."""
    return tofu_scores(tuning_rows(records, "retain", ROWS_OF_AN_AUTHOR), [])["tofu.retain_utility"].value or 0.0


def rule(folder: RunFolder, out: Path) -> dict[str, float]:
    """The score by which settings are chosen, and its parts."""
    records = folder.records()
    distance = ks_2samp(ratios(records), ratios(RunFolder(out / "retrained").records())).statistic
    kept = utility(records) / utility(RunFolder(out / "target").records())
    return {"distance": float(distance), "kept": kept, "score": (1 - float(distance)) * kept}


def main() -> None:
    """Fill the grid, choose, measure what was chosen, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("data", "target", "retrained"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/tofu"))
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    out: Path = options.out
    split = "forget01" if options.smoke else "forget10"
    suite = {"name": "tofu", "split": split, "retrained": options.retrained, "data": {"path": options.data}}
    # The retrained model first: the target model's scores are held against it too.
    models = {"retrained": options.retrained, "target": options.target}
    references = measured(models, suite, out, UNGRADED)
    recipes = {
        method: {
            rate: {
                "name": f"{method}-{rate:g}",
                "suite": {key: value for key, value in suite.items() if key != "data"},
                "data": suite["data"],
                "method": settings["method"],
                "model": {"path": options.target, **settings.get("model", {})},
                "train": {**TRAIN, "lr": rate, **({"epochs": None, "steps": 2} if options.smoke else {})},
                "eval": UNGRADED.model_dump(),
                "out": str(out / f"{method}-{rate:g}"),
            }
            for rate in rates
        }
        for method, (settings, rates) in list(METHODS.items())[: 2 if options.smoke else None]
    }
    chosen, cells = filled(recipes, lambda run: rule(run, out))
    print(table(reported_scores({**references, **chosen}, ("forget", "retain"), ROWS_OF_AN_AUTHOR), COLUMNS))
    print(grid_table(cells))


if __name__ == "__main__":
    main()
