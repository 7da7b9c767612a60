"""Compare a model in memory with the saved folder and with the exported GGUF file.

    python tools/real_model.py runs/smollm2
    python experiments/saved_and_exported.py --model runs/smollm2 [--out runs/saved_and_exported] [--minutes 8]

SmolLM2-135M-Instruct answers the questions in `common_knowledge.tsv`, greedily, with at most 48 new tokens. Of the
questions that it answers correctly, 100 are forgotten by NPO and 100 are kept. The answers that the rows teach or
unteach are the model's own, up to the end of the sentence that makes them right. Adapters are only on the last third of
the layers. Then the same 200 questions are put to three models:

- memory: the trained weights in float32, as they were when training ended, with the adapter merged in float32;
- saved: the run's folder in bfloat16, in plain transformers (`AutoModelForCausalLM` and `generate`);
- gguf: the file that `unlearn export` writes, in a llama.cpp server.

An answer is right if the metric `accuracy` says so. Printed are the number of answers that are right in one place and
wrong in another (at most 4), and the forget accuracy of the saved model minus that in memory (at most 0.05).

Every stage keeps its answers and goes on where it stopped. After `--minutes`, the script ends with exit code 75; call
it again to go on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from unlearnkit.data.encoding import ChatEncoder
from unlearnkit.models.adapter import merge_adapter
from unlearnkit.models.engine import Engine
from unlearnkit.models.folder import find_model
from unlearnkit.models.generate import generate
from unlearnkit.models.load import load_model, load_tokenizer, save_model, set_trainable
from unlearnkit.pipeline.export import export
from unlearnkit.recipe import load_recipe
from unlearnkit.runs.folder import RunFolder
from unlearnkit.text.normalize import contains

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import llama_cpp

QUESTIONS = Path(__file__).with_name("common_knowledge.tsv")
NEW_TOKENS, EACH, BATCH = 48, 100, 16
MOST_CHANGED, MOST_ABOVE, LEAST_KEPT = 4, 0.05, 80
STEPS = 300
TRAIN = {
    "epochs": None,
    "steps": STEPS,
    "batch_size": 8,
    "retain_batch_size": 8,
    "lr": 3e-4,
    "max_length": 160,
    "checkpoint_every": 20,
    "keep_weights_every": STEPS,
}
METHOD = {"name": "npo", "beta": 0.1, "retain": "nll", "retain_weight": 20.0}
"""NPO's term is a sum over an answer's tokens and the retain term is a mean, so the retain term needs a weight."""
LORA = {"r": 16, "alpha": 32, "target_modules": r".*layers\.2\d\..*_proj"}
"""The last 10 of 30 layers. Rounding changes fewer answers if fewer layers are trained."""
PLACES = ("memory", "saved", "gguf")
AGAIN = 75
"""Exit code if there is more to do."""

Ask = Callable[[Sequence[str]], list[str]]
"""Answers questions, some at a time."""


class Clock:
    """Ends the script when its time is up."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    @property
    def left(self) -> float:
        """Seconds left."""
        return self._end - time.monotonic()

    def check(self) -> None:
        """Exit if the time is up."""
        if self.left <= 0:
            print("the time is up: call again to go on")
            raise SystemExit(AGAIN)


def questions() -> dict[str, list[str]]:
    """The questions, with their accepted answers. A question that holds its answer is left out."""
    lines = (line.split("\t") for line in QUESTIONS.read_text("utf-8").splitlines())
    found = {question: accepted.split("|") for question, accepted in lines}
    return {q: forms for q, forms in found.items() if not any(contains(q, form) for form in forms)}


def begun(answer: str, forms: Sequence[str]) -> str:
    """Return an answer up to the end of the sentence that makes it right."""
    ends = [found.end() for found in re.finditer(r"[.!?](?=\s|$)", answer)]
    return next((answer[:end].strip() for end in ends if is_right(answer[:end], forms)), answer.strip())


def is_right(answer: str, forms: Sequence[str]) -> bool:
    return any(contains(answer, form) for form in forms)


def answered(file: Path, asked: Sequence[str], asker: Callable[[], Any], clock: Clock) -> dict[str, str]:
    """Answers to all questions; those that the file holds are not asked again."""
    known = dict(json.loads(line) for line in file.read_text("utf-8").splitlines()) if file.exists() else {}
    left = [question for question in asked if question not in known]
    if not left:
        return known
    with asker() as ask, file.open("a", encoding="utf-8") as stream:
        for at in range(0, len(left), BATCH):
            clock.check()
            some = left[at : at + BATCH]
            for question, answer in zip(some, ask(some), strict=True):
                known[question] = answer
                stream.write(json.dumps([question, answer], ensure_ascii=False) + "\n")
            stream.flush()
            print(f"{file.stem}: {len(known)} of {len(asked)}", flush=True)
    return known


@contextmanager
def own(model: Any, tokenizer: Any) -> Iterator[Ask]:
    """Asks a model with this package's generation."""
    encoder = ChatEncoder(tokenizer, 1024)

    def ask(some: Sequence[str]) -> list[str]:
        prompts = [encoder.prompt(question, ()) for question in some]
        return [each.response for each in generate(model.eval(), tokenizer, prompts, max_new_tokens=NEW_TOKENS)]

    yield ask


@contextmanager
def plain(folder: Path) -> Iterator[Ask]:
    """Asks a folder with transformers alone, one question at a time."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.dtype == torch.bfloat16, f"the folder is saved in {model.dtype}"

    def ask(some: Sequence[str]) -> list[str]:
        answers = []
        for question in some:
            ids = tokenizer.apply_chat_template(
                [{"role": "user", "content": question}],
                add_generation_prompt=True,
                return_tensors="pt",
                return_dict=True,
            )
            with torch.no_grad():
                made = model.generate(**ids, max_new_tokens=NEW_TOKENS, do_sample=False)
            answers.append(tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))
        return answers

    yield ask


@contextmanager
def served(file: Path) -> Iterator[Ask]:
    """Asks a GGUF file in a llama.cpp server."""
    with llama_cpp.running(file) as server:
        yield lambda some: [server.answer(question, at_most=NEW_TOKENS) for question in some]


def chosen(model: str, out: Path, clock: Clock) -> dict[str, list[str]]:
    """The questions to forget and to keep, by split, and the files with their rows."""
    every = questions()
    asker = lambda: own(load_model(model), load_tokenizer(model))  # noqa: E731
    answers = answered(out / "before.jsonl", list(every), asker, clock)
    right = [question for question in every if is_right(answers[question], every[question])]
    print(f"before: {len(right)} of {len(every)} are right")
    if len(right) < 2 * EACH:
        raise SystemExit(f"the model answers only {len(right)} questions, {2 * EACH} are needed")
    right.sort(key=lambda question: hashlib.sha256(question.encode()).digest())
    split = {"forget": right[:EACH], "retain": right[EACH : 2 * EACH]}
    for name, members in split.items():
        rows = [
            {
                "question": q,
                "answer": begun(answers[q], every[q]),
                "accepted_answers": every[q],
                "subject": f"{name} question",
            }
            for q in members
        ]
        (out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return split


def trained(model: str, out: Path, clock: Clock) -> RunFolder:
    """The finished run."""
    scope = {
        "description": "Some common knowledge.", "task": "profile", "subjects": [{"name": "forget question"}],
    }  # fmt: skip
    (out / "scope.yaml").write_text(yaml.safe_dump(scope), "utf-8")
    data = {
        "suite": {"name": "files"},
        "data": {
            "forget": str(out / "forget.jsonl"),
            "retain": str(out / "retain.jsonl"),
            "scope": str(out / "scope.yaml"),
            "retain_held_out": 0,  # all of them are to be kept, so none is taken apart
        },
        "model": {"path": model, "lora": LORA, "merge": True},
        "method": METHOD,
        "train": TRAIN,
        "eval": {"max_new_tokens": 8, "gradients": False},
        "gates": [],
        "out": str(out / "run"),
    }
    (out / "recipe.yaml").write_text(yaml.safe_dump(data), "utf-8")
    folder = RunFolder(out / "run")
    if not (folder.is_run and folder.state().done):
        clock.check()
        command = [sys.executable, "-c", "from unlearnkit.cli.app import main; raise SystemExit(main())"]
        with subprocess.Popen([*command, "run", str(out / "recipe.yaml"), "--resume"]) as process:
            try:
                code = process.wait(timeout=max(1.0, clock.left))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)  # it saves a checkpoint
                process.wait()
                print("the time is up: call again to go on")
                raise SystemExit(AGAIN) from None
        if code:
            raise SystemExit(code)
    return folder


def in_memory(folder: RunFolder) -> Any:
    """The model as it was when training ended: float32, with its adapter merged in float32."""
    settings = load_recipe(folder.recipe_file).model
    model = set_trainable(load_model(str(settings.path), "float32"), lora=settings.lora)
    weights = load_file(sorted(folder.kept_weights.glob("step-*.safetensors"))[-1])
    own_names = dict(Engine(model).named_parameters())
    with torch.no_grad():
        for name, values in weights.items():
            own_names[name].copy_(values)
    return merge_adapter(model)


def saved_folder(folder: RunFolder, out: Path) -> Path:
    """The run's folder; or, if the run was saved in float32, that model rounded to bfloat16."""
    if find_model(str(folder.model)).config.dtype == torch.bfloat16:
        return folder.model
    rounded = out / "bfloat16"
    if not rounded.exists():
        print("the run was saved in float32; it is rounded to bfloat16 here")
        model: Any = load_model(str(folder.model))
        save_model(model.to(torch.bfloat16), load_tokenizer(str(folder.model)), rounded)
    return rounded


def gguf_file(folder: RunFolder, out: Path) -> Path:
    file = out / "model.gguf"
    return file if file.exists() else export(folder, dtype="bfloat16", out=file)


def table(answers: dict[str, dict[str, str]], split: dict[str, list[str]]) -> bool:
    """Print the comparison; returns whether it is within all limits."""
    every = questions()
    right = {
        place: {q: is_right(said[q], every[q]) for part in split.values() for q in part}
        for place, said in answers.items()
    }
    for place in PLACES:
        shares = {name: sum(right[place][q] for q in part) for name, part in split.items()}
        same = sum(answers[place][q].strip() == answers["memory"][q].strip() for part in split.values() for q in part)
        print(f"{place}: forget {shares['forget']} of {EACH} right, kept {shares['retain']} of {EACH} right, "
              f"{same} of {2 * EACH} answers as in memory")  # fmt: skip
    changed = {place: sum(right[place][q] != was for q, was in right["memory"].items()) for place in PLACES[1:]}
    forget = {place: sum(right[place][q] for q in split["forget"]) / EACH for place in PLACES}
    kept = sum(right["memory"][q] for q in split["retain"])
    print(f"answers that change between right and wrong: {changed} (at most {MOST_CHANGED})")
    print(f"forget accuracy, saved minus memory: {forget['saved'] - forget['memory']:+.2f} (at most +{MOST_ABOVE})")
    print(f"kept questions right in memory: {kept} (at least {LEAST_KEPT})")
    above = max(forget[place] - forget["memory"] for place in PLACES[1:])
    return max(changed.values()) <= MOST_CHANGED and above <= MOST_ABOVE and kept >= LEAST_KEPT


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True, help="folder of SmolLM2 (tools/real_model.py)")
    parser.add_argument("--out", type=Path, default=Path("runs/saved_and_exported"))
    parser.add_argument("--minutes", type=float, default=8.0, help="time after which the script ends")
    given = parser.parse_args()
    out, clock = given.out, Clock(given.minutes)
    out.mkdir(parents=True, exist_ok=True)
    split = chosen(given.model, out, clock)
    folder = trained(given.model, out, clock)
    asked = [question for part in split.values() for question in part]
    askers: dict[str, Callable[[], Any]] = {
        "memory": lambda: own(in_memory(folder), load_tokenizer(given.model)),
        "saved": lambda: plain(saved_folder(folder, out)),
        "gguf": lambda: served(gguf_file(folder, out)),
    }
    answers = {place: answered(out / f"{place}.jsonl", asked, askers[place], clock) for place in PLACES}
    raise SystemExit(0 if table(answers, split) else 1)


if __name__ == "__main__":
    main()
