"""What an ETL run crawls: authors and their links, and its bounds."""

import re
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field

from llm_engineering.application.crawling.dispatcher import parsed_link
from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.types import Frozen

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.IGNORECASE)


def _checked_link(url: str) -> str:
    try:
        parsed_link(url)
    except InvalidInput as error:
        raise ValueError(str(error)) from error
    return url.strip()


def _checked_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError(f"not a host or host:port: {host!r}")
    return host.lower()


def _with_url(link: object) -> object:
    return {"url": link} if isinstance(link, str) else link


class LinkConfig(Frozen):
    """A link of an author: a URL alone, or with how far to go from there.

    `depth` counts link steps on the same site, `max_pages` bounds pages or files, `sitemap` takes
    the pages from the site's sitemap instead, `feed` from its feed. `browser` opens the page, and
    those that follow by its links, in a browser.
    """

    url: Annotated[str, AfterValidator(_checked_link)]
    depth: int = Field(default=0, ge=0, le=100)
    max_pages: int = Field(default=1000, ge=1, le=1_000_000)
    sitemap: bool = False
    feed: bool = False
    browser: bool = False

    def of(self, author: str | None) -> Link:
        """Returns the link as a crawler takes it."""
        return Link(author=author, **self.model_dump())


class AuthorConfig(Frozen):
    """A person and their links. Without a name, the pages themselves say who wrote them."""

    name: str | None = Field(default=None, min_length=1)
    links: tuple[Annotated[LinkConfig, BeforeValidator(_with_url)], ...] = Field(min_length=1)


class CrawlLimits(Frozen):
    """Bounds of a run. A page or file above its bytes is a failure of that page only.

    `concurrency` counts visits at a time, `per_host` those of one host; `delay_s` are seconds from
    one visit of a host to its next (a longer crawl-delay of the site counts). A page that has been
    missing from its site's sitemap for `missing_runs` runs is gone.
    """

    concurrency: int = Field(default=8, ge=1, le=64)
    per_host: int = Field(default=4, ge=1, le=64)
    delay_s: float = Field(default=0.0, ge=0.0, le=3_600.0)
    missing_runs: int = Field(default=3, ge=1, le=1_000)
    max_page_bytes: int = Field(default=10_000_000, ge=1_000, le=1_000_000_000)
    max_file_bytes: int = Field(default=1_000_000, ge=1_000, le=1_000_000_000)
    max_document_bytes: int = Field(default=100_000_000, ge=1_000, le=1_000_000_000)
    max_repository_bytes: int = Field(default=1_000_000_000, ge=1_000_000)
    page_timeout_s: float = Field(default=60.0, gt=0.0, le=3_600.0)
    repository_timeout_s: float = Field(default=300.0, gt=0.0, le=86_400.0)


class EtlConfig(Frozen):
    """One ETL run.

    `allowed_private_hosts` are the only hosts (`wiki.local`) or ports (`127.0.0.1:8765`) outside
    the public internet that may be fetched from.
    """

    authors: tuple[AuthorConfig, ...] = ()
    allowed_private_hosts: tuple[Annotated[str, AfterValidator(_checked_host)], ...] = ()
    limits: CrawlLimits = CrawlLimits()

    @property
    def links(self) -> Sequence[Link]:
        """All links with their authors, in the order of the file."""
        return [link.of(author.name) for author in self.authors for link in author.links]

    def with_links(self, urls: Sequence[str], *, depth: int = 0, max_pages: int = 1000) -> Self:
        """Returns this run with other links, of nobody in particular.

        Raises:
            InvalidInput: one of them is not a link.
        """
        for url in urls:
            parsed_link(url)
        links = [{"url": url, "depth": depth, "max_pages": max_pages} for url in urls]
        return self.model_validate({**self.model_dump(), "authors": [{"links": links}]})
