"""Crawlers: from a link to documents."""

from collections.abc import Generator
from typing import Protocol

from pydantic import AwareDatetime, Field

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


class Validators(Frozen):
    """What a server said about a page, to be sent back with the next request (RFC 9110 §13)."""

    etag: str | None = None
    last_modified: str | None = None


class Target(Frozen):
    """One address to visit: a page, a feed, a sitemap, a profile, or a whole repository.

    `depth` counts the link steps that may follow from here on the same site. A `listed` target is
    named by a feed, a sitemap or a profile instead of being linked in a page: it may be on another
    host and takes no link step. `author`, `title` and `published` hold where the page itself does
    not say; `modified` is its last change by the word of the list. `validators` are those of the
    last visit. `via` names the crawler where the address does not tell: `sitemap`, `feed`.
    """

    url: str
    author: str | None = None
    depth: int = Field(default=0, ge=0)
    max_pages: int = Field(default=1000, ge=1)
    listed: bool = False
    found_on: str | None = None
    title: str | None = None
    published: AwareDatetime | None = None
    modified: AwareDatetime | None = None
    validators: Validators = Validators()
    via: str | None = None


class Visited(Frozen):
    """A page that answered: where it is after redirects, and what to send along next time.

    `unchanged`: the server says that nothing changed since the target's validators (HTTP 304).
    """

    url: str
    validators: Validators = Validators()
    unchanged: bool = False


Finding = Document | DocumentError | Target | Visited


class Crawler(Protocol):
    """Brings in the documents of one kind of site. It stores nothing."""

    def crawl(self, link: Link) -> Generator[Document | DocumentError, None, None]:
        """Yields each document as soon as it is there, and each failure as a value.

        A failure of one page does not end the crawl. Closing the generator does.
        """
        ...
