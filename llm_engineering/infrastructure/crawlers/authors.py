"""Names of authors: as JSON declares them, and as a page shows them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lxml import html

_MAX_NAMES = 12
_MAX_CHARACTERS = 60
_MAX_WORDS = 7
_BY = re.compile(
    r"^\W*(?:(?:(?:written|posted|published|reported|story|article|words|text|foto|photos?)\s+)?by"
    r"|(?:ein (?:artikel|beitrag) |geschrieben |text )?von|(?:publicado |escrito )?por|par|di|door"
    r"|af|authors?|autor(?:in|es|a)?|text)\b\s*:?\s*",
    re.I,
)
# where the name ends in a line such as "By Mary Somerville | 9 March 2024"
_END = re.compile(
    r"\s*(?:[|•·\u2013\u2014\n\t(\[/]|\s-\s|\s\d|\d{1,2}[.:/]|@|https?:|\b(?:published|updated|posted|last|on|am"
    r"|veröffentlicht|aktualisiert|publicado|view|read|follow|in|for|staff|min)\b)",
    re.I,
)
_AND = re.compile(r"\s*(?:;|,|\band\b|\bund\b|\bet\b|\by\b|&|\|)\s*", re.I)
_NO_NAME = re.compile(
    r"\b(?:\w*admin|administrator|www|comments?|posts?|all|view|alle|beiträge|anzeigen|cookies?"
    r"|subscribe|share|follow|read|click|menu|login)\b"
    r"|^(?:the )?(?:authors?|autor|editors?|staff|contributors?|about|profile|unknown|guest|online"
    r"|more)$",
    re.I,
)
_AUTHOR_CLASS = re.compile(
    r"(?:^|[-_ ])(?:by-?lines?|byline-?name|authors?|autor(?:es|in)?|writer|by-?author|posted-?by)"
    r"(?:[-_]{1,2}(?:name|link|names|info|url|label|information|title)|Name)?(?:[-_ ]|$)",
    re.I,
)
_ELSEWHERE = re.compile(
    r"comment|related|teaser|sidebar|widget|footer|recommend|newsletter|caption|cite|promo|popular"
    r"|latest|trending|avatar",
    re.I,
)
_BOX = re.compile(r"image|photo|listing|social|share|(?:box|bio|note|about|desc)", re.I)
_DATED = re.compile(
    r"(?:\w+,?\s)?\d{1,4}[./ -]{1,2}\w{1,10}[./ -]{1,2}\d{2,4}(?:,? \d{1,2}:\d\d)?"
    r"\s*[-\u2013\u2014|·•,]\s*"
)
_NAME = re.compile(
    r"[^\W\d_a-z][\w.'\u2019-]*"
    r"(?: (?:[^\W\d_a-z][\w.'\u2019-]*|de|da|von|van|der|den|di|du|la|le)){1,4}"
)
_LINES_AFTER_HEADING = 8
_MAX_MARKED = 200  # elements; who has more shows the authors of other pages
_FRAMES = frozenset(("aside", "footer", "nav", "figure", "figcaption", "blockquote"))


def declared_names(values: Sequence[Any], people: Sequence[Any]) -> str | None:
    """Returns the names in one `author` of JSON-LD: a text, an object, a reference, or a list.

    Args:
        values: authors.
        people: objects that references may point to by `@id`.
    """
    by_id = {person["@id"]: person for person in people if "@id" in person}
    names = [name for value in values for name in _named(value, by_id)]
    return _joined(names)


def _named(value: Any, by_id: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _named(one, by_id)
    elif isinstance(value, dict):
        known = value if "name" in value else by_id.get(str(value.get("@id")), {})
        yield from _named(known.get("name"), {})
    elif isinstance(value, str):
        yield from names_in(value)


def names_in(text: str) -> Sequence[str]:
    """Returns the names in a line such as "By Mary Somerville and Ada Lovelace | 9 March 2024"."""
    text = _BY.sub("", " ".join(text.split()))
    end = _END.search(text)
    text = text[: end.start()] if end else text
    return [
        name
        for name in (part.strip(" .,:;-\u2013\"'") for part in _AND.split(text))
        if _is_name(name)
    ]


def _is_name(text: str) -> bool:
    sized = 1 < len(text) <= _MAX_CHARACTERS and len(text.split()) <= _MAX_WORDS
    return sized and any(map(str.isalpha, text)) and not _NO_NAME.search(text)


def _joined(names: Sequence[str]) -> str | None:
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(name.casefold(), name)
    return ", ".join(list(unique.values())[:_MAX_NAMES]) or None


def shown_names(tree: html.HtmlElement) -> Iterator[tuple[str | None, str]]:
    """Yields the authors that elements of the page show, the most exactly marked first."""
    heading = tree.find(".//h1")
    frame = {tree, *(heading.iterancestors() if heading is not None else ())}
    for path, source in _MARKED:
        found = [
            element
            for element in tree.xpath(path)
            if _is_marked(element, source) and not _is_elsewhere(element, frame)
        ]
        exact = source in _EXACT
        for element in found[:_MAX_MARKED]:
            if _names_of(element, exact=exact):
                beside = [other for other in found if _are_siblings(element, other)]
                together = [element, *beside]
                yield _joined([n for one in together for n in _names_of(one, exact=exact)]), source
                break
    for line in _lines_below_heading(tree):
        yield _joined(_named_in_line(line)), "line below the heading"


_MARKED = (
    ("//*[contains(concat(' ', @itemprop, ' '), ' author ')]", "itemprop author"),
    ("//a[contains(concat(' ', @rel, ' '), ' author ')]", "rel author"),
    ("//*[@class][not(self::body or self::html or self::article)]", "byline"),
    ("//*[contains(@data-testid, 'byline') or contains(@data-testid, 'author')]", "test id byline"),
    ("//a[contains(@href, '/author/') or contains(@href, '/authors/')]", "link to the author"),
)
_EXACT = frozenset(("itemprop author", "rel author"))


def _is_marked(element: html.HtmlElement, source: str) -> bool:
    label = element.get("class", "")
    return source != "byline" or bool(_AUTHOR_CLASS.search(label) and not _BOX.search(label))


def _lines_below_heading(tree: html.HtmlElement) -> Iterator[str]:
    """Yields the first lines after the first `h1`."""
    heading = tree.find(".//h1")
    following = heading.xpath("following::text()[normalize-space()]") if heading is not None else ()
    for text in following[:_LINES_AFTER_HEADING]:
        yield " ".join(text.split())


def _named_in_line(line: str) -> Sequence[str]:
    """Returns the names in "By Ada Lovelace" or "11.12.2019 - Ada Lovelace", if that is all."""
    rest = _DATED.sub("", line, count=1) if _DATED.match(line) else _BY.sub("", line)
    if rest == line or len(rest) > _MAX_CHARACTERS:
        return ()
    names = [part.strip() for part in _AND.split(rest)]
    return names if names and all(map(_NAME.fullmatch, names)) else ()


def _names_of(element: html.HtmlElement, *, exact: bool) -> Sequence[str]:
    """Returns the names in the first lines; where the mark is not exact, no word of a sentence."""
    inner = element.xpath(".//*[contains(concat(' ', @itemprop, ' '), ' name ')]")
    shown = inner[0] if inner else element
    text = shown.get("content") or "\n".join(shown.itertext())
    lines = [line for line in text.split("\n") if line.strip()]
    for line in lines[:3]:
        names = names_in(line)
        if names and (exact or not names[0][:1].islower()):
            return names
    return ()


def _are_siblings(one: html.HtmlElement, other: html.HtmlElement) -> bool:
    return (
        one is not other
        and one.tag == other.tag
        and (
            one.getparent() is other.getparent()
            or one.getparent().getparent() is other.getparent().getparent()
        )
    )


def _is_elsewhere(element: html.HtmlElement, frame: Collection[html.HtmlElement]) -> bool:
    """Returns whether it names the author of something else on the page."""
    for node in (element, *element.iterancestors()):
        if node in frame:
            return False
        label = f"{node.get('class', '')} {node.get('id', '')}"
        if node.tag in _FRAMES or _ELSEWHERE.search(label):
            return True
    return False


def without(names: str | None, site_names: Collection[str]) -> str | None:
    """Returns names without those of the site; None when that is all."""
    kept = [name for name in (names or "").split(", ") if name.casefold() not in site_names]
    return ", ".join(name for name in kept if name) or None
