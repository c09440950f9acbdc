"""Fine-tuning with unsloth on a CUDA device.

Written against the source of unsloth 2026.10.7. The boundary (which arguments go where) is tested;
it was NOT run on a GPU: the test that does so is marked `gpu`.
"""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from llm_engineering.application.ports.models import TrainedModel
from llm_engineering.domain.dataset import InstructDataset
from llm_engineering.domain.errors import MissingDependency, ModelError
from llm_engineering.domain.training import TrainingConfig
from llm_engineering.infrastructure.trainers.base_models import base_model_source, one_line
from llm_engineering.infrastructure.trainers.quiet import quiet_vendors
from llm_engineering.infrastructure.trainers.supervised import LORA_TARGETS, finetune_and_merge


class UnslothTrainer:
    """Trains LoRA adapters with unsloth's kernels under trl's SFTTrainer, in bfloat16.

    Args:
        model_path: tells where the files of a model of the catalogue are.
        cache: where de-quantised base models are kept; by default beside the output.

    Raises:
        MissingDependency: unsloth is not installed.
    """

    def __init__(self, model_path: Callable[[str], Path], cache: Path | None = None) -> None:
        if not _installed():
            raise MissingDependency(
                "training on a CUDA device needs unsloth: "
                "type 'poetry install --with train,unsloth'"
            )
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
        # before trl and transformers: unsloth patches what it finds, and raises without a device
        unsloth: Any = import_module("unsloth")
        loader = unsloth.FastLanguageModel
        with quiet_vendors():
            source = base_model_source(
                config.base_model, self._model_path, self._cache or output.parent / "base-models"
            )
            try:
                model, tokenizer = loader.from_pretrained(
                    model_name=source,
                    max_seq_length=config.max_length,
                    load_in_4bit=False,  # adapters are merged into whole weights afterwards
                    load_in_16bit=True,
                    trust_remote_code=False,
                    random_state=config.seed,
                )
                adapted = loader.get_peft_model(
                    model,
                    r=config.lora_r,
                    lora_alpha=config.lora_alpha,
                    lora_dropout=config.lora_dropout,
                    target_modules=list(LORA_TARGETS),
                    random_state=config.seed,
                )
                return finetune_and_merge(
                    adapted,
                    tokenizer,
                    dataset,
                    config,
                    output,
                    on_scalars,
                    backend="unsloth",
                    args={"bf16": True},
                )
            except (OSError, ValueError, RuntimeError) as error:
                reason = one_line(error)
                raise ModelError(f"{config.base_model}: cannot be trained: {reason}") from error


def _installed() -> bool:
    """Returns whether unsloth is there, without importing it."""
    if "unsloth" in sys.modules:
        return sys.modules["unsloth"] is not None
    return importlib.util.find_spec("unsloth") is not None
