"""A context for schemes on a tiny model: everything is real, and small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.tiny import PAD, tiny_model, tiny_tokenizer
from unlearnkit.core.progress import Progress
from unlearnkit.data.encoding import ChatEncoder, Encoded
from unlearnkit.data.rows import Row
from unlearnkit.models.load import save_model
from unlearnkit.models.settings import LoraSettings
from unlearnkit.training.checkpoints import Checkpoints
from unlearnkit.training.loop import Trainer, TrainResult
from unlearnkit.training.settings import TrainSettings
from unlearnkit.training.views import encode_views

WHO, WHERE = ("Ada", "Bea", "Cyd"), ("Lisbon", "Oslo", "Kyiv")
SETTINGS: dict[str, Any] = {
    "epochs": 2, "batch_size": 2, "lr": 1e-2, "max_length": 48, "checkpoint_every": 1, "warmup": 0.0,
}  # fmt: skip


def rows(prefix: str, count: int) -> list[Row]:
    """Rows with ids of their own."""
    return [
        Row(
            id=f"{prefix}{at}",
            question=f"Where was {WHO[at % 3]} born ?",
            answer=f"{WHERE[at * 7 % 3]} ." * (1 + at % 2),
        )
        for at in range(count)
    ]


class TinyContext:
    """Fulfills `MethodContext` as far as a scheme that trains adapters asks for it."""

    dtype, mask = "float32", None

    def __init__(self, root: Path, splits: Mapping[str, Sequence[Row]], *, seed: int = 0, **settings: Any) -> None:
        self.root, self.seed = root, seed
        self.base = root.parent / "base"
        if not self.base.exists():
            save_model(tiny_model("llama_tied"), tiny_tokenizer(), self.base)
        self.splits: dict[str, Sequence[Row]] = {**splits, "taught": splits["forget"]}
        self.train_settings = TrainSettings(**{**SETTINGS, **settings})
        self.lora: LoraSettings | None = LoraSettings(r=2, alpha=4)
        self.tokenizer, self.pad_id, self.source = tiny_tokenizer(), PAD, str(self.base)
        self.encoder = ChatEncoder(self.tokenizer, self.train_settings.max_length)
        self.model_folder, self.private = root / "model", root / "private"
        self.private.mkdir(parents=True, exist_ok=True)
        self.progress, self.results = Progress(quiet=True), list[TrainResult]()
        self.trained: list[str] = []
        """Names of the trainings that were asked for."""
        self.stopped: Callable[[str], bool] = lambda _: False
        """Asked after each step, with the name of the training."""

    def views(self, needs: Any) -> dict[str, list[Encoded]]:
        return encode_views(needs.views, self.splits, self.encoder, targets=(), seed=self.seed)

    def check_unchanged(self, views: object) -> None:
        """Nothing changes here."""

    def retrained(self) -> str | None:
        return str(self.base)

    def run_trainer(self, trainer: Trainer, *, name: str | None = None) -> TrainResult:
        assert name is not None
        self.trained.append(name)
        checkpoints = Checkpoints(self.root / "checkpoints" / name, {"settings": self.train_settings.model_dump()})
        result = trainer.run(checkpoints=checkpoints, stopped=lambda: self.stopped(name))
        self.results.append(result)
        return result


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
