"""The contract of ModelRegistry, over the stand-in and MLflow, on SQLite and as a server."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from llm_engineering.application.ports.tracking import ModelRegistry
from llm_engineering.domain.errors import IntegrityError, InvalidInput
from llm_engineering.domain.releases import RegisteredModel
from llm_engineering.infrastructure.in_memory.registry import InMemoryModelRegistry
from llm_engineering.infrastructure.registry.mlflow_registry import MLflowRegistry
from tests.mlflow_server import MLflowServer, serving

FILES = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": b"weights",
    "chat_template.jinja": b"{{ messages }}",
    "tokenizer/vocab.txt": b"a\nb\n",
}


class Tampering(Protocol):
    """Changes a stored file behind the registry's back; None deletes it."""

    def __call__(self, model: RegisteredModel, path: str, data: bytes | None) -> None: ...


def tamper_memory(registry: InMemoryModelRegistry) -> Tampering:
    def change(model: RegisteredModel, path: str, data: bytes | None) -> None:
        content = registry.content(model)
        if data is None:
            del content[path]
        else:
            content[path] = data

    return change


def tamper_mlflow(folder: Path) -> Tampering:
    def change(model: RegisteredModel, path: str, data: bytes | None) -> None:
        (stored,) = (folder / "artifacts").rglob("artifacts/model")
        if data is None:
            (stored / path).unlink()
        else:
            (stored / path).write_bytes(data)

    return change


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Returns a database that MLflow has set up: a minute's work on a busy machine, done once."""
    folder = tmp_path_factory.mktemp("empty")
    with pytest.raises(InvalidInput):
        MLflowRegistry(None, folder=folder, cache=folder).get("llm", "1")
    return (folder / "mlflow.db").read_bytes()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, empty_database: bytes
) -> Iterator[MLflowServer]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_database)
    with serving(folder) as running:
        yield running


Case = tuple[ModelRegistry, Tampering]


@pytest.fixture(params=["in_memory", "mlflow", "mlflow_server"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    cache = tmp_path / "cache"
    if request.param == "in_memory":
        memory = InMemoryModelRegistry(cache)
        return memory, tamper_memory(memory)
    if request.param == "mlflow_server":
        running: MLflowServer = request.getfixturevalue("server")
        running.empty()
        return MLflowRegistry(running.url, folder=tmp_path, cache=cache), tamper_mlflow(
            running.folder
        )
    folder = tmp_path / "mlflow"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(request.getfixturevalue("empty_database"))
    return MLflowRegistry(None, folder=folder, cache=cache), tamper_mlflow(folder)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_files(tmp_path / "model", FILES)


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def read_files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_what_is_registered_comes_back_byte_for_byte(case: Case, model: Path) -> None:
    registry, _ = case
    registered = registry.register("llm", model, {"loss": 0.25}, {"base_model": "small"})
    assert (registered.name, registered.version) == ("llm", 1)
    assert registered.files == {p: hashlib.sha256(d).hexdigest() for p, d in FILES.items()}
    assert registered.metrics == {"loss": 0.25}
    assert registered.tags == {"base_model": "small"}
    assert registry.get("llm", "1") == registered
    assert read_files(registry.fetch(registered)) == FILES


def test_versions_count_up_and_the_alias_moves_forth_and_back(case: Case, model: Path) -> None:
    registry, _ = case
    first = registry.register("llm", model, {}, {})
    (model / "config.json").write_bytes(b'{"model_type": "qwen2"}')
    second = registry.register("llm", model, {}, {})
    assert (first.version, second.version) == (1, 2)
    for version in (1, 2, 1):
        registry.set_alias("llm", "champion", version)
        assert registry.get("llm", "champion").version == version
        assert registry.get("llm", str(version)).aliases == ("champion",)
        assert registry.get("llm", str(3 - version)).aliases == ()
    assert read_files(registry.fetch(first)) == FILES
    assert read_files(registry.fetch(second))["config.json"] == b'{"model_type": "qwen2"}'


def test_a_registry_that_is_up_answers(case: Case) -> None:
    case[0].ping()


def test_names_do_not_mix(case: Case, model: Path) -> None:
    registry, _ = case
    registry.register("llm", model, {}, {})
    assert registry.register("rag", model, {}, {}).version == 1


def test_what_does_not_exist_is_an_error_that_names_what_does(case: Case, model: Path) -> None:
    registry, _ = case
    with pytest.raises(InvalidInput, match="'llm' has no 'champion' \\(known: none"):
        registry.get("llm", "champion")
    registry.register("llm", model, {}, {})
    registry.set_alias("llm", "champion", 1)
    with pytest.raises(InvalidInput, match="'llm' has no 'best' \\(known: champion, 1"):
        registry.get("llm", "best")
    with pytest.raises(InvalidInput, match="'llm' has no '7'"):
        registry.set_alias("llm", "champion", 7)
    assert registry.get("llm", "champion").version == 1


@pytest.mark.parametrize(
    "hostile",
    ["modeling.py", "pytorch_model.bin", "weights.pkl", "MLmodel", "run.sh", "nested/code.so"],
)
def test_files_that_can_carry_code_are_not_registered(
    case: Case, model: Path, hostile: str
) -> None:
    registry, _ = case
    write_files(model, {hostile: b"x"})
    with pytest.raises(InvalidInput, match=f"{hostile}.*allowed: .jinja, .json"):
        registry.register("llm", model, {}, {})
    with pytest.raises(InvalidInput, match="known: none"):
        registry.get("llm", "1")


def test_an_empty_folder_is_no_model(case: Case, tmp_path: Path) -> None:
    registry, _ = case
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="at least one file"):
        registry.register("llm", tmp_path / "empty", {}, {})


@pytest.mark.parametrize(
    ("path", "data", "complaint"),
    [
        ("config.json", b'{"model_type": "llamb"}', "config.json.*has SHA-256"),
        ("model.safetensors", None, "model.safetensors' is missing"),
        ("extra.json", b"{}", "extra.json' is not in the manifest"),
        ("modeling.py", b"import os", "modeling.py' is not in the manifest"),
        ("data.pkl", b"\x80\x04.", "data.pkl' is not in the manifest"),
        ("MLmodel", b"loader_module: evil", "MLmodel' is not in the manifest"),
    ],
)
def test_a_tampered_model_is_not_fetched(
    case: Case, model: Path, path: str, data: bytes | None, complaint: str
) -> None:
    registry, tamper = case
    registered = registry.register("llm", model, {}, {})
    tamper(registered, path, data)
    with pytest.raises(IntegrityError, match=complaint):
        registry.fetch(registered)


@pytest.mark.parametrize(
    "path", ["../outside.json", "/etc/outside.json", "a/../../b.json", "a\\b.json", "code.py", ""]
)
def test_a_manifest_that_leads_outside_is_not_followed(case: Case, model: Path, path: str) -> None:
    registry, _ = case
    registered = registry.register("llm", model, {}, {})
    hostile = registered.model_copy(update={"files": {**registered.files, path: "0" * 64}})
    with pytest.raises(IntegrityError, match="no model may have"):
        registry.fetch(hostile)
