"""Settings from the environment and `.env`, and the YAML files of the runs."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from llm_engineering.domain.errors import ConfigurationError

EMBEDDED = "embedded"
_PASSWORD = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")
Provider = Literal["local", "mlflow", "openai", "google", "huggingface", "transformers"]


class Settings(BaseSettings):
    """Endpoints, secrets and folders. `.env.example` documents every one of them.

    An empty variable counts as not set. Secrets are `SecretStr`: printing shows stars, also for
    the name and password inside a URI.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    # where things lie on this machine
    DATA_DIR: Path = Path(".data")
    MODELS_DIR: Path = Path(".models")
    MODEL_CACHE_DIR: Path = Path("~/.cache/llm-pipeline-system")

    # documents
    DATABASE_HOST: str = EMBEDDED
    DATABASE_NAME: str = Field(default="llm_pipeline", pattern=r"^[A-Za-z0-9_-]{1,38}$")

    # chunks
    QDRANT_DATABASE_HOST: str = EMBEDDED
    QDRANT_DATABASE_PORT: int = Field(default=6333, ge=1, le=65_535)
    USE_QDRANT_CLOUD: bool = False
    QDRANT_CLOUD_URL: str | None = None
    QDRANT_APIKEY: SecretStr | None = None

    # models
    LLM_PROVIDER: Provider = "local"
    LLM_FALLBACKS: str = ""
    LLM_PRICES: str = ""
    LLM_DEADLINE_S: float = Field(default=120.0, gt=0.0, le=3600.0)
    LLM_FIRST_TOKEN_S: float = Field(default=90.0, gt=0.0, le=3600.0)
    LLM_IDLE_S: float = Field(default=30.0, gt=0.0, le=3600.0)
    LLM_RETRIES: int = Field(default=2, ge=0, le=10)
    LOCAL_MODEL_ID: str = "qwen2.5-coder-1.5b-instruct"
    MLFLOW_MODEL_ID: str = "llm@champion"
    OPENAI_MODEL_ID: str = "gpt-4o-mini"
    OPENAI_API_KEY: SecretStr | None = None
    OPENAI_BASE_URL: str | None = None
    GOOGLE_API_KEY: SecretStr | None = None
    GEMINI_MODEL_ID: str = "gemini-2.5-flash"
    HUGGINGFACE_ACCESS_TOKEN: SecretStr | None = None
    HUGGINGFACE_MODEL_ID: str = "Qwen/Qwen2.5-7B-Instruct"
    TEXT_EMBEDDING_MODEL_ID: str = "sentence-transformers/all-MiniLM-L6-v2"
    RAG_CONFIG: Path = Path("configs/rag.yaml")
    RERANKING_CROSS_ENCODER_MODEL_ID: str = "cross-encoder/ms-marco-MiniLM-L-6-v2"
    EMBEDDING_RUNTIME: Literal["auto", "openvino", "torch"] = "auto"
    RAG_MODEL_DEVICE: Literal["cpu", "gpu"] = "cpu"
    TEMPERATURE_INFERENCE: float = Field(default=0.0, ge=0.0, le=2.0)
    TOP_P_INFERENCE: float = Field(default=1.0, gt=0.0, le=1.0)
    MAX_NEW_TOKENS_INFERENCE: int = Field(default=256, ge=1, le=32_768)

    # crawling
    LINKEDIN_USERNAME: str | None = None
    LINKEDIN_PASSWORD: SecretStr | None = None
    GITHUB_TOKEN: SecretStr | None = None
    LINKEDIN_BROWSER_PROFILE: Path | None = None
    CHROME_BINARY: Path | None = None
    CHROMEDRIVER_PATH: Path | None = None

    # pipelines on a cluster
    RAY_ADDRESS: str | None = None

    # tracking and registry
    TRACKING_CONFIG: Path = Path("configs/tracking.yaml")
    MLFLOW_TRACKING_URI: str | None = None
    OTEL_EXPORTER_OTLP_ENDPOINT: str | None = None
    OTEL_EXPORTER_OTLP_HEADERS: SecretStr | None = None
    OTEL_SERVICE_NAME: str = "llm-pipeline-system"
    CLEARML_API_HOST: str | None = None
    CLEARML_WEB_HOST: str | None = None
    CLEARML_FILES_HOST: str | None = None
    CLEARML_API_ACCESS_KEY: SecretStr | None = None
    CLEARML_API_SECRET_KEY: SecretStr | None = None

    # serving
    SERVE_HOST: str = "127.0.0.1"
    SERVE_PORT: int = Field(default=3000, ge=1, le=65_535)
    SERVE_OPEN_TO: Literal["nobody", "loopback", "all"] = "loopback"
    SERVE_CHAT_MODELS: str = ""
    SERVE_CONCURRENCY: int = Field(default=32, ge=1, le=1000)
    SERVE_DEADLINE_S: float = Field(default=120.0, gt=0.0, le=600.0)
    ANSWER_CACHE_HOURS: float = Field(default=24.0, ge=0.0, le=720.0)
    SERVE_REQUESTS_PER_MINUTE: int = Field(default=0, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.DATABASE_HOST != EMBEDDED and not re.match(
            r"mongodb(\+srv)?://", self.DATABASE_HOST
        ):
            raise ValueError("DATABASE_HOST must be 'embedded' or a mongodb:// URI")
        if self.USE_QDRANT_CLOUD and not (self.QDRANT_CLOUD_URL and self.QDRANT_APIKEY):
            raise ValueError("USE_QDRANT_CLOUD needs QDRANT_CLOUD_URL and QDRANT_APIKEY")
        if bool(self.LINKEDIN_USERNAME) != bool(self.LINKEDIN_PASSWORD):
            raise ValueError("LINKEDIN_USERNAME and LINKEDIN_PASSWORD are set together, or neither")
        for provider, key in PROVIDER_SECRETS.items():
            if provider == self.LLM_PROVIDER and getattr(self, key) is None:
                raise ValueError(f"LLM_PROVIDER={provider} needs {key}")
        return self

    @property
    def served_chat_models(self) -> tuple[str, ...]:
        """Returns the references in SERVE_CHAT_MODELS."""
        return _listed(self.SERVE_CHAT_MODELS)

    @property
    def fallback_chat_models(self) -> tuple[str, ...]:
        """Returns the references in LLM_FALLBACKS, in order."""
        return _listed(self.LLM_FALLBACKS)

    def secrets(self) -> list[str]:
        """Returns the values of the secrets: also passwords inside addresses."""
        values = [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]
        texts = [value for _, value in self if isinstance(value, str)]
        return values + [login[1] for text in texts for login in _PASSWORD.finditer(text)]

    def without_secrets(self) -> Self:
        """Returns the settings as they may go to another process: secrets stay here."""
        secret = [name for name, value in self if isinstance(value, SecretStr)]
        return self.model_copy(update=dict.fromkeys(secret))

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, _without_login(value) if isinstance(value, str) else value


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _without_login(text: str) -> str:
    return re.sub(r"://\S*@", "://***@", text)


PROVIDER_SECRETS: dict[str, str] = {
    "openai": "OPENAI_API_KEY",
    "google": "GOOGLE_API_KEY",
    "huggingface": "HUGGINGFACE_ACCESS_TOKEN",
}


def load_settings(**overrides: Any) -> Settings:
    """Returns the settings of this process; `overrides` win over the environment.

    Raises:
        ConfigurationError: one line that names the setting and what is wrong with it.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise ConfigurationError(f"settings: {_first_problem(error)}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"settings: .env is not UTF-8: {error.reason}") from None


Config = TypeVar("Config", bound=BaseModel)


def load_config(path: Path, model: type[Config]) -> Config:
    """Returns the YAML file as `model`.

    Raises:
        ConfigurationError: one line that names the file and the key: missing, not YAML, an unknown
            key, an impossible value.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, or no such date
        raise ConfigurationError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data if data is not None else {}, dict):
        raise ConfigurationError(f"{path}: not a mapping of keys to values")
    try:
        return model.model_validate(data or {})
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_first_problem(error, model)}") from None


def _first_problem(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """Returns the first problem in one line.

    Only problems of a config file (`model` is given) show the value: a setting may be a secret.
    """
    problem = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    message = " ".join(problem["msg"].removeprefix("Value error, ").split())
    if problem["type"] == "extra_forbidden":
        known = (
            f" (known: {', '.join(model.model_fields)})"
            if model and len(problem["loc"]) == 1
            else ""
        )
        return f"unknown key {key!r}{known}"
    given = repr(problem["input"])
    if model and isinstance(problem["input"], str | int | float) and given not in message:
        message += f", not {given:.80}"
    return f"{key}: {message}" if key else message
