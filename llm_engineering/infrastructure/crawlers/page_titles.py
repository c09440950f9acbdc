"""The title of a page: the heading that a reader sees, checked against what the page declares."""

import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from lxml import html

Sourced = tuple[str, str]  # a value, and where it stands

_WORD = re.compile(r"\w+")
_SEPARATOR = re.compile(r"\s+[|\u2013\u2014·•»:-]{1,2}\s+|\s*\|\s*")
_ALIKE = 0.5
_HOSTS_OF_DOCUMENTS = frozenset(("github.com", "gitlab.com"))  # their heading is the README's
_LONG_WORD = 5  # letters
_MAX_HEADINGS = 5


def title_of(
    tree: html.HtmlElement, url: str, declared: Sequence[Sourced], site_names: Collection[str]
) -> Sourced:
    """Returns the title of a page and where it stands; the last of the address when there is none.

    Args:
        tree: the page.
        url: where it came from.
        declared: titles that the page gives of itself, best first.
        site_names: case-folded names that are no title of a page.
    """
    declared = [(_tidy(text), source) for text, source in declared if _tidy(text)]
    document_title = _tidy(tree.findtext(".//head/title") or tree.findtext(".//title") or "")
    known = [text for text, _ in declared] or [without_site(document_title, site_names)]
    headings = list(_headings(tree))
    shows_another = bool(declared) and urlsplit(url).hostname in _HOSTS_OF_DOCUMENTS
    heading = None if shows_another else _best_heading(headings, known, site_names)
    if heading:
        return _without_kicker(heading, [text for text, _ in declared]), "h1"
    for text, source in declared:
        if text.casefold() not in site_names:
            return without_site(text, site_names), source
    if document_title:
        return without_site(document_title, site_names), "title"
    if headings:
        return headings[0], "h1"
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc, "address"


def _headings(tree: html.HtmlElement) -> Iterator[str]:
    for heading in tree.xpath(f"(//h1)[position() <= {_MAX_HEADINGS}]"):
        text = _tidy(" ".join(heading.itertext()))
        if text:
            yield text


def _best_heading(
    headings: Sequence[str], known: Sequence[str], site_names: Collection[str]
) -> str | None:
    """Returns the heading that says what the page says of itself elsewhere.

    The only heading may put it in other words, but not in none of the same.
    """
    own = [heading for heading in headings if heading.casefold() not in site_names]
    likeness = {
        heading: max((_likeness(heading, text) for text in known), default=0.0) for heading in own
    }
    best = max(own, key=likeness.__getitem__, default=None)
    if best is None or likeness[best] >= _ALIKE:
        return best
    words = {word for text in known for word in _words(text) if len(word) >= _LONG_WORD}
    return best if len(headings) == 1 and _words(best) & words else None


def _likeness(heading: str, text: str) -> float:
    """Returns the share (0 to 1) of the words of both that are in both (Dice)."""
    own, other = _words(heading), _words(text)
    return 2 * len(own & other) / (len(own) + len(other)) if own and other else 0.0


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _without_kicker(heading: str, declared: Sequence[str]) -> str:
    """Returns the end of a heading that alone is declared as the title, else all of it."""
    for text in declared:
        if len(text) < len(heading) and heading.casefold().endswith(text.casefold()):
            return heading[-len(text) :]
    return heading


def without_site(title: str, site_names: Collection[str]) -> str:
    """Returns a title without the name of the site before or after a separator.

    A last part that is no known name goes too when it is short beside the rest.
    """
    separators = list(_SEPARATOR.finditer(title))
    if not separators:
        return title
    first, last = separators[0], separators[-1]
    if title[: first.start()].casefold() in site_names:
        return title[first.end() :]
    rest, name = title[: last.start()], title[last.end() :]
    short = len(_WORD.findall(name)) <= 4 and len(name) * 2 <= len(rest)  # noqa: PLR2004
    return rest if short or name.casefold() in site_names else title


def _tidy(text: str) -> str:
    return " ".join(text.split())
