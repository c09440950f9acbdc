"""A file is hashed once, and again when it was touched."""

import hashlib
import os
from pathlib import Path

import pytest

from llm_engineering.domain.errors import IntegrityError
from llm_engineering.infrastructure.model_files import verification
from llm_engineering.infrastructure.model_files.verification import VerifiedFiles, sha256_of

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(CONTENT)
    return path


def count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    hashed: list[Path] = []

    def counted(path: Path) -> str:
        hashed.append(path)
        return sha256_of(path)

    monkeypatch.setattr(verification, "sha256_of", counted)
    return hashed


def test_an_untouched_file_is_hashed_once(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = count_hashes(monkeypatch)
    for _ in range(3):
        VerifiedFiles(tmp_path / "stamps").check(weights, SHA256)
    assert hashed == [weights]


def test_a_touched_file_is_hashed_again(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = count_hashes(monkeypatch)
    files = VerifiedFiles(tmp_path / "stamps")
    files.check(weights, SHA256)
    os.utime(weights, ns=(1, 1))
    files.check(weights, SHA256)
    assert hashed == [weights, weights]


def test_another_expected_hash_is_not_answered_from_memory(tmp_path: Path, weights: Path) -> None:
    files = VerifiedFiles(tmp_path / "stamps")
    files.check(weights, SHA256)
    with pytest.raises(IntegrityError, match=f"found {SHA256}"):
        files.check(weights, "0" * 64)


def test_where_nothing_can_be_remembered_it_still_checks(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "stamps").write_text("not a folder")
    files = VerifiedFiles(tmp_path / "stamps")
    files.check(weights, SHA256)
    with pytest.raises(IntegrityError):
        files.check(weights, "0" * 64)
