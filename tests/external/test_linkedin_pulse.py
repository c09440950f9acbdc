"""A guest's article of 2016, from outside the project."""

import gzip
import json
import os
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from llm_engineering.infrastructure.crawlers.html_tree import parse_raw
from llm_engineering.infrastructure.crawlers.linkedin_articles import article_of

ROOT = Path(__file__).parents[2]
PAGES = Path(os.environ.get("LLMP_EVALDATA", ROOT / "../shared/evaldata")) / "pages"
NAME = "linkedin_pulse_2016.html"


@pytest.mark.external
@pytest.mark.skipif(not PAGES.is_dir(), reason=f"no {PAGES} (set LLMP_EVALDATA)")
def test_title_author_date_and_text_are_the_published_ones() -> None:
    text = gzip.decompress((PAGES / f"{NAME}.gz").read_bytes()).decode()
    expected = json.loads((PAGES / "expected.json").read_text())[NAME]
    article = article_of(parse_raw(text, expected["url"]), BeautifulSoup(text, "lxml"))
    assert article is not None
    assert (article.title, article.author) == (expected["title"], expected["author"])
    assert article.published is not None
    assert f"{article.published:%Y-%m-%d}" == expected["published"][:10]
    assert expected["content_starts"][:40] in article.text
