"""A repository on this machine: which files it has, when they changed, and who wrote them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.git import Git
from llm_engineering.infrastructure.crawlers.local_repository import LocalRepository

NOTHING_KNOWN = FetchError("x", "git: your current branch has no commits yet")


class ScriptedGit(Git):
    """Answers the three questions that a work tree is asked."""

    def __init__(
        self, listing: bytes, log: bytes | FetchError = NOTHING_KNOWN, *, shallow: bool = False
    ) -> None:
        self._answers: dict[str, bytes | FetchError] = {
            "ls-files": listing,
            "rev-parse": b"true\n" if shallow else b"false\n",
            "log": log,
        }

    def read(self, folder: Path, *arguments: str) -> bytes:
        answer = self._answers[arguments[0]]
        if isinstance(answer, FetchError):
            raise answer
        return answer


def listing(*paths: str, mode: str = "100644") -> bytes:
    return b"".join(f"{mode} {'0' * 40} 0\t{path}".encode() + b"\0" for path in paths)


def commit(date: str, author: str, *paths: str) -> bytes:
    """Returns what `git log -z --name-only` prints of one commit."""
    return f"\x01{date}\t{author}\0".encode() + b"\n" + b"".join(p.encode() + b"\0" for p in paths)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tides"
    (root / "inner").mkdir(parents=True)
    (root / "README.md").write_text("# Tides")
    (root / "inner" / "Größe.py").write_text("x = 1\n")
    return root


def opened(tree: Path, log: bytes | FetchError = NOTHING_KNOWN, **options: bool) -> LocalRepository:
    files = listing("README.md", "inner/Größe.py", "deleted.txt")
    return LocalRepository(tree, ScriptedGit(files, log, **options))


def test_tracked_files_that_are_there_have_their_sizes(tree: Path) -> None:
    repository = opened(tree)
    assert dict(repository.sizes()) == {"README.md": 7, "inner/Größe.py": 6}
    assert (repository.name, repository.platform) == ("tides", "git")
    assert repository.read("inner/Größe.py") == b"x = 1\n"
    assert repository.page("README.md") == (tree / "README.md").as_uri()


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_links_and_submodules_are_no_files(tree: Path, mode: str) -> None:
    files = listing("README.md", mode=mode)
    assert LocalRepository(tree, ScriptedGit(files)).sizes() == {}


def test_a_file_in_conflict_is_listed_once(tree: Path) -> None:
    files = listing("README.md", "README.md", "README.md")
    assert list(LocalRepository(tree, ScriptedGit(files)).sizes()) == ["README.md"]


def test_a_file_that_became_a_link_is_not_followed(tree: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    (tree / "README.md").unlink()
    (tree / "README.md").symlink_to(secret)
    repository = opened(tree)
    assert "README.md" not in repository.sizes()
    with pytest.raises(FetchError, match=r"README\.md"):
        repository.read("README.md")


def test_a_folder_that_became_a_link_to_elsewhere_is_not_entered(
    tree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (tree / "inner").rename(outside)
    (tree / "inner").symlink_to(outside)
    assert list(opened(tree).sizes()) == ["README.md"]


def test_a_file_deleted_since_is_an_error_of_that_file(tree: Path) -> None:
    with pytest.raises(FetchError, match=r"deleted\.txt: No such file"):
        opened(tree).read("deleted.txt")


def test_a_missing_folder_is_told_from_a_web_page(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"no such folder.*https://"):
        LocalRepository(tmp_path / "nowhere", ScriptedGit(b""))


def test_a_file_has_the_date_of_the_last_commit_that_touched_it(tree: Path) -> None:
    log = (
        commit("2025-03-01T12:00:00+02:00", "Ada", "README.md")
        + commit("2024-01-01T00:00:00+00:00", "Bob", "README.md", "inner/Größe.py")
        + commit("2023-01-01T00:00:00+00:00", "Ada", "gone.py")
    )
    repository = opened(tree, log)
    assert repository.published("README.md") == datetime(2025, 3, 1, 10, tzinfo=UTC)
    assert repository.published("inner/Größe.py") == datetime(2024, 1, 1, tzinfo=UTC)
    assert repository.published("never/committed.py") is None
    assert repository.author == "Ada", "two commits of three"


def test_of_two_authors_with_as_many_commits_the_first_by_name_is_taken(tree: Path) -> None:
    log = commit("2025-01-01T00:00:00+00:00", "Zoe", "a") + commit(
        "2024-01-01T00:00:00+00:00", "Ada", "b"
    )
    assert opened(tree, log).author == "Ada"


def test_a_shallow_clone_and_an_empty_history_know_neither_dates_nor_authors(tree: Path) -> None:
    log = commit("2025-01-01T00:00:00+00:00", "Ada", "README.md")
    for repository in (opened(tree, log, shallow=True), opened(tree), opened(tree, b"")):
        assert repository.author is None
        assert repository.published("README.md") is None


def test_a_path_that_looks_like_a_line_of_the_log_changes_nothing(tree: Path) -> None:
    log = commit("2025-01-01T00:00:00+00:00", "Ada", "README.md", "2024-01-01\tBob")
    repository = opened(tree, log)
    assert repository.author == "Ada"
    assert repository.published("2024-01-01\tBob") == datetime(2025, 1, 1, tzinfo=UTC)
