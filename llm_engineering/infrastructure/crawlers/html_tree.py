"""An HTML page as a tree: parsed, freed of what no reader sees, and its links."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from llm_engineering.domain.errors import ExtractionError, InvalidInput
from llm_engineering.domain.ids import canonical_url
from llm_engineering.infrastructure.crawlers.hidden_text import hidden_elements

_PERMALINK_MARKS = frozenset("¶#§🔗")

# What a browser does not show as a page; following such links would only cost.
_FILES = re.compile(
    r"\.(7z|atom|avi|bin|bmp|bz2|css|csv|deb|dmg|docx?|epub|exe|flac|gif|gz|ico|ipynb|iso|jar|jpe?g"
    r"|m?js|json|m4a|md|mov|mp[34g]|mpeg|od[pst]|ogg|pdf|png|pptx?|ps|py|rar|rss|rst|svg|tar|tgz"
    r"|tiff?|ttf|otf|txt|wasm|wav|web[mp]|whl|woff2?|xlsx?|xml|xz|zip|zst)$",
    re.I,
)


def parse(text: str, url: str) -> html.HtmlElement:
    """Returns the tree of a page without scripts, hidden elements and permalink marks.

    Raises:
        ExtractionError: there is nothing in it.
    """
    tree = _parsed(text, url, remove_comments=True)
    drop_hidden(tree)
    return tree


def parse_raw(text: str, url: str) -> html.HtmlElement:
    """Returns the whole tree of a page, for `structured_data`; `drop_hidden` makes it readable.

    Raises:
        ExtractionError: there is nothing in it.
    """
    return _parsed(text, url, remove_comments=False)


def _parsed(text: str, url: str, *, remove_comments: bool) -> html.HtmlElement:
    if not text.strip():
        raise ExtractionError(url, "the page is empty")
    parser = html.HTMLParser(encoding="utf-8", remove_comments=remove_comments, remove_pis=True)
    try:
        return html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise ExtractionError(url, f"not HTML ({' '.join(str(error).split())})") from error


def drop_hidden(tree: html.HtmlElement) -> None:
    """Drops scripts (but JSON-LD), comments, hidden elements and permalink marks."""
    etree.strip_elements(tree, etree.Comment, with_tail=False)
    for script in tree.xpath(".//body//script[contains(@type, 'ld+json')]"):
        script.drop_tree()  # it may stand in a hidden element; text and all, it is no content
        tree.append(script)
    _drop(hidden_elements(tree))
    _drop(node for node in tree.iterfind(".//a[@href]") if _is_permalink(node))


def _drop(nodes: Iterator[html.HtmlElement] | Sequence[html.HtmlElement]) -> None:
    for node in list(nodes):
        if node.getparent() is not None:
            node.drop_tree()


def _is_permalink(link: html.HtmlElement) -> bool:
    return "#" in link.get("href") and "".join(link.itertext()).strip() in _PERMALINK_MARKS


def links(tree: html.HtmlElement, page_url: str) -> Sequence[str]:
    """Returns the canonical addresses of the pages that a page links to, each once, in order."""
    base = base_address(tree, page_url)
    found: dict[str, None] = {}
    for link in tree.iterfind(".//a[@href]"):
        address = page_address(link.get("href"), base)
        if address is not None:
            found[address] = None
    return tuple(found)


def base_address(tree: html.HtmlElement, page_url: str) -> str:
    """Returns the address that the links of a page are relative to."""
    declared = tree.find(".//base[@href]")
    return (
        page_url if declared is None else absolute_url(page_url, declared.get("href")) or page_url
    )


def page_address(href: str, base: str) -> str | None:
    """Returns the canonical address of a link, None when it cannot be a page."""
    address = absolute_url(base, href)
    return address if address is not None and may_be_page(address) else None


def may_be_page(address: str) -> bool:
    """Returns whether an address is of the web and does not end like a file."""
    web = address.startswith(("http://", "https://"))
    return web and not _FILES.search(urlsplit(address).path)


def absolute_url(base: str, href: str) -> str | None:
    """Returns the canonical address of a link on a page, None when it is no address."""
    try:
        return canonical_url(urljoin(base, href.strip()))
    except (InvalidInput, ValueError):
        return None


def declared_address(tree: html.HtmlElement, page_url: str) -> str:
    """Returns the address that the page gives as its canonical one, else its own.

    It counts on the same host only. A whole site that names its home page on every page is a
    common mistake, and is not believed either.
    """
    for link in tree.iterfind(".//link[@href]"):
        if "canonical" in link.get("rel", "").lower().split():
            address = absolute_url(base_address(tree, page_url), link.get("href"))
            if address is not None and _believable(address, page_url):
                return address
    return canonical_url(page_url)


def _believable(address: str, page_url: str) -> bool:
    declared, own = urlsplit(address), urlsplit(canonical_url(page_url))
    home_page = declared.path == "/" and own.path != "/" and not declared.query
    return declared.netloc == own.netloc and not home_page
