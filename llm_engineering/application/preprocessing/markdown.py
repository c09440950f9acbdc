"""The structure of Markdown, as far as chunking needs it: headings, fences, lists, paragraphs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llm_engineering.application.preprocessing.cleaning import fence_after
from llm_engineering.application.preprocessing.gauge import Gauge, Headings, Span
from llm_engineering.application.preprocessing.pieces import Piece, Role, split_section

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(={3,}|-{3,})[ \t]*$")
_ROW = re.compile(r"\s*(?:[-*+]\s|\d{1,9}[.)]\s|\||```|~~~)")
_ITEM_OR_INDENTED = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s|\s{2,}\S")
_SENTENCE_END = re.compile(r"[.!?…][\"'\u201d\u2019)\]]*\s+|[\u3002\uff01\uff1f]\s*")


@dataclass(slots=True)
class _Block:
    """Lines that belong together. `level` is 1 to 6 for a heading, else 0."""

    start: int
    end: int
    level: int = 0
    heading: str = ""
    rows: bool = False  # a list, table or fence: cut between lines, not sentences


def markdown_pieces(title: str, gauge: Gauge) -> Iterator[Piece]:
    """Yields the pieces of a Markdown text; `title` stands above all headings, unless it is one."""
    blocks = list(_blocks(gauge.text))
    first = next((block.heading for block in blocks if block.level), "")
    base = (title,) if title and first.casefold() != title.casefold() else ()
    open_headings: list[tuple[int, str]] = []
    for section in _sections(blocks):
        head = section[0]
        if head.level:
            open_headings = [above for above in open_headings if above[0] < head.level]
        above = base + tuple(text for _, text in open_headings)
        if head.level:
            open_headings.append((head.level, head.heading))
        yield from _section_pieces(section, above, gauge)


def _section_pieces(blocks: Sequence[_Block], above: Headings, gauge: Gauge) -> Iterator[Piece]:
    start, end = blocks[0].start, blocks[-1].end
    if gauge.size(start, end) <= gauge.room(above):
        role = Role.HEADING if blocks[-1].level else Role.WHOLE
        yield Piece(start, end, above, role)
        return
    rows = {block.start: block.rows for block in blocks}

    def finer(span: Span) -> Iterable[Span]:
        return lines(gauge.text, *span) if rows.get(span[0]) else _sentences(gauge.text, *span)

    below = (*above, blocks[0].heading) if blocks[0].level else above
    parts = [(block.start, block.end) for block in blocks]
    if blocks[0].level and len(parts) > 1:
        joined = (parts[0][0], parts[1][1])
        if gauge.size(*joined) <= gauge.room(above):  # a heading does not end a chunk
            parts[:2] = [joined]
    yield from split_section(parts, above, below, finer, gauge)


def _sections(blocks: Iterable[_Block]) -> Iterator[list[_Block]]:
    """Yields each heading with the blocks up to the next one."""
    section: list[_Block] = []
    for block in blocks:
        if block.level and section:
            yield section
            section = []
        section.append(block)
    if section:
        yield section


def _blocks(text: str) -> Iterator[_Block]:
    """Yields headings, fences, lists (loose ones too), tables and paragraphs in order."""
    block: _Block | None = None
    fence, blank = "", False
    for start, end in lines(text, 0, len(text)):
        line = text[start:end].rstrip("\n")
        was_open, fence = fence, fence_after(line, fence)
        if was_open or not line.strip():
            blank = not was_open
            if was_open and block:
                block.end = end
            if was_open and not fence and block:
                yield block
                block = None
            continue
        if block and not blank and _underlines(line, block, text):
            block.level = 1 if "=" in line else 2
            block.heading, block.end = text[block.start : start].strip(), end
            continue
        following = _following(line, start, end, block, fence=bool(fence), blank=blank)
        if following is not block and block:
            yield block
        block, blank = following, False
    if block:
        yield block


def _following(
    line: str, start: int, end: int, block: _Block | None, *, fence: bool, blank: bool
) -> _Block:
    """Returns the block that a line outside of fences belongs to: `block`, or a new one."""
    if match := _ATX.match(line):
        return _Block(start, end, len(match[1]), _heading(line[match.end() :]))
    if fence or block is None or block.level:
        return _Block(start, end, rows=bool(_ROW.match(line)))
    if blank and not (block.rows and _ITEM_OR_INDENTED.match(line)):
        return _Block(start, end, rows=bool(_ROW.match(line)))
    block.end = end
    block.rows = block.rows or bool(_ROW.match(line))
    return block


def _heading(rest: str) -> str:
    """Returns the heading without a closing row of `#`."""
    heading = rest.strip()
    opened = heading.rstrip("#")
    return opened.rstrip() if opened[-1:] in ("", " ", "\t") else heading


def _underlines(line: str, block: _Block, text: str) -> bool:
    """Returns whether the line makes a heading of the one line before it."""
    if block.level or block.rows or not _UNDERLINE.match(line):
        return False
    return text.count("\n", block.start, block.end) == 1


def lines(text: str, start: int, end: int) -> Iterator[Span]:
    """Yields the span of every line, its line feed included."""
    while start < end:
        stop = text.find("\n", start, end) + 1 or end
        yield start, stop
        start = stop


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _SENTENCE_END.finditer(text, start, end):
        yield start, match.end()
        start = match.end()
    if start < end:
        yield start, end
