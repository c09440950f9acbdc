"""LinkedIn: profiles, posts and articles; without a log-in where the public may read them."""

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from textwrap import shorten
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from bs4 import BeautifulSoup

from llm_engineering.application.ports.browsing import RenderedPage
from llm_engineering.application.ports.crawling import Finding, Target, Visited
from llm_engineering.domain.documents import ArticleDocument, PostDocument
from llm_engineering.domain.errors import ExtractionError, FetchError
from llm_engineering.domain.ids import canonical_url
from llm_engineering.infrastructure.crawlers.fetcher import Fetcher
from llm_engineering.infrastructure.crawlers.html_tree import parse_raw
from llm_engineering.infrastructure.crawlers.linkedin_articles import BODY, article_of
from llm_engineering.infrastructure.crawlers.linkedin_posts import FEED_ITEM, Post, posts_of
from llm_engineering.infrastructure.crawlers.linkedin_profiles import Profile, profile_of
from llm_engineering.infrastructure.crawlers.linkedin_session import LinkedInSession
from llm_engineering.infrastructure.crawlers.linkedin_walls import Wall, asks_to_join, wall_of

_PLATFORM = "linkedin"
_TITLE_LENGTH = 80
_REFUSED = 999


@dataclass(frozen=True)
class _Kind:
    """A kind of page: what shows that it is there, whether the public sees it, and its items."""

    name: str
    path: re.Pattern[str]
    shows: str
    public: bool = False
    items: str | None = None


_KINDS = (
    _Kind(
        "feed",
        re.compile(r"/(?:in|company)/[^/]+/(?:recent-activity|posts)(?:/\w+)?/?"),
        shows="main",
        items=FEED_ITEM,
    ),
    _Kind("profile", re.compile(r"/in/[^/]+/?"), "main h1", public=True, items="main section"),
    _Kind("article", re.compile(r"/pulse/[^/]+/?"), BODY, public=True),
    _Kind("post", re.compile(r"/(?:posts|feed/update)/[^/]+/?"), FEED_ITEM, public=True),
)


def is_linkedin(link: SplitResult) -> bool:
    """Returns whether a link is on LinkedIn, in whatever language."""
    host = (link.hostname or "").rstrip(".")
    return host == "linkedin.com" or host.endswith(".linkedin.com")


class LinkedInCrawler:
    """Reads profiles, their posts, and articles.

    Args:
        fetcher: reads what the public may read.
        session: the browser for the rest; None reports such pages as failures.
        clock: the present time.
        logged_in: the session has an account or a profile, so profiles are read whole.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        session: LinkedInSession | None,
        clock: Callable[[], datetime],
        *,
        logged_in: bool = False,
    ) -> None:
        self._fetcher = fetcher
        self._session = session
        self._clock = clock
        self._logged_in = logged_in

    def visit(self, target: Target) -> Generator[Finding, None, None]:
        """Yields a page's documents; a profile names its posts, and these their articles.

        Raises:
            FetchError: it did not come, or a wall stands there; says what to do.
            ExtractionError: it holds nothing that is known.
        """
        kind = _kind_of(target.url)
        page, found = self._page(target, kind)
        yield Visited(url=canonical_url(page.url))
        yield from found

    def _page(self, target: Target, kind: _Kind) -> tuple[RenderedPage, list[Finding]]:
        wall: Wall | None = None
        if kind.public and not (kind.name == "profile" and self._logged_in):
            page = self._publicly(target.url)
            wall = wall_of(page)
            found = [] if wall else list(self._read(page, target, kind))
            if found:
                return page, found
            wall = wall or (Wall.LOGIN if asks_to_join(page.html) else None)
        if self._session is None:
            raise FetchError(target.url, (wall or Wall.LOGIN).value)
        page = self._session.open(target.url, wait_for=kind.shows, items=kind.items)
        found = list(self._read(page, target, kind))
        if not found:
            if asks_to_join(page.html):
                raise FetchError(target.url, Wall.LOGIN.value)
            raise ExtractionError(target.url, f"no {kind.name} of LinkedIn found on the page")
        return page, found

    def _publicly(self, url: str) -> RenderedPage:
        try:
            response = self._fetcher.fetch(url)
        except FetchError as error:
            if f"HTTP {_REFUSED}" not in error.reason:
                raise
            return RenderedPage(url=url, html="", status=_REFUSED)
        return RenderedPage(url=response.url, html=response.text, status=200)

    def _read(self, page: RenderedPage, target: Target, kind: _Kind) -> Iterator[Finding]:
        if not page.html.strip():
            return
        tree, soup = parse_raw(page.html, page.url), BeautifulSoup(page.html, "lxml")
        if kind.name == "profile":
            slug = _slug(target.url)
            yield from self._profile(page, target, slug, profile_of(tree, soup, slug))
        elif kind.name == "article":
            article = article_of(tree, soup)
            if article:
                yield ArticleDocument.create(
                    url=page.url,
                    title=article.title,
                    content=article.text,
                    platform=_PLATFORM,
                    fetched_at=self._clock(),
                    author=article.author or target.author,
                    published=article.published or target.published,
                    modified=article.modified,
                    raw=page.html.encode(),
                )
        else:
            posts = posts_of(tree, soup, page.url)
            yield from self._posts(posts, page, target, single=kind.name == "post")

    def _profile(
        self, page: RenderedPage, target: Target, slug: str, found: Profile | None
    ) -> Iterator[Finding]:
        """Yields the profile and, for those who are logged in, where its posts are."""
        if found is None:
            return
        yield ArticleDocument.create(
            url=urljoin(page.url, f"/in/{slug}/"),
            title=found.name,
            content=found.text,
            platform=_PLATFORM,
            fetched_at=self._clock(),
            author=found.name,
            raw=page.html.encode(),
        )
        if self._logged_in:
            posts = urljoin(page.url, f"/in/{slug}/recent-activity/all/")
            yield _listed(posts, target, author=found.name)

    def _posts(
        self, posts: Iterator[Post], page: RenderedPage, target: Target, *, single: bool
    ) -> Iterator[Finding]:
        """Yields the posts of a page and the articles that they announce."""
        for post in islice(posts, 1 if single else target.max_pages):
            if post.text:
                yield PostDocument.create(
                    url=post.url,
                    title=_title(post.text),
                    content=post.text,
                    platform=_PLATFORM,
                    fetched_at=self._clock(),
                    author=post.author or target.author,
                    published=post.published,
                    image=post.image,
                )
            if post.article:
                yield _listed(urljoin(page.url, post.article), target)


def _kind_of(url: str) -> _Kind:
    path = urlsplit(url).path
    for kind in _KINDS:
        if kind.path.fullmatch(path):
            return kind
    raise FetchError(
        url,
        "not a page of LinkedIn that can be read (allowed: /in/NAME, /in/NAME/recent-activity/all, "
        "/posts/…, /feed/update/…, /pulse/…, /company/NAME/posts)",
    )


def _listed(url: str, parent: Target, author: str | None = None) -> Target:
    return Target(
        url=url,
        author=author or parent.author,
        max_pages=parent.max_pages,
        listed=True,
        found_on=parent.url,
    )


def _slug(url: str) -> str:
    return unquote(urlsplit(url).path.split("/")[2])


def _title(text: str) -> str:
    """Returns the first line, cut between words."""
    return shorten(text.partition("\n")[0], _TITLE_LENGTH, placeholder="…") or "Post"
