from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from llm_engineering.infrastructure.crawlers.registry import is_repository, make_dispatcher
from llm_engineering.infrastructure.crawlers.repository import RepositoryCrawler

REPOSITORIES = [
    *("https://github.com/pandas-dev/pandas", "https://www.github.com/pandas-dev/pandas/"),
    *("https://gitlab.com/inkscape/inkscape", "https://example.org/any/where.git"),
    *("file:///home/ada/tides", "/home/ada/tides", "."),
]
PAGES = [
    *("https://github.com.evil.org/a/b", "https://evil.org/github.com/a", "https://github.com/"),
    *("https://github.com@evil.org/a/b", "https://github.com/pandas-dev", "https://example.org/a"),
    *(
        "https://github.com/a/b/issues/1",
        "https://github.com/topics/rag",
        "https://xgithub.com/a/b",
    ),
]


@pytest.mark.parametrize("url", REPOSITORIES)
def test_repositories_are_recognised(url: str) -> None:
    assert is_repository(urlsplit(url))


@pytest.mark.parametrize("url", PAGES)
def test_look_alikes_and_pages_of_forges_are_not_repositories(url: str) -> None:
    assert not is_repository(urlsplit(url))


def test_the_dispatcher_knows_both_crawlers(tmp_path: Path) -> None:
    dispatcher = make_dispatcher(
        allowed_private_hosts=["127.0.0.1:8765"],
        workdir=tmp_path,
        clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
    )
    assert isinstance(dispatcher.crawler_for(REPOSITORIES[0]), RepositoryCrawler)
    assert isinstance(dispatcher.crawler_for(PAGES[0]), ArticleCrawler)
