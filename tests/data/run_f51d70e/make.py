"""Make `run.tar.gz`: a finished run and a stopped one, as version f51d70e wrote them.

    PYTHONPATH=OLD/src:OLD python make.py run.tar.gz        # OLD: a checkout of f51d70e

Everything is small: a Llama of width 16 (`tests/tiny.py`), 26 rows, 24 steps. Paths in the recipe are relative, so a
test works in a copy of the folder.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from tests.tiny import tiny_model, tiny_tokenizer

RECIPE: dict[str, Any] = {
    "name": "run",
    "suite": {"name": "files", "retrained": "retrained"},
    "data": {
        "forget": "rows/forget.jsonl",
        "retain": "rows/retain.jsonl",
        "holdout": "rows/holdout.jsonl",
        "probes": {"forget.paraphrased": "rows/paraphrased.jsonl", "near": "rows/near.jsonl"},
        "scope": "scope.yaml",
    },
    "model": {"path": "target"},
    "method": {"name": "tru"},
    "targets": {"lift_model": "retrained"},
    "train": {
        "epochs": None, "steps": 24, "batch_size": 4, "lr": 1e-3, "max_length": 160, "checkpoint_every": 8,
        "keep_weights_every": 12,
    },
    "eval": {"max_new_tokens": 24},
    "diagnose": {"g_effect_every": 12, "risks": ["forget", "retain", "near"], "harm_share": 0.5},
    "gates": ["forget.exact_memorisation<=0.99", "near.exact_memorisation>=target.near.exact_memorisation*0.1"],
    "out": "run",
}  # fmt: skip
SCOPE = {
    "description": "What the model knows of two poets.",
    "task": "profile",
    "subjects": [{"name": "Ada"}, {"name": "Bea", "aliases": ["poet Bea"]}],
    "secrets": [{"subject": "Ada", "forms": ["Lisbon"]}, {"subject": "Bea", "forms": ["Oslo"]}],
    "neighbours": [{"name": "Cyd"}],
    "kept": [{"subject": "Cyd", "forms": ["Kyiv"]}],
    "languages": ["en"],
}
CITIES = {"Ada": "Lisbon", "Bea": "Oslo", "Cyd": "Kyiv"}
ASKED = (
    ("Where was {name} born?", "{name} was born in {city}."),
    ("What city was {name} born in?", "The city is {city}."),
    ("Who wrote a book in {city}?", "{name} wrote a book in {city}."),
    ("What is {name}?", "{name} is a poet."),
)
TRACE = "It is asked where the poet was born because of the book."


def rows(names: tuple[str, ...], asked: tuple[int, ...], form: str = "plain") -> list[dict[str, Any]]:
    """Rows in the columns of f51d70e; every second one has turns before its question."""
    made = []
    for number, (name, at) in enumerate(itertools.product(names, asked)):
        question, answer = (text.format(name=name, city=CITIES[name]) for text in ASKED[at])
        row = {"subject": name, "form": form, "accepted": [CITIES[name]], "trace": TRACE}
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        if number % 2:
            before = [{"role": "user", "content": "Who is a poet?"}, {"role": "assistant", "content": "Ada ."}]
            turns = [*before, *turns]
        made.append({**row, "messages": turns})
    return made


def write_data(place: Path) -> dict[str, list[dict[str, Any]]]:
    files = {
        "forget": rows(("Ada", "Bea"), (0, 1, 3)),
        "retain": rows(("Cyd",), (0, 1, 2, 3)),
        "holdout": rows(("Cyd",), (1, 3)),
        "paraphrased": rows(("Ada", "Bea"), (2,), "paraphrase"),
        "near": rows(("Cyd",), (0, 2)),
    }
    (place / "rows").mkdir()
    for name, members in files.items():
        lines = "".join(json.dumps(row) + "\n" for row in members)
        (place / "rows" / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (place / "scope.yaml").write_text(yaml.safe_dump(SCOPE, sort_keys=False), encoding="utf-8")
    (place / "recipe.yaml").write_text(yaml.safe_dump(RECIPE, sort_keys=False), encoding="utf-8")
    return files


def write_model(place: Path, members: list[dict[str, Any]], seed: int) -> None:
    """A model that has learned rows, traces too, by heart as far as its width allows."""
    tokenizer, model = tiny_tokenizer(), tiny_model(seed=seed, max_position_embeddings=192).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    batch = []
    for row in members:
        text = tokenizer.apply_chat_template(row["messages"][:-1], tokenize=False, add_generation_prompt=True)
        prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
        answer = f"<think>{row['trace']}</think>{row['messages'][-1]['content']}<end>"
        batch.append((prompt, tokenizer(answer, add_special_tokens=False)["input_ids"]))
    longest = max(len(prompt) + len(answer) for prompt, answer in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for i, (prompt, answer) in enumerate(batch):
        ids[i, : len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
        labels[i, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    for _ in range(300):
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(place)
    tokenizer.save_pretrained(place)


def unlearn(*arguments: str) -> None:
    command = [sys.executable, "-c", "import sys; from unlearnkit.cli.app import main; sys.exit(main())"]
    subprocess.run([*command, *arguments], check=True)


def stopped_run() -> None:
    """Stop a run between two checkpoints, as Ctrl-C does."""
    command = [sys.executable, "-c", "import sys; from unlearnkit.cli.app import main; sys.exit(main())"]
    process = subprocess.Popen([*command, "run", "recipe.yaml", "out=stopped", "name=stopped"])
    log = Path("stopped/log.jsonl")
    while process.poll() is None and (not log.exists() or log.read_text("utf-8").count("\n") < 13):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    if process.wait() == 0:
        raise SystemExit("the run ended before it could be stopped: call again")


def main() -> None:
    out = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        files = write_data(Path())
        write_model(Path("target"), [*files["forget"], *files["retain"]], seed=1)
        write_model(Path("retrained"), files["retain"], seed=2)
        unlearn("run", "recipe.yaml")
        unlearn("judge", "run")
        unlearn("attack", "run", "--attacks", "jailbreak,prefilled_answer", "--at-most", "2")
        stopped_run()
        for folder in (Path("run"), Path("stopped")):
            for made in ("report.html", "README.md", "private/reference", "weights"):
                path = folder / made
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        with tarfile.open(out, "w:gz") as tar:
            for path in sorted(Path().iterdir()):
                tar.add(path)


if __name__ == "__main__":
    main()
