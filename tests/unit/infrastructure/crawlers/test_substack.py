"""Links and feeds of Substack."""

from urllib.parse import urlsplit

import pytest

from llm_engineering.infrastructure.crawlers.feed import Entry
from llm_engineering.infrastructure.crawlers.substack import (
    feed_of,
    is_archive,
    is_publication,
    sitemap_of,
    whole_post,
)


def test_a_publication_is_read_by_its_feed_and_an_archive_by_its_sitemap() -> None:
    for url in ("https://harbour.substack.com", "http://harbour.substack.com/?utm_source=x"):
        assert is_publication(urlsplit(url))
        assert not is_archive(urlsplit(url))
        assert feed_of(url) == "https://harbour.substack.com/feed"
    archive = "https://harbour.substack.com/archive?sort=new"
    assert is_archive(urlsplit(archive))
    assert not is_publication(urlsplit(archive))
    assert sitemap_of(archive) == "https://harbour.substack.com/sitemap.xml"


@pytest.mark.parametrize(
    "url",
    [
        "https://harbour.substack.com/p/tides",
        "https://harbour.substack.com/about",
        "https://substack.com/",
        "https://www.substack.com/",
        "https://open.substack.com/",
        "https://harbour.substack.com.evil.example/",
        "https://evilsubstack.com/",
        "https://a.b.substack.com/",
    ],
)
def test_posts_pages_and_look_alikes_are_neither(url: str) -> None:
    assert not is_publication(urlsplit(url))
    assert not is_archive(urlsplit(url))


def test_a_post_that_is_cut_is_not_whole() -> None:
    whole = Entry("https://harbour.substack.com/p/tides", full_text="<p>All of it.</p>")
    assert whole_post(whole) == whole
    for end in (
        '<p><a href="https://harbour.substack.com/p/tides">Read more</a></p>\n',
        '<p>\n <a href="https://harbour.substack.com/p/tides">\n Read more\n </a>\n </p>',
    ):
        assert whole_post(Entry(whole.url, full_text=f"<p>The start.</p>{end}")) is None
    mentioned = '<p><a href="https://x.example">Read more</a> about it.</p>'
    assert whole_post(Entry(whole.url, full_text=mentioned)) is not None
    assert whole_post(Entry(whole.url)) is None
    assert whole_post(Entry(None, full_text="<p>All</p>")) is None
