"""`unlearn explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def explain_command(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    questions: Annotated[list[str] | None, typer.Argument(help="What to ask the run's model.")] = None,
    faithfulness: Annotated[
        bool, typer.Option("--faithfulness", help="Measure whether turning a trace's verdict turns the response.")
    ] = False,
    at_most: Annotated[int, typer.Option(help="Most rows of each set for --faithfulness.", min=1)] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Ask a run's model, and tell why it responds as it does.

    Shown are its trace, what that decides and by which line of the scope, the response, and what the target model
    says. That may be what was to be forgotten: it is printed and written nowhere.
    """
    from unlearnkit.cli.output import print_explained, print_faithfulness, print_json
    from unlearnkit.core.environment import quiet_libraries
    from unlearnkit.core.errors import InputError
    from unlearnkit.core.progress import Progress
    from unlearnkit.pipeline.explain import explain
    from unlearnkit.pipeline.faithfulness import measure_faithfulness
    from unlearnkit.report.build import write_documents
    from unlearnkit.runs.folder import RunFolder

    quiet_libraries()
    folder, progress = RunFolder.existing(run), Progress()
    found: dict[str, Any] = {}
    if questions:
        explained = explain(folder, questions, progress=progress)
        found["explained"] = [each.model_dump(mode="json") for each in explained]
        if not as_json:
            print_explained(explained)
    elif not faithfulness:
        raise InputError(
            "there is no question", fix='ask one: unlearn explain RUN "Who wrote it?"; or measure: --faithfulness'
        )
    if faithfulness:
        scores = measure_faithfulness(folder, at_most=at_most, progress=progress)
        write_documents(folder)
        found["faithfulness"] = {name: score.model_dump(mode="json") for name, score in scores.items()}
        if not as_json:
            print_faithfulness(scores)
    if as_json:
        print_json(found)
