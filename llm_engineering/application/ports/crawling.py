"""Crawlers: from a link to documents."""

from collections.abc import Generator, Sequence
from typing import Protocol

from pydantic import AwareDatetime, Field

from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import DocumentError
from llm_engineering.domain.types import Frozen


class Link(Frozen):
    """Where to begin, and how far to go from there on the same site.

    `depth` counts link steps (0: this page only), `max_pages` bounds the pages of the whole crawl.
    `sitemap` takes the pages from the site's sitemap.xml instead of following links, `feed` from
    the feed at `url` or the one that the page there names. `author` is who wrote what is found
    when the pages themselves do not say. `browser` opens pages in a browser, for sites that are
    empty without their scripts.
    """

    url: str
    author: str | None = None
    depth: int = Field(default=0, ge=0)
    max_pages: int = Field(default=1000, ge=1)
    sitemap: bool = False
    feed: bool = False
    browser: bool = False


class Validators(Frozen):
    """What tells whether a page changed: the server's word (RFC 9110 §13), or a hash of its body.

    A crawler fills in what it has. A repository may put its newest commit into `etag`.
    """

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None


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
    """The target answered: where it is after redirects, and what to send along next time.

    `unchanged`: nothing changed since the target's validators (HTTP 304, or the same body). What
    the last visit found then still holds; the engine remembers it, nothing more is yielded.
    """

    url: str
    validators: Validators = Validators()
    unchanged: bool = False


Finding = Document | DocumentError | Target | Visited


class Crawler(Protocol):
    """Brings in what one kind of address holds. It stores nothing, and waits for no politeness."""

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields what the target holds, each thing as soon as it is there.

        First a Visited, as soon as the target answered; then its documents (a repository has
        many), failures as values, and the further targets it names: the links of a page with one
        `depth` less (none when it is 0), or the `listed` ones of a feed, sitemap or profile.
        A failure of one document does not end the visit. Closing the generator does.

        Called from several threads at once, for different targets.
        """
        ...


class SiteRules(Protocol):
    """What the robots.txt of one site says to us (RFC 9309)."""

    def allows(self, url: str) -> bool:
        """Returns whether we may fetch `url`, which is on that site."""
        ...

    @property
    def crawl_delay_s(self) -> float:
        """Seconds from one request to the next; 0 when the site does not say."""
        ...

    @property
    def sitemaps(self) -> Sequence[str]:
        """The addresses of the sitemaps that the site names."""
        ...


class RobotsRules(Protocol):
    """The rules of all sites."""

    def of_site(self, url: str) -> SiteRules:
        """Returns the rules of the site that `url` is on; no robots.txt means no rules.

        Raises:
            FetchError: the site does not answer; RFC 9309 §2.3.1.4 then forbids everything.
        """
        ...
