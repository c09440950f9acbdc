"""Supervised fine-tuning with trl, on whatever model and device it is handed.

The samples go in as prompt and completion, so that only the answer's tokens count in the loss
(chat templates without a `{% generation %}` mark allow no other way).
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from llm_engineering.application.ports.models import TrainedModel
from llm_engineering.domain.dataset import InstructDataset, InstructDatasetSample
from llm_engineering.domain.training import TrainingConfig

OnScalars = Callable[[int, Mapping[str, float]], None]

# every projection of the transformer block, as QLoRA found best (Dettmers et al. 2023, §4)
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
IGNORED = -100  # the label of tokens that do not count, to torch and transformers alike
_FIGURES = ("loss", "learning_rate", "grad_norm", "mean_token_accuracy")


def conversations(samples: Sequence[InstructDatasetSample]) -> list[dict[str, Any]]:
    """Returns the samples as trl's conversational prompt and completion."""
    return [
        {
            "prompt": [{"role": "user", "content": sample.instruction}],
            "completion": [{"role": "assistant", "content": sample.answer}],
        }
        for sample in samples
    ]


def finetune_and_merge(
    model: Any,
    tokenizer: Any,
    dataset: InstructDataset,
    config: TrainingConfig,
    output: Path,
    on_scalars: OnScalars,
    *,
    backend: str,
    **arguments: Any,
) -> TrainedModel:
    """Trains the adapters of `model`, and returns it merged and saved below `output`.

    `arguments` are trl's own: of the trainer (`peft_config`) and, as `args`, of its configuration.
    """
    trainer = _trainer(model, tokenizer, dataset, config, output, on_scalars, **arguments)
    before = held_out_loss(trainer)
    steps = int(trainer.train().global_step)
    after = held_out_loss(trainer)
    folder = output / "model"
    trainer.model.merge_and_unload().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return TrainedModel(folder, before, after, steps, backend)


def _trainer(
    model: Any,
    tokenizer: Any,
    dataset: InstructDataset,
    config: TrainingConfig,
    output: Path,
    on_scalars: OnScalars,
    *,
    args: Mapping[str, Any],
    **arguments: Any,
) -> Any:
    datasets: Any = import_module("datasets")  # here, not above: seconds to import, and optional
    transformers: Any = import_module("transformers")
    trl: Any = import_module("trl")
    trainer = trl.SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=datasets.Dataset.from_list(conversations(dataset.train)),
        eval_dataset=datasets.Dataset.from_list(conversations(dataset.test)),
        args=trl.SFTConfig(
            output_dir=str(output / "work"),
            num_train_epochs=config.epochs,
            per_device_train_batch_size=config.batch_size,
            per_device_eval_batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            lr_scheduler_type="linear",
            warmup_steps=config.warmup_steps,
            max_length=config.max_length,
            seed=config.seed,
            logging_steps=1,
            logging_nan_inf_filter=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            **args,
        ),
        **arguments,
    )
    for printing in (transformers.PrinterCallback, transformers.ProgressCallback):
        trainer.remove_callback(printing)
    trainer.add_callback(_listener(on_scalars))
    return trainer


def _listener(on_scalars: OnScalars) -> Any:
    """Returns a callback that passes the figures of each step on."""

    def on_log(
        _self: Any, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any
    ) -> None:
        figures = {key: float(logs[key]) for key in _FIGURES if key in (logs or {})}
        if figures:
            on_scalars(state.global_step, figures)

    base: Any = import_module("transformers").TrainerCallback
    return type("Listener", (base,), {"on_log": on_log})()


def held_out_loss(trainer: Any) -> float:
    """Returns the mean loss of a completion token over the trainer's test samples."""
    torch: Any = import_module("torch")
    model = trainer.model
    was_training = model.training
    model.eval()
    total, tokens = 0.0, 0
    with torch.inference_mode():
        for batch in trainer.get_eval_dataloader():
            counted = int((batch["labels"][:, 1:] != IGNORED).sum())
            if counted:
                on_device = {key: value.to(model.device) for key, value in batch.items()}
                total += float(model(**on_device).loss) * counted
                tokens += counted
    model.train(was_training)
    return total / tokens if tokens else float("nan")
