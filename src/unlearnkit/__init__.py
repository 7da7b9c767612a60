"""Remove knowledge from language models, and measure what remains.

The names below are imported when they are first used, so that `import unlearnkit` loads neither torch nor a model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unlearnkit.judges.llm.settings import JudgeModel
    from unlearnkit.llm.consent import Permission
    from unlearnkit.methods.composition import ForgetObjective
    from unlearnkit.methods.objective import Needs, Objective, Step, Term, objective
    from unlearnkit.pipeline.attack import attack, attack_runs
    from unlearnkit.pipeline.board import board
    from unlearnkit.pipeline.board_file import load_board
    from unlearnkit.pipeline.check import check
    from unlearnkit.pipeline.evaluate import evaluate
    from unlearnkit.pipeline.explain import explain
    from unlearnkit.pipeline.export import export
    from unlearnkit.pipeline.faithfulness import measure_faithfulness
    from unlearnkit.pipeline.g_effect import diagnose, g_effect
    from unlearnkit.pipeline.init import start
    from unlearnkit.pipeline.judge import agree, judge_outputs
    from unlearnkit.pipeline.purge import purge
    from unlearnkit.pipeline.run import run
    from unlearnkit.pipeline.score import score
    from unlearnkit.pipeline.suggest_scope import draft_scope
    from unlearnkit.pipeline.targets import teach
    from unlearnkit.recipe import Recipe, load_recipe, make_recipe
    from unlearnkit.report.build import compare, find_runs, write_report
    from unlearnkit.runs.folder import RunFolder

__version__ = "0.1.0"

__all__ = [
    "ForgetObjective",
    "JudgeModel",
    "Needs",
    "Objective",
    "Permission",
    "Recipe",
    "RunFolder",
    "Step",
    "Term",
    "agree",
    "attack",
    "attack_runs",
    "board",
    "check",
    "compare",
    "diagnose",
    "draft_scope",
    "evaluate",
    "explain",
    "export",
    "find_runs",
    "g_effect",
    "judge_outputs",
    "load_board",
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

# No public name may equal the name of a submodule of this package: importing the submodule would replace the public
# object.
_HOMES = {
    "ForgetObjective": "methods.composition",
    "Needs": "methods.objective",
    "Step": "methods.objective",
    "Term": "methods.objective",
    "JudgeModel": "judges.llm.settings",
    "Objective": "methods.objective",
    "Permission": "llm.consent",
    "Recipe": "recipe",
    "RunFolder": "runs.folder",
    "agree": "pipeline.judge",
    "attack": "pipeline.attack",
    "attack_runs": "pipeline.attack",
    "board": "pipeline.board",
    "check": "pipeline.check",
    "diagnose": "pipeline.g_effect",
    "compare": "report.build",
    "draft_scope": "pipeline.suggest_scope",
    "evaluate": "pipeline.evaluate",
    "explain": "pipeline.explain",
    "export": "pipeline.export",
    "find_runs": "report.build",
    "g_effect": "pipeline.g_effect",
    "judge_outputs": "pipeline.judge",
    "load_board": "pipeline.board_file",
    "load_recipe": "recipe",
    "make_recipe": "recipe",
    "measure_faithfulness": "pipeline.faithfulness",
    "objective": "methods.objective",
    "purge": "pipeline.purge",
    "run": "pipeline.run",
    "score": "pipeline.score",
    "start": "pipeline.init",
    "teach": "pipeline.targets",
    "write_report": "report.build",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
