"""Supervised fine-tuning by the book of trl, on stand-ins: what is counted, passed on and saved."""

import logging
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from llm_engineering.domain.training import TrainingConfig
from llm_engineering.infrastructure.trainers import supervised
from llm_engineering.infrastructure.trainers.quiet import quiet_vendors
from llm_engineering.infrastructure.trainers.supervised import (
    IGNORED,
    conversations,
    finetune_and_merge,
    held_out_loss,
)
from tests.unit.application.training.training_making import generated_dataset


class Placed(np.ndarray[Any, Any]):
    """A tensor that knows only where it is."""

    def to(self, device: str) -> "Placed":
        return self


class Model:
    """Its loss for a batch is the mean of the batch's `losses`."""

    def __init__(self) -> None:
        self.training = True
        self.device = "cpu"
        self.modes: list[bool] = []

    def eval(self) -> None:
        self.train(False)

    def train(self, on: bool) -> None:
        self.training = on
        self.modes.append(on)

    def __call__(self, labels: Any, loss: Any) -> Any:
        assert not self.training, "dropout would change the loss"
        return SimpleNamespace(loss=float(loss[0]))


@contextmanager
def inference_mode() -> Iterator[None]:
    yield


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = ModuleType("torch")
    torch.inference_mode = inference_mode
    monkeypatch.setitem(sys.modules, "torch", torch)


def batch(loss: float, *rows: list[int]) -> dict[str, Any]:
    return {
        "labels": np.asarray(rows).view(Placed),
        "loss": np.asarray([loss]).view(Placed),
    }


def trainer(*batches: dict[str, Any]) -> Any:
    return SimpleNamespace(model=Model(), get_eval_dataloader=lambda: list(batches))


I = IGNORED  # noqa: E741 - as short as the labels beside it


@pytest.mark.parametrize(
    ("batches", "loss"),
    [
        ([batch(2.0, [I, I, 5, 6])], 2.0),
        ([batch(2.0, [I, 5, 6]), batch(4.0, [I, I, 7])], (2 * 2.0 + 1 * 4.0) / 3),
        ([batch(2.0, [I, 5]), batch(9.0, [I, I])], 2.0),
        ([batch(1.0, [I, 5, 6], [I, I, 7])], 1.0),
        ([batch(2.0, [5, I, I]), batch(3.0, [5, 6, I])], 3.0),
    ],
    ids=["one", "by tokens", "nothing to learn", "two rows", "the first token is not predicted"],
)
def test_the_loss_is_a_mean_over_tokens_and_not_over_batches(
    batches: list[dict[str, Any]], loss: float
) -> None:
    assert held_out_loss(trainer(*batches)) == pytest.approx(loss)


def test_without_a_token_to_learn_there_is_no_loss() -> None:
    assert math.isnan(held_out_loss(trainer()))
    assert math.isnan(held_out_loss(trainer(batch(1.0, [I, I]))))


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_in_the_mode_it_was_in(training: bool) -> None:
    given = trainer(batch(2.0, [I, 5]))
    given.model.training = training
    held_out_loss(given)
    assert given.model.modes == [False, training]


def test_samples_become_conversations_whose_answers_are_learnt() -> None:
    samples = generated_dataset().dataset.train[:2]
    for sample, turn in zip(samples, conversations(samples), strict=True):
        assert turn == {
            "prompt": [{"role": "user", "content": sample.instruction}],
            "completion": [{"role": "assistant", "content": sample.answer}],
        }
    assert conversations([]) == []


class Trainer:
    """As trl's: runs two steps, of which it tells the callbacks."""

    made: "list[Trainer]"

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.model = arguments["model"]
        self.callbacks: list[Any] = []
        self.removed: list[str] = []
        self.made.append(self)

    def remove_callback(self, callback: str) -> None:
        self.removed.append(callback)

    def add_callback(self, callback: Any) -> None:
        self.callbacks.append(callback)

    def train(self) -> Any:
        logs = [
            {"loss": 2.5, "grad_norm": 1, "epoch": 0.1, "learning_rate": "0.1"},
            {"eval_runtime": 3},
            None,
            {"loss": float("nan")},
        ]
        for step, told in enumerate(logs, 1):
            for callback in self.callbacks:
                callback.on_log(None, SimpleNamespace(global_step=step), None, logs=told)
        return SimpleNamespace(global_step=2)


class Saving:
    """A model that is merged, and a tokenizer; both are saved."""

    def __init__(self, name: str) -> None:
        self.name = name

    def merge_and_unload(self) -> "Saving":
        return Saving(f"merged {self.name}")

    def save_pretrained(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.name.rpartition(" ")[2]).write_text(self.name)


@pytest.fixture
def trl(monkeypatch: pytest.MonkeyPatch) -> type[Trainer]:
    kind = type("Kind", (Trainer,), {"made": []})
    names = ("datasets", "transformers", "trl")
    modules: dict[str, Any] = {name: ModuleType(name) for name in names}
    modules["datasets"].Dataset = SimpleNamespace(from_list=list)
    modules["transformers"].PrinterCallback = "printer"
    modules["transformers"].ProgressCallback = "progress"
    modules["transformers"].TrainerCallback = object
    modules["trl"].SFTTrainer = kind
    modules["trl"].SFTConfig = SimpleNamespace
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    losses = iter([3.0, 1.5])
    monkeypatch.setattr(supervised, "held_out_loss", lambda _: next(losses))
    return kind


def test_the_configuration_reaches_trl_and_the_merged_model_is_saved(
    trl: type[Trainer], tmp_path: Path
) -> None:
    config = TrainingConfig(
        base_model="small", epochs=2, batch_size=3, learning_rate=0.5, max_length=64, seed=9
    )
    heard: list[tuple[int, dict[str, float]]] = []
    done = finetune_and_merge(
        Saving("model"),
        Saving("tokenizer"),
        generated_dataset().dataset,
        config,
        tmp_path,
        lambda step, figures: heard.append((step, dict(figures))),
        backend="trl",
        peft_config="adapters",
        args={"use_cpu": True},
    )
    (made,) = trl.made
    args = made.arguments["args"]
    assert (args.num_train_epochs, args.per_device_train_batch_size, args.seed) == (2, 3, 9)
    assert (args.learning_rate, args.max_length, args.use_cpu) == (0.5, 64, True)
    assert (args.report_to, args.save_strategy, args.logging_steps) == ("none", "no", 1)
    assert made.arguments["peft_config"] == "adapters"
    assert made.removed == ["printer", "progress"], "a command shows its own progress"
    assert (done.folder, done.backend) == (tmp_path / "model", "trl")
    assert (done.held_out_loss_before, done.held_out_loss_after, done.steps) == (3.0, 1.5, 2)
    assert (tmp_path / "model" / "model").read_text() == "merged model"
    assert (tmp_path / "model" / "tokenizer").exists()
    assert heard[0] == (1, {"loss": 2.5, "learning_rate": 0.1, "grad_norm": 1.0})
    assert [step for step, _ in heard] == [1, 4], "of what is no figure nobody hears"
    assert math.isnan(heard[1][1]["loss"]), "a loss that is no number is not hidden"


class Notices:
    """Switches of transformers and datasets."""

    def __init__(self, *, bars: bool) -> None:
        self.bars = bars
        self.level = 20

    def is_progress_bar_enabled(self) -> bool:
        return self.bars

    def disable_progress_bar(self) -> None:
        self.bars = False

    def enable_progress_bar(self) -> None:
        self.bars = True

    disable_progress_bars, enable_progress_bars = disable_progress_bar, enable_progress_bar

    def get_verbosity(self) -> int:
        return self.level

    def set_verbosity(self, level: int) -> None:
        self.level = level


@pytest.mark.parametrize("transformers_bars", [True, False])
@pytest.mark.parametrize("datasets_bars", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_vendors_are_quiet_inside_and_as_before_outside(
    monkeypatch: pytest.MonkeyPatch, transformers_bars: bool, datasets_bars: bool, fails: bool
) -> None:
    notices, datasets = Notices(bars=transformers_bars), Notices(bars=datasets_bars)
    for name, module in (("transformers.utils.logging", notices), ("datasets", datasets)):
        monkeypatch.setitem(sys.modules, name, module)
    trl = logging.getLogger("trl")
    before = trl.level

    def run() -> None:
        with quiet_vendors():
            assert not (notices.bars or datasets.bars)
            assert notices.level == trl.level == logging.ERROR
            if fails:
                raise KeyError("mine")

    with pytest.raises(KeyError) if fails else nullcontext():
        run()
    assert (notices.bars, datasets.bars) == (transformers_bars, datasets_bars)
    assert (notices.level, trl.level) == (20, before)
