"""Feeds and sitemaps to read, in the shapes that sites give them."""

from datetime import UTC, datetime

from llm_engineering.application.ports.crawling import Finding, Target
from llm_engineering.infrastructure.crawlers.fetcher import Response
from llm_engineering.infrastructure.crawlers.listing import named_in

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SITE = "https://harbour.example"
FEED = f"{SITE}/blog/feed.xml"
SITEMAP = f"{SITE}/sitemap.xml"
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def rss(*items: str, channel: str = "") -> str:
    """An RSS 2.0 feed with the modules that most sites use."""
    inside = "".join(f"<item>{item}</item>" for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">'
        f"<channel><title>Harbour</title><link>{SITE}/</link>{channel}{inside}</channel></rss>"
    )


def atom(*entries: str, feed: str = "") -> str:
    """An Atom feed."""
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>Harbour</title>{feed}{inside}</feed>"
    )


def urlset(*pages: str | tuple[str, str], namespace: str = f' xmlns="{NAMESPACE}"') -> str:
    """A sitemap of pages, or of pages with their `lastmod`."""
    urls = ""
    for page in pages:
        address, changed = page if isinstance(page, tuple) else (page, "")
        urls += f"<url><loc>{address}</loc>{changed and f'<lastmod>{changed}</lastmod>'}</url>"
    return f'<?xml version="1.0"?><urlset{namespace}>{urls}</urlset>'


def index_of(*addresses: str) -> str:
    """An index of sitemaps."""
    maps = "".join(f"<sitemap><loc>{address}</loc></sitemap>" for address in addresses)
    return f'<sitemapindex xmlns="{NAMESPACE}">{maps}</sitemapindex>'


def named(
    body: str | bytes,
    url: str = FEED,
    content_type: str = "application/xml",
    target: Target | None = None,
) -> list[Finding]:
    """What a list names that came from `url`."""
    data = body.encode() if isinstance(body, str) else body
    return list(named_in(Response(url, content_type, None, data), target or Target(url=url), NOW))


def targets(
    body: str | bytes,
    url: str = FEED,
    content_type: str = "application/xml",
    target: Target | None = None,
) -> list[Target]:
    """The targets that a list names, which must name nothing else."""
    findings = named(body, url, content_type, target)
    found = [finding for finding in findings if isinstance(finding, Target)]
    assert found == findings
    return found
