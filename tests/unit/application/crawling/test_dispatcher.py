from collections.abc import Generator

import pytest

from llm_engineering.application.crawling.dispatcher import CrawlerDispatcher, parsed_link
from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import DocumentError, FetchError, InvalidInput


class NamedCrawler:
    """Yields one error that says which crawler was asked for what."""

    def __init__(self, name: str) -> None:
        self.name = name

    def crawl(self, link: Link) -> Generator[Document | DocumentError, None, None]:
        yield FetchError(link.url, self.name)


@pytest.fixture
def dispatcher() -> CrawlerDispatcher:
    return (
        CrawlerDispatcher(default=NamedCrawler("any"))
        .register(lambda parts: parts.hostname == "medium.com", NamedCrawler("medium"))
        .register(lambda parts: parts.path.startswith("/m"), NamedCrawler("m"))
    )


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://medium.com/@ada/tides", "medium"),
        ("https://MEDIUM.com:443/m", "medium"),
        ("https://reader@medium.com/x", "medium"),
        ("https://medium.com.evil.org/x", "any"),
        ("https://evil.org/?medium.com", "any"),
        ("https://medium.com@evil.org/x", "any"),
        ("https://evilmedium.com/x", "any"),
        ("https://example.org/m", "m"),
        ("file:///m/notes", "m"),
        ("/home/ada", "any"),
    ],
)
def test_a_link_goes_to_the_first_crawler_that_matches(
    dispatcher: CrawlerDispatcher, url: str, name: str
) -> None:
    (item,) = dispatcher.crawl(Link(url=url))
    assert isinstance(item, DocumentError)
    assert item.reason == name


@pytest.mark.parametrize("url", [".", "../notes", "~/notes", "file:///a", " https://a.org/ "])
def test_web_addresses_and_local_paths_are_links(url: str) -> None:
    assert parsed_link(url)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/a", "javascript:alert(1)", "git://example.org/a.git"),
        *("ext::sh -c id", "ssh://git@example.org/a", "file://server/share", "//example.org/a"),
        *("https:///a", "https://", "http://[bad", "http://a:99999/", ""),
    ],
)
def test_anything_else_is_refused_in_one_line_that_names_it(
    dispatcher: CrawlerDispatcher, url: str
) -> None:
    with pytest.raises(InvalidInput, match="not a link") as refused:
        dispatcher.crawler_for(url)
    assert repr(url) in str(refused.value)
    assert "\n" not in str(refused.value)
