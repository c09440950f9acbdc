"""Articles and other pages of prose, one page at a time."""

import hashlib
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from lxml import html

from llm_engineering.application.ports.crawling import Finding, Target, Validators, Visited
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import DocumentError, ExtractionError, FetchError, InvalidInput
from llm_engineering.domain.ids import canonical_url
from llm_engineering.infrastructure.crawlers.extraction import extract
from llm_engineering.infrastructure.crawlers.fetcher import Response
from llm_engineering.infrastructure.crawlers.html_tree import links, parse
from llm_engineering.infrastructure.crawlers.paywall import why_locked


class PageSource(Protocol):
    """Where pages come from: their servers, or a browser."""

    def fetch(self, url: str, *, validators: Validators) -> Response:
        """Returns the page; raises FetchError."""
        ...


class ArticleCrawler:
    """Reads any page as an article.

    Args:
        fetcher: where pages come from.
        clock: the present time.
        links_via: the crawler that takes the links of a page; None leaves it to their addresses.
    """

    def __init__(
        self, fetcher: PageSource, clock: Callable[[], datetime], *, links_via: str | None = None
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._links_via = links_via

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields the page's document, or why there is none, and its links in either case.

        Raises:
            FetchError: the page did not come.
            ExtractionError: it is no page.
        """
        response = self._fetcher.fetch(target.url, validators=target.validators)
        visited = visit_of(response, target)
        yield visited
        if visited.unchanged:
            return
        tree = parse(response.text, target.url)
        try:
            locked = why_locked(response.text, tree)
            if locked:
                raise ExtractionError(target.url, locked)
            yield article_of(response, tree, target, self._clock())
        except DocumentError as error:
            yield error
        if target.depth > 0:
            for url in links(tree, response.url):
                child = linked(url, target, response.url)
                yield child.model_copy(update={"via": self._links_via})


def visit_of(response: Response, target: Target) -> Visited:
    """Returns what a response says about its page: where it is, and whether it changed.

    Raises:
        FetchError: a redirect led to what is no address.
    """
    body_hash = hashlib.sha256(response.body).hexdigest()
    unchanged = response.unchanged or body_hash == target.validators.body_hash
    validators = response.validators
    if not response.unchanged:
        validators = validators.model_copy(update={"body_hash": body_hash})
    try:
        return Visited(url=canonical_url(response.url), validators=validators, unchanged=unchanged)
    except InvalidInput as error:
        raise FetchError(target.url, str(error)) from error


def article_of(
    response: Response, tree: html.HtmlElement, target: Target, now: datetime
) -> ArticleDocument:
    """Returns the article on a page; author, title and date of the target fill in what is missing.

    Raises:
        ExtractionError: there is no text in it.
    """
    found = extract(tree, response.url, now)
    return ArticleDocument.create(
        url=found.url,
        title=found.title or target.title or found.url,
        content=found.text,
        platform=(urlsplit(found.url).hostname or "").removeprefix("www."),
        fetched_at=now,
        author=found.author or target.author,
        published=found.published or target.published,
        modified=found.modified,
        language=found.language,
        raw=response.body,
    )


def linked(url: str, parent: Target, page_url: str) -> Target:
    """Returns the target of a link that stands on a page."""
    return Target(
        url=url,
        author=parent.author,
        depth=max(0, parent.depth - 1),
        max_pages=parent.max_pages,
        found_on=page_url,
    )
