"""The main text of a page by vote: each extractor says which blocks of the page belong to it.

The best open extractors err on different pages and different blocks. Each reads the page in its
own way; what is taken are blocks of the page itself, so that none of them decides what the
structure of the text is.
"""

import copy
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import html

from llm_engineering.infrastructure.crawlers.blocks import Block, Words, blocks_of, words_of

_GRAM = 4  # words; the length by which the field compares texts
_MOSTLY = 0.9  # of a block's word runs: captions and summaries repeat half of a sentence
_NEIGHBOURS = 4
# The most careful extractor has the last word where one of the three has nothing.
_WEIGHTS: Mapping[str, float] = {"precision": 1.5, "readability": 1.0, "recall": 1.0}
_OVERSIGHT = 0.2
_DISPUTED = 0.2  # of the words; below this a third opinion is not worth its time


def elected(tree: html.HtmlElement, blocks: Sequence[Block]) -> tuple[Sequence[Block], str]:
    """Returns the blocks that the extractors agree on, and the names of those that voted.

    The third is asked only where the first two differ: three decide by majority.

    Args:
        tree: the page; it is not changed.
        blocks: all blocks of the page or of a copy of it.
    """
    runs = [_runs(block.words) for block in blocks]

    def votes_on(ballot: _Ballot) -> Sequence[bool]:
        return [ballot.has(block, its) for block, its in zip(blocks, runs, strict=True)]

    ballots = {
        "precision": _Ballot.of(_trafilatura(tree, precise=True)),
        "readability": _Ballot.of(_readability(tree)),
    }
    votes = {name: votes_on(ballot) for name, ballot in ballots.items()}
    if _are_disputed(blocks, votes["precision"], votes["readability"]):
        ballots["recall"] = _Ballot.of(_trafilatura(tree, precise=False))
        votes["recall"] = votes_on(ballots["recall"])
    voting = {name: _WEIGHTS[name] for name, ballot in ballots.items() if ballot.lines}
    half = sum(voting.values()) / 2
    chosen: Sequence[bool] = [
        sum(weight for name, weight in voting.items() if votes[name][place]) > half
        for place in range(len(blocks))
    ]
    if ballots["precision"].lines:
        chosen = _without_small_additions(blocks, chosen, votes["precision"])
    lines = ballots["precision"].lines | ballots.get("recall", ballots["precision"]).lines
    names = {"readability" if name == "readability" else "trafilatura": None for name in voting}
    return _without_copies(blocks, chosen, lines), "+".join(names)


def _without_small_additions(
    blocks: Sequence[Block], chosen: Sequence[bool], careful: Sequence[bool]
) -> Sequence[bool]:
    """Returns the choice without what the careful extractor left out, unless that is a lot.

    A line here and there is what it is careful about; a fifth of the text is an oversight.
    """
    added = taken = 0
    for block, elected_one, careful_one in zip(blocks, chosen, careful, strict=True):
        added += len(block.words) if elected_one and not careful_one else 0
        taken += len(block.words) if careful_one else 0
    if added >= _OVERSIGHT * taken:
        return chosen
    return [both and one for both, one in zip(chosen, careful, strict=True)]


def _are_disputed(blocks: Sequence[Block], one: Sequence[bool], other: Sequence[bool]) -> bool:
    taken = disputed = 0
    for block, first, second in zip(blocks, one, other, strict=True):
        taken += len(block.words) if first or second else 0
        disputed += len(block.words) if first != second else 0
    return disputed > _DISPUTED * taken or not taken


@dataclass(frozen=True)
class _Ballot:
    """What one extractor takes for the text: its lines, counted, and all runs of words."""

    lines: Counter[Words]
    runs: frozenset[Words]

    @classmethod
    def of(cls, lines: Sequence[Words]) -> "_Ballot":
        counted = Counter(line for line in lines if line)
        everything = tuple(word for line in lines for word in line)
        return cls(counted, frozenset(_runs(everything)))

    def has(self, block: Block, runs: Sequence[Words]) -> bool:
        """Returns whether the block is in the text; one of a few words must be a line of it."""
        if not runs:
            return block.words in self.lines
        return sum(run in self.runs for run in runs) >= _MOSTLY * len(runs)


def _runs(words: Words) -> Sequence[Words]:
    return [words[start : start + _GRAM] for start in range(len(words) - _GRAM + 1)]


def _trafilatura(tree: html.HtmlElement, *, precise: bool) -> Sequence[Words]:
    """Returns trafilatura's lines; without its own comparison where precision is not asked for."""
    import trafilatura  # noqa: PLC0415 - takes a second to import

    text = trafilatura.extract(
        copy.deepcopy(tree),
        favor_precision=precise,
        fast=not precise,
        include_comments=False,
        include_tables=True,
    )
    return [words_of(line) for line in (text or "").split("\n")]


def _readability(tree: html.HtmlElement) -> Sequence[Words]:
    """Returns the lines of Readability's choice, by the version that trafilatura carries."""
    from trafilatura.readability_lxml import Document  # noqa: PLC0415 - as above

    try:
        summary = Document(copy.deepcopy(tree)).summary()
        return [block.words for block in blocks_of(html.fromstring(summary))]
    except Exception:  # noqa: BLE001 - who fails on a page does not vote on it
        return []


def _without_copies(
    blocks: Sequence[Block], chosen: Sequence[bool], lines: Counter[Words]
) -> Sequence[Block]:
    """Returns the chosen blocks; of equal ones as many as an extractor has.

    The copy in the text, rather than in a teaser or gallery, is the one among other chosen blocks.
    """
    sizes = [len(block.text) if taken else 0 for block, taken in zip(blocks, chosen, strict=True)]
    copies: defaultdict[Words, list[int]] = defaultdict(list)
    for place, block in enumerate(blocks):
        if chosen[place]:
            copies[block.words].append(place)
    dropped: set[int] = set()
    for words, places in copies.items():
        allowed = max(1, lines[words])
        if len(places) > allowed:
            around = {
                place: sum(sizes[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS + 1])
                for place in places
            }
            dropped.update(sorted(places, key=lambda place: (-around[place], place))[allowed:])
    return [block for i, block in enumerate(blocks) if chosen[i] and i not in dropped]
