"""A page as the sequence of its text blocks, and the page with only some of them left."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree, html

_INLINE = frozenset(
    (
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn"),
        *("em", "font", "i", "img", "ins", "kbd", "label", "mark", "math", "nobr", "picture", "q"),
        *("rp", "rt", "ruby", "s", "samp", "small", "source", "span", "strike", "strong", "sub"),
        *("sup", "svg", "td", "th", "time", "tt", "u", "var", "wbr"),
    )
)
_CELLS = frozenset(("td", "th"))
_NO_TEXT = frozenset(("head", "link", "meta", "noscript", "script", "style", "template", "title"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_WORD = re.compile(r"\w+")

Words = tuple[str, ...]


@dataclass(eq=False)
class Block:
    """A run of text without a block-level boundary in it; a table row and a `pre` are one each.

    Args:
        element: the nearest block-level element around it.
        pieces: where its text stands: (element, whether it is the tail and not the text).
        text: as in the page.
        linked: characters of it that are in links to other pages.
    """

    element: html.HtmlElement
    pieces: list[tuple[html.HtmlElement, bool]] = field(default_factory=list)
    text: str = ""
    linked: int = 0
    words: Words = ()

    @property
    def is_heading(self) -> bool:
        """Whether it stands in a heading."""
        return self.element.tag in _HEADINGS

    @property
    def is_linked(self) -> bool:
        """Whether nothing but a word or sign of it is outside a link to another page."""
        return self.linked >= 0.9 * len(self.text.strip())

    def within(self, depth: int) -> Iterator[html.HtmlElement]:
        """Yields the innermost elements around the text, at most `depth`, innermost first."""
        node = self.pieces[0][0]
        node = node.getparent() if self.pieces[0][1] else node
        while node is not None and depth:
            yield node
            node, depth = node.getparent(), depth - 1


def words_of(text: str) -> Words:
    """Returns the words of a text."""
    return tuple(_WORD.findall(text))


def blocks_of(root: html.HtmlElement) -> Sequence[Block]:
    """Returns the blocks of an element that have a word in them, in the order of the page."""
    return list(_Walk(root).blocks())


class _Walk:
    """One pass over a tree, which closes a block at each boundary."""

    def __init__(self, root: html.HtmlElement) -> None:
        self._root = root
        self._open: Block | None = None
        self._links = 0
        self._around = [root]  # block-level elements

    def blocks(self) -> Iterator[Block]:
        walk = etree.iterwalk(self._root, events=("start", "end"))
        silent = pre = 0
        for event, node in walk:
            tag = node.tag
            if not isinstance(tag, str):
                continue
            boundary = tag not in _INLINE and not pre
            if event == "start":
                silent += tag in _NO_TEXT
                if boundary:
                    yield from self._closed()
                    self._around.append(node)
                elif tag in _CELLS and self._open:
                    self._open.text += " "
                pre += tag == "pre"
                self._links += _leads_away(node)
                self._add(node, node.text if not silent else None, tail=False)
            else:
                pre -= tag == "pre"
                silent -= tag in _NO_TEXT
                self._links -= _leads_away(node)
                if tag not in _INLINE and not pre:
                    yield from self._closed()
                    self._around.pop()
                if node is not self._root:
                    self._add(node, node.tail if not silent else None, tail=True)
        yield from self._closed()

    def _add(self, node: html.HtmlElement, text: str | None, *, tail: bool) -> None:
        if not text:
            return
        if self._open is None:
            self._open = Block(self._around[-1])
        self._open.pieces.append((node, tail))
        self._open.text += text
        self._open.linked += len(text) if self._links else 0

    def _closed(self) -> Iterator[Block]:
        block, self._open = self._open, None
        if block is not None:
            block.words = words_of(block.text)
            if block.words:
                yield block


def _leads_away(node: html.HtmlElement) -> bool:
    return node.tag == "a" and not (node.get("href") or "#").startswith("#")


def keep_only(root: html.HtmlElement, kept: Sequence[Block]) -> None:
    """Takes everything but some of its blocks out of an element, in place."""
    pieces = {piece for block in kept for piece in block.pieces}
    needed = {root}
    for node, is_tail in pieces:
        around = node.getparent() if is_tail else node
        while around is not None and around not in needed:
            needed.add(around)
            around = around.getparent()
    for node in needed:
        if (node, False) not in pieces:
            node.text = None
        for child in list(node):
            if (child, True) not in pieces:
                child.tail = None
            if child not in needed and child.tag != "br":
                _remove(child)


def _remove(child: html.HtmlElement) -> None:
    """Removes an element; cells stay as empty ones, and what a boundary divided stays apart."""
    cell = child.tag in _CELLS
    if cell or (child.tail and child.tag not in _INLINE):
        tail = child.tail
        child.clear()
        child.tag, child.tail = child.tag if cell else "p", tail
    else:
        child.drop_tree()
