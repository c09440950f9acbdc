"""The structure of source code, as far as chunking needs it: definitions, gaps, indentation.

No grammar is used: a block starts after a blank line at the outermost indentation, which holds for
code in most languages as people format it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from llm_engineering.application.preprocessing.gauge import Gauge, Headings, Span
from llm_engineering.application.preprocessing.markdown import lines
from llm_engineering.application.preprocessing.pieces import Piece, Role, split_section

_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|static|final|abstract|async|pub|unsafe)\s+)*"
    r"(?P<kind>class|def|function|func|fn|interface|struct|enum|trait|impl|module|namespace)\s+"
    r"(?P<name>\w{1,80})"
)
_BELONGS_TO_NEXT = ("@", "#", "//", "/*", "*")  # decorators and comments
_DEEPEST = 6  # levels of indentation that are looked into


def code_pieces(path: str, gauge: Gauge) -> Iterator[Piece]:
    """Yields the pieces of a file; its path and the definitions around a piece are its headings."""
    rows = list(lines(gauge.text, 0, len(gauge.text)))
    yield from _pieces(rows, (path,), gauge, indent=0, depth=0)


def _pieces(
    rows: Sequence[Span], headings: Headings, gauge: Gauge, *, indent: int, depth: int
) -> Iterator[Piece]:
    for block in _blocks(rows, gauge.text, indent):
        start, end = block[0][0], block[-1][1]
        if gauge.size(start, end) <= gauge.room(headings):
            yield Piece(start, end, headings, Role.WHOLE)
        else:
            yield from _divided(block, headings, gauge, indent=indent, depth=depth)


def _divided(
    block: Sequence[Span], headings: Headings, gauge: Gauge, *, indent: int, depth: int
) -> Iterator[Piece]:
    """Yields the pieces of a block that does not fit: what is indented deeper, or its lines."""
    name = _definition(block, gauge.text)
    inner = (*headings, name) if name else headings
    deeper = _next_indent(block, gauge.text, indent)
    parts = [] if deeper is None else list(_blocks(block, gauge.text, deeper))
    if deeper is None or len(parts) == 1 or depth == _DEEPEST:
        yield from split_section(block, headings, inner, lambda row: [row], gauge)
        return
    role = Role.OPENING
    for part, above in zip(parts, [headings, *[inner] * (len(parts) - 1)], strict=True):
        for piece in _pieces(part, above, gauge, indent=deeper, depth=depth + 1):
            yield replace(piece, role=role) if role is Role.OPENING else piece
            role = Role.CONTINUATION


def _blocks(rows: Sequence[Span], text: str, indent: int) -> Iterator[list[Span]]:
    """Yields blocks of rows: one starts at most `indent` deep, after a gap or at a definition."""
    block: list[Span] = []
    before = ""
    for row in rows:
        line = text[row[0] : row[1]]
        if block and line.strip() and _indent(line) <= indent and _opens(line, before):
            yield block
            block = []
        block.append(row)
        before = line.strip()
    if block:
        yield block


def _opens(line: str, before: str) -> bool:
    """Returns whether a line starts a block, given the stripped line before it."""
    return not before or bool(_DEFINITION.match(line) and not before.startswith(_BELONGS_TO_NEXT))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _next_indent(rows: Sequence[Span], text: str, indent: int) -> int | None:
    """Returns the smallest indentation beyond `indent` that occurs."""
    lines_ = (text[start:end] for start, end in rows)
    return min((_indent(x) for x in lines_ if x.strip() and _indent(x) > indent), default=None)


def _definition(rows: Sequence[Span], text: str) -> str:
    """Returns the name that a block defines, such as `class Chunk`, or ""."""
    for start, end in rows:
        line = text[start:end]
        if match := _DEFINITION.match(line):
            return f"{match['kind']} {match['name']}"
        if line.strip() and not line.strip().startswith(_BELONGS_TO_NEXT):
            return ""
    return ""
