"""Pages of Medium and GitHub, from outside the project, as the crawler of articles reads them."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.application.ports.crawling import Target
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.infrastructure.crawlers.article import ArticleCrawler
from tests.unit.infrastructure.crawlers.scripted_web import ScriptedWeb

ROOT = Path(__file__).parents[2]
PAGES = Path(os.environ.get("LLMP_EVALDATA", ROOT / "../shared/evaldata")) / "pages"
NAMES = ["medium_1", "medium_2", "medium_2017", "medium_3", "github_repo_2018", "github_repo_2020"]


@pytest.mark.external
@pytest.mark.skipif(not PAGES.is_dir(), reason=f"no {PAGES} (set LLMP_EVALDATA)")
@pytest.mark.parametrize("name", NAMES)
def test_free_pages_are_read_whole(name: str) -> None:
    body = gzip.decompress((PAGES / f"{name}.html.gz").read_bytes())
    expected = json.loads((PAGES / "expected.json").read_text())[f"{name}.html"]
    url = expected.get("url", f"https://medium.com/{name}")
    crawler = ArticleCrawler(ScriptedWeb({url: body}), lambda: datetime(2026, 11, 22, tzinfo=UTC))
    _, document = crawler.visit(Target(url=url))
    assert isinstance(document, ArticleDocument), document
    assert expected.get("title", expected.get("title_contains")) in document.title
    assert expected.get("content_starts", "")[:40] in document.content
