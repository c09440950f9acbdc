"""Posts of LinkedIn: from the JSON in the page, else from its elements."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bs4 import BeautifulSoup, Tag
from lxml import html

from llm_engineering.infrastructure.crawlers.structured_data import read
from llm_engineering.infrastructure.crawlers.xml_reading import instant

_ID = re.compile(r"(?:activity|share|ugcPost)[:-](\d{15,20})")
_ACTIVITY = re.compile(r"activity[:-](\d{15,20})")
_SHIFT = 22  # an id of LinkedIn is milliseconds since 1970 and 22 further bits
_TEXT = (
    ".update-components-text, .feed-shared-text, [data-test-id=main-feed-activity-card__commentary]"
)
_AUTHOR = (
    ".update-components-actor__name, .update-components-actor__title, "
    "[data-tracking-control-name=public_post_feed-actor-name]"
)
_IMAGE = ".update-components-image img, .feed-shared-image img, img[data-delayed-url*=feedshare]"
_ARTICLE = "a[href*='/pulse/']"
_ITEM = "[data-urn*='urn:li:activity:'], [data-activity-urn*='urn:li:activity:']"
FEED_ITEM = _ITEM


@dataclass(frozen=True)
class Post:
    """One post; `article` is the address of the article that it announces."""

    url: str
    text: str
    author: str | None = None
    published: datetime | None = None
    image: str | None = None
    article: str | None = None


def posts_of(tree: html.HtmlElement, soup: BeautifulSoup, page_url: str) -> Iterator[Post]:
    """Yields the posts of a page, each once: those of its JSON first."""
    seen: set[str] = set()
    for post in (*_from_json(tree, page_url), *_from_elements(soup, page_url)):
        if post.url not in seen and (post.text or post.image or post.article):
            seen.add(post.url)
            yield post


def _from_json(tree: html.HtmlElement, page_url: str) -> Iterator[Post]:
    for found in read(tree, "linkedin_posts").get("posts", ()):
        fields: Mapping[str, Any] = found.value
        address = f"{_text(fields, 'urn')} {_text(fields, 'url')}"
        text = _text(fields, "text")
        if _ID.search(address) or fields.get("url"):
            yield Post(
                url=_address(address, _text(fields, "url") or page_url),
                text=text,
                author=_text(fields, "author") or None,
                published=instant(_text(fields, "published")) or _time_of(address),
                image=_image(fields.get("image")),
                article=_text(fields, "article") or None,
            )


def _from_elements(soup: BeautifulSoup, page_url: str) -> Iterator[Post]:
    for item in soup.select(_ITEM):
        if item.find_parent(attrs={"data-urn": _ACTIVITY}):
            continue  # a post that another one shares
        urn = str(item.get("data-urn") or item.get("data-activity-urn") or "")
        author, image, article = (item.select_one(path) for path in (_AUTHOR, _IMAGE, _ARTICLE))
        text = item.select_one(_TEXT)
        yield Post(
            url=_address(urn, page_url),
            text=_lines(text) if text else "",
            author=_name(author) if author else None,
            published=_time_of(urn),
            image=_source(image) if image else None,
            article=str(article["href"]) if article else None,
        )


def _address(urn: str, otherwise: str) -> str:
    found = _ACTIVITY.search(urn)
    if not found:
        return otherwise
    return f"https://www.linkedin.com/feed/update/urn:li:activity:{found[1]}"


def _time_of(urn: str) -> datetime | None:
    found = _ID.search(urn)
    return datetime.fromtimestamp((int(found[1]) >> _SHIFT) / 1000, UTC) if found else None


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _image(value: object) -> str | None:
    """Returns the address of an image; LinkedIn's entities have it in two pieces."""
    if isinstance(value, dict) and value.get("root") and value.get("largest"):
        return f"{value['root']}{value['largest']}"
    return value.strip() or None if isinstance(value, str) else None


def _lines(element: Tag) -> str:
    """Returns the text with its line breaks."""
    for br in element.find_all("br"):
        br.replace_with("\n")
    lines = (" ".join(line.split()) for line in element.get_text().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _name(element: Tag) -> str | None:
    """Returns a name once: it stands there again for screen readers."""
    shown = element.select_one("[aria-hidden=true]") or element
    return " ".join(shown.get_text(" ").split()) or None


def _source(image: Tag) -> str | None:
    return str(image.get("data-delayed-url") or image.get("src") or "") or None
