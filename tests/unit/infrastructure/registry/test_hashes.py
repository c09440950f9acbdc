from pathlib import Path

import pytest

from llm_engineering.domain.errors import IntegrityError, InvalidInput
from llm_engineering.infrastructure.registry.hashes import check_folder, files_below, sha256
from llm_engineering.infrastructure.registry.mlflow_client import _public

# SHA-256 of b"abc": FIPS 180-2, appendix B.1
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.json").write_bytes(b"abc")
    return tmp_path


def test_the_hash_is_sha_256(folder: Path) -> None:
    assert sha256(folder / "sub" / "a.json") == ABC


def test_every_file_is_found_by_its_relative_path(folder: Path) -> None:
    assert files_below(folder) == {"sub/a.json": ABC}


def test_a_link_to_a_file_or_folder_is_refused(folder: Path) -> None:
    (folder / "link.json").symlink_to(folder / "sub" / "a.json")
    with pytest.raises(InvalidInput, match=r"link\.json: a link"):
        files_below(folder)


def test_a_folder_is_checked_whole(folder: Path) -> None:
    check_folder(folder, {"sub/a.json": ABC})
    (folder / "b.json").symlink_to("/etc/passwd")
    with pytest.raises(IntegrityError, match=r"'b\.json' is not in the manifest"):
        check_folder(folder, {"sub/a.json": ABC})


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("http://user:secret@host:5000/a", "http://host:5000/a"),
        ("failed at https://u:p@host, retry", "failed at https://host, retry"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("http://host/a@b", "http://host/a@b"),
    ],
)
def test_passwords_are_cut_out_of_urls(text: str, public: str) -> None:
    assert _public(text) == public
