"""Crawlers: from a link to documents."""

from collections.abc import Generator
from typing import Protocol

from pydantic import Field

from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import DocumentError
from llm_engineering.domain.types import Frozen


class Link(Frozen):
    """Where to begin, and how far to go from there on the same site.

    `depth` counts link steps (0: this page only), `max_pages` bounds the pages of the whole crawl.
    `sitemap` takes the pages from the site's sitemap.xml instead of following links. `author` is
    who wrote what is found when the pages themselves do not say.
    """

    url: str
    author: str | None = None
    depth: int = Field(default=0, ge=0)
    max_pages: int = Field(default=1000, ge=1)
    sitemap: bool = False


class Crawler(Protocol):
    """Brings in the documents of one kind of site. It stores nothing."""

    def crawl(self, link: Link) -> Generator[Document | DocumentError, None, None]:
        """Yields each document as soon as it is there, and each failure as a value.

        A failure of one page does not end the crawl. Closing the generator does.
        """
        ...
