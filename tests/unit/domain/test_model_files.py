import pytest

from llm_engineering.domain.errors import IntegrityError, InvalidInput
from llm_engineering.domain.model_files import allowed, check_files, check_hash, check_kinds


@pytest.mark.parametrize(
    "path",
    [
        "model.safetensors",
        "config.json",
        "chat_template.jinja",
        "merges.txt",
        "tokenizer.model",
        "a/b/c.json",
        "..model.json",
    ],
)
def test_these_files_carry_no_code(path: str) -> None:
    assert allowed(path)


@pytest.mark.parametrize(
    "path",
    [
        "modeling.py",
        "model.bin",
        "model.pt",
        "model.pkl",
        "MLmodel",
        "model.json.py",
        "model.JSON",
        ".json",
        "../config.json",
        "a/../config.json",
        "/config.json",
        "a//config.json",
        "./config.json",
        "a\\config.json",
        "config\0.json",
        "",
    ],
)
def test_these_are_refused(path: str) -> None:
    assert not allowed(path)
    with pytest.raises(InvalidInput):
        check_kinds(["config.json", path])
    with pytest.raises(IntegrityError):
        check_files({path: "0"}, [path])


def test_a_model_needs_a_file() -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        check_kinds([])


def test_exactly_the_expected_files_pass() -> None:
    check_files({"a.json": "0", "b.json": "1"}, ["b.json", "a.json"])
    with pytest.raises(IntegrityError, match=r"'b\.json' is missing"):
        check_files({"a.json": "0", "b.json": "1"}, ["a.json"])
    with pytest.raises(IntegrityError, match=r"'b\.json' is not in the manifest"):
        check_files({"a.json": "0"}, ["a.json", "b.json"])


def test_a_wrong_hash_names_the_file_and_both_hashes() -> None:
    check_hash("a.json", "11", "11")
    with pytest.raises(IntegrityError, match=r"'a.json' has SHA-256 22, expected 11"):
        check_hash("a.json", "11", "22")
