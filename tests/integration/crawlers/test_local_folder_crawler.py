"""Which local folders are repositories."""

from pathlib import Path

from llm_engineering.application.ports.crawling import Target
from llm_engineering.domain.documents import ArticleDocument, RepositoryDocument
from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.local_folder import LocalFolderCrawler
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler
from tests.integration.crawlers.git_serving import NOON, READ, git


def paths_of(crawler: RepositoryCrawler, folder: Path) -> list[str]:
    local = LocalFolderCrawler(crawler, lambda: NOON)
    _, *found = local.visit(Target(url=str(folder)))
    return [
        one.path if isinstance(one, RepositoryDocument) else one.url
        for one in found
        if isinstance(one, (RepositoryDocument, ArticleDocument))
    ]


def test_a_work_tree_goes_to_the_crawler_of_repositories(
    work_tree: Path, crawler: RepositoryCrawler
) -> None:
    assert paths_of(crawler, work_tree) == READ
    assert paths_of(crawler, work_tree / "docs") == ["README.md"]


def test_a_folder_of_a_work_tree_that_git_does_not_track_is_a_folder(
    work_tree: Path, crawler: RepositoryCrawler
) -> None:
    papers = work_tree / "papers"
    papers.mkdir()
    (papers / "a.md").write_text("# A")
    assert paths_of(crawler, papers) == [(papers / "a.md").as_uri()]
    git(work_tree, "add", "papers/a.md")
    assert paths_of(crawler, papers) == ["a.md"]


def test_a_broken_work_tree_says_so(tmp_path: Path, crawler: RepositoryCrawler) -> None:
    (tmp_path / "a.md").write_text("# A")
    (tmp_path / ".git").write_text("gitdir: /nowhere")
    (error,) = LocalFolderCrawler(crawler, lambda: NOON).visit(Target(url=str(tmp_path)))
    assert isinstance(error, FetchError)
    assert "not a git repository" in error.reason
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "b.md").write_text("# B")
    assert paths_of(crawler, inside) == [(inside / "b.md").as_uri()]
