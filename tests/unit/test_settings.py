"""Settings and config files: what is refused, in which words, and what is never shown."""

import traceback
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.settings import (
    EMBEDDED,
    PROVIDER_SECRETS,
    Settings,
    load_config,
    load_settings,
)

CANARY = "canary-5e1f0c2b"
SECRETS = [name for name, f in Settings.model_fields.items() if "SecretStr" in str(f.annotation)]
URIS = [
    "DATABASE_HOST",
    "QDRANT_DATABASE_HOST",
    "QDRANT_CLOUD_URL",
    "OPENAI_BASE_URL",
    "MLFLOW_TRACKING_URI",
    "CLEARML_API_HOST",
]


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder without `.env`, and none of our variables."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)


def refusal(**values: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**values)
    return str(caught.value)


class TestSettings:
    def test_defaults_need_no_server_and_no_secret(self) -> None:
        settings = load_settings()
        assert settings.DATABASE_HOST == settings.QDRANT_DATABASE_HOST == EMBEDDED
        assert settings.LLM_PROVIDER == "local"
        assert [name for name in SECRETS if getattr(settings, name) is not None] == []

    def test_the_environment_wins_over_dotenv(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(".env").write_text("DATABASE_NAME=from_file\nSERVE_PORT=4000\n")
        monkeypatch.setenv("DATABASE_NAME", "from_environment")
        settings = load_settings()
        assert (settings.DATABASE_NAME, settings.SERVE_PORT) == ("from_environment", 4000)

    def test_overrides_win_over_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SERVE_PORT", "4000")
        assert load_settings(SERVE_PORT=5000).SERVE_PORT == 5000

    def test_an_empty_variable_counts_as_not_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SERVE_PORT", "")
        monkeypatch.setenv("OPENAI_API_KEY", "")
        settings = load_settings()
        assert (settings.SERVE_PORT, settings.OPENAI_API_KEY) == (3000, None)

    def test_other_variables_of_dotenv_are_left_alone(self) -> None:
        Path(".env").write_text("HTTPS_PROXY=http://127.0.0.1:1\nSERVE_PORT=4000\n")
        assert load_settings().SERVE_PORT == 4000

    def test_settings_cannot_be_changed(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            load_settings().SERVE_PORT = 1  # type: ignore[misc]  # refused at run time as well

    @pytest.mark.parametrize(
        ("name", "value", "allowed"),
        [
            ("SERVE_PORT", "0", "greater than or equal to 1"),
            ("SERVE_PORT", "65536", "less than or equal to 65535"),
            ("QDRANT_DATABASE_PORT", "http", "valid integer"),
            ("TEMPERATURE_INFERENCE", "2.1", "less than or equal to 2"),
            ("TEMPERATURE_INFERENCE", "nan", "less than or equal to 2"),
            ("TOP_P_INFERENCE", "0", "greater than 0"),
            ("MAX_NEW_TOKENS_INFERENCE", "0", "greater than or equal to 1"),
            ("USE_QDRANT_CLOUD", "perhaps", "valid boolean"),
            (
                "LLM_PROVIDER",
                "oracle",
                "'local', 'mlflow', 'openai', 'google', 'huggingface' or 'transformers'",
            ),
            ("RAG_MODEL_DEVICE", "tpu", "'cpu' or 'gpu'"),
            ("DATABASE_NAME", "a b", "match pattern"),
            ("DATABASE_NAME", "x" * 39, "match pattern"),
        ],
    )
    def test_an_impossible_value_is_refused_in_one_line_that_names_it(
        self, name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, value)
        message = refusal()
        assert message.startswith(f"settings: {name}: ")
        assert allowed in message
        assert "\n" not in message

    @pytest.mark.parametrize(("provider", "secret"), PROVIDER_SECRETS.items())
    def test_the_chosen_provider_needs_its_secret(self, provider: str, secret: str) -> None:
        assert refusal(LLM_PROVIDER=provider) == f"settings: LLM_PROVIDER={provider} needs {secret}"
        settings = load_settings(LLM_PROVIDER=provider, **{secret: CANARY})
        assert provider == settings.LLM_PROVIDER

    @pytest.mark.parametrize("present", ["QDRANT_CLOUD_URL", "QDRANT_APIKEY"])
    def test_qdrant_cloud_needs_url_and_key(self, present: str) -> None:
        message = refusal(USE_QDRANT_CLOUD=True, **{present: "https://cloud.example"})
        assert message == "settings: USE_QDRANT_CLOUD needs QDRANT_CLOUD_URL and QDRANT_APIKEY"

    @pytest.mark.parametrize("host", ["localhost", "localhost:27017", "http://h", "xmongodb://h"])
    def test_a_database_host_that_is_no_mongodb_uri_is_refused(self, host: str) -> None:
        assert "DATABASE_HOST must be 'embedded' or a mongodb:// URI" in refusal(DATABASE_HOST=host)

    @pytest.mark.parametrize("uri", ["mongodb://h:1/?replicaSet=rs0", "mongodb+srv://h.example"])
    def test_a_mongodb_uri_is_kept_as_it_is(self, uri: str) -> None:
        settings = load_settings(DATABASE_HOST=uri)
        assert uri == settings.DATABASE_HOST

    def test_a_dotenv_that_is_not_utf8_is_refused_in_one_line(self) -> None:
        Path(".env").write_bytes(b"DATABASE_NAME=\xff\xfe\n")
        assert refusal().startswith("settings: .env is not UTF-8: ")


class TestSecrets:
    def test_there_are_secrets_to_guard(self) -> None:
        assert set(PROVIDER_SECRETS.values()) < set(SECRETS)
        assert len(SECRETS) == 9

    def test_shown_settings_hold_no_secret(self) -> None:
        settings = load_settings(LINKEDIN_USERNAME="ada", **dict.fromkeys(SECRETS, CANARY))
        shown = [repr(settings), str(settings), f"{settings}", str(settings.model_dump())]
        assert [text for text in shown if CANARY in text] == []
        assert settings.model_dump_json().count(CANARY) == 0

    def test_secrets_can_be_read_on_purpose(self) -> None:
        settings = load_settings(OPENAI_API_KEY=CANARY)
        assert isinstance(settings.OPENAI_API_KEY, SecretStr)
        assert settings.OPENAI_API_KEY.get_secret_value() == CANARY

    @pytest.mark.parametrize("name", URIS)
    @pytest.mark.parametrize("password", [CANARY, f"{CANARY}@x/{CANARY}"])
    def test_shown_settings_hold_no_login_of_a_uri(self, name: str, password: str) -> None:
        uri = f"mongodb://{CANARY}:{password}@db.example:27017/?replicaSet=rs0"
        settings = load_settings(**{name: uri})
        assert CANARY not in repr(settings) + str(settings)
        assert f"{name}='mongodb://***@db.example:27017/?replicaSet=rs0'" in repr(settings)
        assert getattr(settings, name) == uri

    @pytest.mark.parametrize("name", [n for n in Settings.model_fields if n not in SECRETS])
    def test_a_secret_in_the_wrong_place_is_not_in_the_error(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever a setting refuses, neither the message nor the traceback repeats it."""
        monkeypatch.setenv(name, f" {CANARY} ")
        for secret in SECRETS:
            monkeypatch.setenv(secret, CANARY)
        try:
            load_settings()
        except ConfigurationError:
            assert CANARY not in traceback.format_exc()


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: int = Field(default=1, ge=0, le=5)


class RunConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    mode: Literal["fast", "slow"] = "fast"
    parts: list[Part] = []

    @field_validator("name")
    @classmethod
    def _single_word(cls, value: str) -> str:
        if " " in value:
            raise ValueError("must be\n one word")
        return value


class TestConfigFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "run.yaml"

    def refusal(self, path: Path) -> str:
        with pytest.raises(ConfigurationError) as caught:
            load_config(path, RunConfig)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message.removeprefix(f"{path}: ")

    def test_values_are_read(self, path: Path) -> None:
        path.write_text("name: première\nparts:\n  - depth: 2\n", encoding="utf-8")
        assert load_config(path, RunConfig) == RunConfig(name="première", parts=[Part(depth=2)])

    def test_an_empty_file_means_the_defaults(self, path: Path) -> None:
        path.write_text("# nothing yet\n")
        assert load_config(path, Part) == Part()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("name: a\ncolour: red", "unknown key 'colour' (known: name, mode, parts)"),
            ("name: a\nparts: [{deep: 1}]", "unknown key 'parts.0.deep'"),
            ("mode: fast", "name: Field required"),
            ("", "name: Field required"),
            ("name: a\nmode: brisk", "mode: Input should be 'fast' or 'slow', not 'brisk'"),
            (
                "name: a\nparts: [{depth: 9}]",
                "parts.0.depth: Input should be less than or equal to 5, not 9",
            ),
            ("name: a b", "name: must be one word, not 'a b'"),
            ("- name: a", "not a mapping of keys to values"),
            ("just words", "not a mapping of keys to values"),
            ("false", "not a mapping of keys to values"),
        ],
    )
    def test_what_does_not_fit_is_refused_by_name(
        self, path: Path, text: str, message: str
    ) -> None:
        path.write_text(text)
        assert self.refusal(path) == message

    @pytest.mark.parametrize(
        "content",
        [
            b"name: [a",
            b"name: a\n\tmode: fast",
            b"name: \xff",
            b"name: 2024-13-45",
            b"a: b: c",
            b"\0",
        ],
    )
    def test_what_is_not_yaml_is_refused(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        assert self.refusal(path).startswith("not YAML: ")

    def test_a_long_value_is_cut(self, path: Path) -> None:
        path.write_text(f"name: a\nmode: {'x' * 10_000}")
        assert len(self.refusal(path)) < 200

    def test_a_missing_file_is_named(self, path: Path) -> None:
        assert self.refusal(path) == "No such file or directory"

    def test_a_folder_is_not_a_config_file(self, path: Path) -> None:
        path.mkdir()
        assert self.refusal(path) == "Is a directory"

    def test_yaml_cannot_make_objects(self, path: Path) -> None:
        path.write_text("name: !!python/object/apply:os.getcwd []")
        assert self.refusal(path).startswith("not YAML: ")


@pytest.mark.parametrize("given", ["LINKEDIN_USERNAME", "LINKEDIN_PASSWORD"])
def test_half_of_a_linkedin_account_is_refused(given: str) -> None:
    with pytest.raises(ConfigurationError, match="set together, or neither") as refusal:
        load_settings(_env_file=None, **{given: "canary"})
    assert "canary" not in str(refusal.value)


def test_all_secrets_are_known_also_passwords_in_addresses() -> None:
    settings = load_settings(
        OPENAI_API_KEY="canary-1",
        DATABASE_HOST="mongodb://ada:canary-2@db.example:27017/?replicaSet=rs0",
        MLFLOW_TRACKING_URI="https://eve:canary-3@mlflow.example",
    )
    assert {"canary-1", "canary-2", "canary-3"} <= set(settings.secrets())
    assert "ada" not in settings.secrets()
