"""unlearnkit: make a language model forget on request, explain itself, and prove it.

The names below are imported when they are first used, so that `import unlearnkit` loads neither torch nor a model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unlearnkit.attacking import attack, attack_runs
    from unlearnkit.chat.permission import Permission
    from unlearnkit.checking import check
    from unlearnkit.diagnosing import diagnose, g_effect
    from unlearnkit.drafting import draft_scope
    from unlearnkit.evaluation import evaluate
    from unlearnkit.explaining import explain
    from unlearnkit.faithfulness import measure_faithfulness
    from unlearnkit.gather import compare, find_runs, write_report
    from unlearnkit.judge.model import JudgeModel
    from unlearnkit.judging import agree, judge_outputs
    from unlearnkit.objectives.contract import Objective, objective
    from unlearnkit.pipeline import run
    from unlearnkit.purging import purge
    from unlearnkit.recipe import Recipe, load_recipe, make_recipe
    from unlearnkit.runfolder import RunFolder
    from unlearnkit.scoring import score
    from unlearnkit.starting import start
    from unlearnkit.teaching import teach

__version__ = "0.1.0"

__all__ = [
    "JudgeModel",
    "Objective",
    "Permission",
    "Recipe",
    "RunFolder",
    "agree",
    "attack",
    "attack_runs",
    "check",
    "compare",
    "diagnose",
    "draft_scope",
    "evaluate",
    "explain",
    "find_runs",
    "g_effect",
    "judge_outputs",
    "load_recipe",
    "make_recipe",
    "measure_faithfulness",
    "objective",
    "purge",
    "run",
    "score",
    "start",
    "teach",
    "write_report",
]

# A public name is never that of a module: the module would take its place once it is imported.
_HOMES = {
    "JudgeModel": "judge.model",
    "Objective": "objectives.contract",
    "Permission": "chat.permission",
    "Recipe": "recipe",
    "RunFolder": "runfolder",
    "agree": "judging",
    "attack": "attacking",
    "attack_runs": "attacking",
    "check": "checking",
    "diagnose": "diagnosing",
    "compare": "gather",
    "draft_scope": "drafting",
    "evaluate": "evaluation",
    "explain": "explaining",
    "find_runs": "gather",
    "g_effect": "diagnosing",
    "judge_outputs": "judging",
    "load_recipe": "recipe",
    "make_recipe": "recipe",
    "measure_faithfulness": "faithfulness",
    "objective": "objectives.contract",
    "purge": "purging",
    "run": "pipeline",
    "score": "scoring",
    "start": "starting",
    "teach": "teaching",
    "write_report": "gather",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
