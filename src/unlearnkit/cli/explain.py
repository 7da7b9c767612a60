"""The command `unlearn explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def explain_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    questions: Annotated[list[str] | None, typer.Argument(help="Questions for the model of the run.")] = None,
    conversation: Annotated[
        bool,
        typer.Option(
            "--conversation",
            help="Ask the questions in one conversation: each question follows the earlier ones and their responses.",
        ),
    ] = False,
    faithfulness: Annotated[
        bool,
        typer.Option(
            "--faithfulness",
            help="Also measure faithfulness: reverse the verdicts in the reasoning traces, and count how many "
            "responses change.",
        ),
    ] = False,
    at_most: Annotated[
        int, typer.Option(help="Maximum number of rows per set that --faithfulness measures.", min=1)
    ] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")] = False,
) -> None:
    """Ask a run's model questions, and explain the responses.

    For each question, this command prints the reasoning trace, the verdict in the trace, and the response. The verdict
    states whether the question is in scope, i.e. whether the question asks for knowledge to forget. The command also
    prints the line of the scope that the question, an earlier turn or the trace is about, how the line was found (as
    listed, in another spelling, with typing errors or by a part of the name), and the reason for the request, which the
    model's own responses do not give. For comparison, the command prints the response of the target model, i.e. the
    model before unlearning. The responses may contain knowledge to forget, so they are not stored.
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
        explained = explain(folder, questions, conversation=conversation, progress=progress)
        found["explained"] = [each.model_dump(mode="json") for each in explained]
        if not as_json:
            print_explained(explained)
    elif not faithfulness:
        raise InputError(
            "no question is given", fix='add a question: unlearn explain RUN "Who wrote it?"; or add --faithfulness'
        )
    if faithfulness:
        scores = measure_faithfulness(folder, at_most=at_most, progress=progress)
        write_documents(folder)
        found["faithfulness"] = {name: score.model_dump(mode="json") for name, score in scores.items()}
        if not as_json:
            print_faithfulness(scores)
    if as_json:
        print_json(found)
