"""The configuration of a training run (configs/training.yaml)."""

from typing import Literal

from pydantic import Field

from llm_engineering.domain.types import Frozen


class TrainingConfig(Frozen):
    """Everything that decides a fine-tuning run besides its data; logged whole with it.

    What is trained:
        base_model: name in the model catalogue, a Hugging Face id, or a folder.
        lora_r, lora_alpha, lora_dropout: rank, scale and dropout of the adapters.
    How long and how fast:
        epochs: passes over the training samples.
        batch_size: samples a step.
        learning_rate: peak of the linear schedule.
        warmup_steps: steps until the peak.
        max_length: tokens a sample is cut to.
    What it is trained on:
        samples: at most so many question/answer pairs made from the corpus.
        test_share: share of the documents whose samples are held out.
        questions: `headings` makes them from the chunks' headings, in seconds; `model` has the
            chat model word each one.
    seed: of the split, the shuffling and the adapters.
    """

    base_model: str = "smollm2-135m-instruct"
    lora_r: int = Field(default=16, ge=1, le=256)
    lora_alpha: int = Field(default=32, ge=1, le=512)
    lora_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    epochs: float = Field(default=1.0, gt=0.0, le=100.0)
    batch_size: int = Field(default=4, ge=1, le=256)
    learning_rate: float = Field(default=5e-4, gt=0.0, lt=1.0)
    warmup_steps: int = Field(default=2, ge=0)
    max_length: int = Field(default=384, ge=32, le=32_768)
    samples: int = Field(default=96, ge=4)
    test_share: float = Field(default=0.2, gt=0.0, lt=1.0)
    questions: Literal["headings", "model"] = "headings"
    seed: int = Field(default=17, ge=0)


class TrainingReport(Frozen):
    """What a training run did.

    `held_out_loss_before` and `..._after` are mean losses of an answer's token over the test
    samples. `refused` counts, by reason, the drafts that did not become samples. `promoted` says
    whether the alias points to this version now; if not, `note` says why.
    """

    model: str
    version: int
    promoted: bool
    note: str
    train_samples: int
    test_samples: int
    refused: dict[str, int]
    held_out_loss_before: float
    held_out_loss_after: float
    steps: int
    backend: str
    seconds: float
    tracked_at: str
