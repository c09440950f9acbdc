"""Substack: a publication by its feed or its archive, and what of a feed is a whole post.

The feed gives the twenty latest posts with their text. The archive is taken from the sitemap, which
names every post. A post for subscribers is cut in the feed; its page is visited, and says that it
is not free to read.
"""

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from llm_engineering.infrastructure.crawlers.feed import Entry

GENERATOR = "Substack"
_HOST = re.compile(r"(?!www\.|open\.|support\.|on\.|read\.)[\w-]+\.substack\.com")
_CUT = re.compile(r"<a\s[^>]*>\s*(?:Read more|Keep reading)[^<]{0,40}</a>\s*(?:</p>\s*)?$", re.I)


def is_publication(link: SplitResult) -> bool:
    """Returns whether a link is the front page of a publication."""
    return _is_host(link) and link.path.rstrip("/") == ""


def is_archive(link: SplitResult) -> bool:
    """Returns whether a link is the archive of a publication."""
    return _is_host(link) and link.path.rstrip("/") == "/archive"


def feed_of(url: str) -> str:
    """Returns the feed of a publication."""
    return urljoin(_root(url), "/feed")


def sitemap_of(url: str) -> str:
    """Returns the sitemap of a publication."""
    return urljoin(_root(url), "/sitemap.xml")


def whole_post(entry: Entry) -> Entry | None:
    """Returns an entry of a feed of Substack if it is the whole post."""
    if entry.url is None or not entry.full_text or _CUT.search(entry.full_text.rstrip()):
        return None
    return entry


def _is_host(link: SplitResult) -> bool:
    return bool(_HOST.fullmatch((link.hostname or "").rstrip(".")))


def _root(url: str) -> str:
    return f"https://{urlsplit(url).netloc}/"
