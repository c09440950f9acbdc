"""Pieces of a text that belong together, and how they are packed into chunks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from llm_engineering.application.preprocessing.gauge import Gauge, Headings, Span


class Role(Enum):
    """What a piece is of its section."""

    WHOLE = auto()
    HEADING = auto()  # a section that has nothing but its heading
    OPENING = auto()  # the first piece of one that did not fit
    CONTINUATION = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """A span that stays in one chunk. `headings` are those above it, outermost first."""

    start: int
    end: int
    headings: Headings
    role: Role


@dataclass(frozen=True, slots=True)
class PackedSpan:
    """The span of a chunk. `continues` says that its section began in the chunk before."""

    start: int
    end: int
    headings: Headings
    continues: bool


def pack(pieces: Iterable[Piece], gauge: Gauge) -> Iterator[PackedSpan]:
    """Yields neighbouring pieces joined as long as they fit and stand below the same headings.

    A section that does not fit whole opens a chunk of its own.
    """
    group: list[Piece] = []
    for piece in pieces:
        if group and not _joins(piece, group, gauge):
            yield _packed(group)
            group = []
        group.append(piece)
    if group:
        yield _packed(group)


def split_section(
    spans: Sequence[Span],
    above: Headings,
    below: Headings,
    finer: Callable[[Span], Iterable[Span]],
    gauge: Gauge,
) -> Iterator[Piece]:
    """Yields the pieces of a section that does not fit whole.

    Args:
        spans: its parts, in order.
        above: the headings above the section.
        below: the headings above what follows its first part: `above` and its own.
        finer: splits a part that does not fit.
        gauge: measures.
    """
    role, headings = Role.OPENING, above
    for span in spans:
        room = gauge.room(headings)
        fits = gauge.size(*span) <= room
        for part in [span] if fits else finer(span):
            for start, end in gauge.cuts(*part, room):
                yield Piece(start, end, headings, role)
                role, headings = Role.CONTINUATION, below


def _joins(piece: Piece, group: Sequence[Piece], gauge: Gauge) -> bool:
    headings = group[0].headings
    if piece.headings[: len(headings)] != headings:
        return False
    if piece.role is Role.OPENING and any(other.role is not Role.HEADING for other in group):
        return False
    return gauge.size(group[0].start, piece.end) <= gauge.room(headings)


def _packed(group: Sequence[Piece]) -> PackedSpan:
    first = group[0]
    continues = first.role is Role.CONTINUATION
    return PackedSpan(first.start, group[-1].end, first.headings, continues)
