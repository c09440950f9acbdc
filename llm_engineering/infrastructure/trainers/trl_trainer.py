"""Fine-tuning with trl on this machine's processor."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from llm_engineering.application.ports.models import TrainedModel
from llm_engineering.domain.dataset import InstructDataset
from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.training import TrainingConfig
from llm_engineering.infrastructure.trainers.base_models import base_model_source, one_line
from llm_engineering.infrastructure.trainers.quiet import quiet_vendors
from llm_engineering.infrastructure.trainers.supervised import LORA_TARGETS, finetune_and_merge


class TrlTrainer:
    """Trains LoRA adapters with trl's SFTTrainer, without a GPU.

    Args:
        model_path: tells where the files of a model of the catalogue are.
        cache: where de-quantised base models are kept; by default beside the output.
    """

    def __init__(self, model_path: Callable[[str], Path], cache: Path | None = None) -> None:
        self._model_path = model_path
        self._cache = cache

    def finetune(
        self,
        dataset: InstructDataset,
        config: TrainingConfig,
        output: Path,
        on_scalars: Callable[[int, Mapping[str, float]], None],
    ) -> TrainedModel:
        """Trains on `dataset.train`, and returns the merged model written below `output`.

        Raises:
            ModelError: the base model cannot be loaded or trained.
        """
        with quiet_vendors():
            source = base_model_source(
                config.base_model, self._model_path, self._cache or output.parent / "base-models"
            )
            try:
                return _finetune(source, dataset, config, output, on_scalars)
            except (OSError, ValueError, RuntimeError) as error:
                reason = one_line(error)
                raise ModelError(f"{config.base_model}: cannot be trained: {reason}") from error


def _finetune(
    source: str,
    dataset: InstructDataset,
    config: TrainingConfig,
    output: Path,
    on_scalars: Callable[[int, Mapping[str, float]], None],
) -> TrainedModel:
    torch: Any = import_module("torch")  # here, not above: seconds to import, and optional
    peft: Any = import_module("peft")
    transformers: Any = import_module("transformers")
    torch.manual_seed(config.seed)  # the adapters' first weights
    return finetune_and_merge(
        transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32),
        transformers.AutoTokenizer.from_pretrained(source),
        dataset,
        config,
        output,
        on_scalars,
        backend="trl",
        peft_config=peft.LoraConfig(
            r=config.lora_r,
            lora_alpha=config.lora_alpha,
            lora_dropout=config.lora_dropout,
            target_modules=list(LORA_TARGETS),
            task_type="CAUSAL_LM",
        ),
        args={"use_cpu": True, "bf16": False, "gradient_checkpointing": False},
    )
