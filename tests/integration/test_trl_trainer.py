"""A real fine-tuning of a tiny model on the processor."""

import math
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest

from llm_engineering.application.ports.models import TrainedModel
from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.training import TrainingConfig
from llm_engineering.infrastructure.trainers.supervised import conversations, held_out_loss
from llm_engineering.infrastructure.trainers.trl_trainer import TrlTrainer
from tests.integration.tiny_model import write_tiny_model
from tests.unit.application.training.training_making import generated_dataset

pytest.importorskip("trl")

CONFIG = TrainingConfig(epochs=3, learning_rate=2e-2, warmup_steps=1, batch_size=4, lora_r=8)
DATASET = generated_dataset().dataset


def unheard(step: int, figures: Mapping[str, float]) -> None:
    """Listens to nothing."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def heard() -> list[tuple[int, Mapping[str, float]]]:
    return []


@pytest.fixture(scope="module")
def trained(
    base: Path,
    heard: list[tuple[int, Mapping[str, float]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> TrainedModel:
    config = CONFIG.model_copy(update={"base_model": str(base)})
    output = tmp_path_factory.mktemp("run") / "output"
    return TrlTrainer(Path).finetune(
        DATASET, config, output, lambda step, figures: heard.append((step, figures))
    )


def test_the_held_out_loss_falls(trained: TrainedModel) -> None:
    assert trained.held_out_loss_after < trained.held_out_loss_before - 0.1
    # a random model guesses among 400-odd tokens: the loss is near ln(vocabulary)
    assert 5 < trained.held_out_loss_before < 7


def test_every_step_is_told_once_at_its_number(
    trained: TrainedModel, heard: list[tuple[int, Mapping[str, float]]]
) -> None:
    expected = 3 * math.ceil(len(DATASET.train) / 4)
    assert trained.steps == expected
    assert [step for step, _ in heard] == list(range(1, expected + 1))
    assert all({"loss", "learning_rate"} <= set(figures) for _, figures in heard)


def test_the_merged_model_is_plain_safetensors_and_loads(trained: TrainedModel) -> None:
    transformers: Any = import_module("transformers")
    names = {file.name for file in trained.folder.iterdir()}
    assert {"config.json", "model.safetensors", "chat_template.jinja", "tokenizer.json"} <= names
    assert not any(name.startswith("adapter") for name in names)
    model = transformers.AutoModelForCausalLM.from_pretrained(trained.folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(trained.folder)
    turn = [{"role": "user", "content": DATASET.test[0].instruction}]
    prompt = tokenizer.apply_chat_template(
        turn, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    output = model.generate(**prompt, max_new_tokens=4, do_sample=False)
    assert output.shape[1] > prompt["input_ids"].shape[1]


def test_the_merged_weights_hold_what_was_learnt(base: Path, trained: TrainedModel) -> None:
    """The loss, worked out here from the saved model by other means, is the one reported."""
    assert loss_by_hand(trained.folder) == pytest.approx(trained.held_out_loss_after, rel=1e-3)
    assert loss_by_hand(base) == pytest.approx(trained.held_out_loss_before, rel=1e-3)


def loss_by_hand(folder: Path) -> float:
    """Returns the mean loss of an answer's token, one sample at a time, without trl."""
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    total, tokens = 0.0, 0
    for turn in conversations(DATASET.test):
        whole = tokenizer.apply_chat_template(
            turn["prompt"] + turn["completion"], return_tensors="pt", return_dict=True
        )["input_ids"]
        start = len(
            tokenizer.apply_chat_template(
                turn["prompt"], add_generation_prompt=True, return_dict=True
            )["input_ids"]
        )
        with torch.inference_mode():
            chances = model(whole).logits[0, start - 1 : -1].log_softmax(-1)
        total -= float(chances.gather(1, whole[0, start:, None]).sum())
        tokens += whole.shape[1] - start
    return total / tokens


def test_nothing_is_printed(base: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = CONFIG.model_copy(update={"base_model": str(base), "epochs": 0.3})
    TrlTrainer(Path).finetune(DATASET, config, tmp_path / "output", unheard)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_the_same_seed_gives_the_same_model(base: Path, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"base_model": str(base), "epochs": 0.5})
    losses = [
        TrlTrainer(Path).finetune(DATASET, config, tmp_path / name, unheard).held_out_loss_after
        for name in ("first", "second")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_base_model_that_cannot_be_loaded_is_a_model_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "llama"}')
    config = CONFIG.model_copy(update={"base_model": str(broken)})
    with pytest.raises(ModelError, match="broken: cannot be trained"):
        TrlTrainer(Path).finetune(DATASET, config, tmp_path / "o", unheard)


def test_a_broken_gguf_is_a_model_error_and_leaves_no_cache(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF, but not really")
    config = CONFIG.model_copy(update={"base_model": "bad"})
    trainer = TrlTrainer(lambda name: tmp_path / f"{name}.gguf", cache=tmp_path / "cache")
    with pytest.raises(ModelError, match=r"bad\.gguf: cannot be de-quantised"):
        trainer.finetune(DATASET, config, tmp_path / "o", unheard)
    assert not (tmp_path / "cache" / "bad").exists()


def test_held_out_loss_leaves_the_mode_of_the_model() -> None:
    class NothingHeldOut:
        class model:  # noqa: N801 - an attribute of the trainer
            training = True
            seen: ClassVar[list[bool]] = []

            @classmethod
            def eval(cls) -> None:
                cls.seen.append(False)

            @classmethod
            def train(cls, mode: bool) -> None:
                cls.seen.append(mode)

        def get_eval_dataloader(self) -> list[object]:
            return []

    assert math.isnan(held_out_loss(NothingHeldOut()))
    assert NothingHeldOut.model.seen == [False, True]
