"""References of chat models: who makes what, and what is said about a wrong one."""

from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from llm_engineering.domain.errors import ConfigurationError, InvalidInput
from llm_engineering.infrastructure.llms.factory import ChatModelOptions, make_chat_model
from llm_engineering.infrastructure.llms.local import LocalChatModel
from llm_engineering.infrastructure.llms.transformers import TransformersChatModel

KEYS = {
    "openai_api_key": SecretStr("canary-openai"),
    "google_api_key": SecretStr("canary-google"),
    "huggingface_token": SecretStr("canary-huggingface"),
}


def make(reference: str, folder: Path, **keys: SecretStr) -> BaseChatModel:
    return make_chat_model(
        reference,
        ChatModelOptions(cache=folder, max_new_tokens=7, **keys),  # type: ignore[arg-type]
        local_files=lambda name: folder / f"{name}.gguf",
        registered_folder=lambda _: folder,
    )


@pytest.mark.parametrize("reference", ["anthropic:claude", "gpt-4o-mini", "openai:", "", ":x"])
def test_an_unknown_reference_names_the_providers(reference: str, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="local, openai, google, huggingface, transformers, mlflow"
    ) as refused:
        make(reference, tmp_path)
    assert repr(reference) in str(refused.value)


@pytest.mark.parametrize(
    ("reference", "setting"),
    [
        ("openai:gpt-4o-mini", "OPENAI_API_KEY"),
        ("google:gemini-2.5-flash", "GOOGLE_API_KEY"),
        ("huggingface:Qwen/Qwen2.5-7B-Instruct", "HUGGINGFACE_ACCESS_TOKEN"),
    ],
)
def test_a_missing_key_names_its_setting(reference: str, setting: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        make(reference, tmp_path)


@pytest.mark.parametrize("reference", ["openai:gpt-4o-mini", "google:gemini-2.5-flash"])
def test_keys_are_not_printed(reference: str, tmp_path: Path) -> None:
    model = make(reference, tmp_path, **KEYS)
    options = ChatModelOptions(cache=tmp_path, **KEYS)  # type: ignore[arg-type]
    for printed in (repr(model), str(model), repr(options)):
        assert "canary" not in printed


def test_a_local_model_is_not_loaded_when_it_is_made(tmp_path: Path) -> None:
    model = make("local:anything", tmp_path)  # there is no such file
    assert isinstance(model, LocalChatModel)
    assert model.file == tmp_path / "anything.gguf"
    assert model.max_tokens == 7
    assert model.device == "CPU"


def test_a_model_id_may_contain_colons(tmp_path: Path) -> None:
    model = make("local:qwen:1.5b", tmp_path)
    assert isinstance(model, LocalChatModel)
    assert model.name == "qwen:1.5b"


def test_a_registered_model_is_taken_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    model = make("mlflow:llm@champion", tmp_path)
    assert isinstance(model, TransformersChatModel)
    assert model.name == "llm@champion"


def test_a_model_of_transformers_is_a_folder_that_is_not_loaded_yet(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").mkdir()
    model = make("transformers:own", tmp_path)
    assert isinstance(model, TransformersChatModel)
    assert (model.folder, model.name) == (tmp_path / "own.gguf", "own")
    (tmp_path / "file.gguf").write_bytes(b"GGUF")
    with pytest.raises(InvalidInput, match="read a folder; a file is `local:"):
        make("transformers:file", tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling_evil.py", "deep/er/x.pkl"])
def test_a_registered_folder_that_could_carry_code_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InvalidInput, match=Path(name).name):
        make("mlflow:llm/3", tmp_path)
