"""How large spans of one text are, in the embedder's tokens, and where they can be cut."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from llm_engineering.application.ports.models import TextTokenizer
from llm_engineering.application.preprocessing.config import ChunkingConfig

CHARACTERS_A_TOKEN = 16  # a span never counts less: some tokenizers call any long word one token
_WINDOW = 100_000  # characters that are tokenized at once: bounds memory

Headings = tuple[str, ...]
Span = tuple[int, int]


class Gauge:
    """Measures spans of a text after tokenizing it once."""

    def __init__(self, text: str, tokenizer: TextTokenizer, config: ChunkingConfig) -> None:
        self.text = text
        self._tokenizer = tokenizer
        self._config = config
        self._capped: dict[Headings, tuple[Headings, int]] = {}
        self._starts = array("Q")  # where tokens start
        for start, end in _windows(text):
            spans = tokenizer.token_spans(text[start:end])
            self._starts.extend(start + token for token, _ in spans)

    def size(self, start: int, end: int) -> int:
        """Returns the tokens of a span, but at least one for every 16 characters."""
        tokens = bisect_left(self._starts, end) - bisect_left(self._starts, start)
        return max(tokens, -(-(end - start) // CHARACTERS_A_TOKEN))

    def room(self, headings: Headings) -> int:
        """Returns how many tokens a span below these headings may have."""
        _, cost = self._cap(headings)
        return self._config.chunk_tokens - self._config.overlap_tokens - cost

    def capped(self, headings: Headings) -> Headings:
        """Returns the headings that fit into their budget.

        The innermost one says most, then the outermost, then the others from the inside out.
        """
        return self._cap(headings)[0]

    def cuts(self, start: int, end: int, room: int) -> Iterator[Span]:
        """Yields consecutive spans of at most `room` tokens, cut between words where there are."""
        while self.size(start, end) > room:
            first = bisect_left(self._starts, start)
            limit = start + room * CHARACTERS_A_TOKEN
            if first + room < len(self._starts):
                limit = max(start + 1, min(limit, self._starts[first + room]))
            cut = self.text.rfind(" ", (start + limit) // 2, limit) + 1 or limit
            yield start, cut
            start = cut
        yield start, end

    def back(self, position: int, tokens: int) -> int:
        """Returns where a span starts that has `tokens` tokens and ends at `position`."""
        first = bisect_left(self._starts, position)
        start = self._starts[max(0, first - tokens)] if first else position
        return max(start, position - tokens * CHARACTERS_A_TOKEN)

    def _cap(self, headings: Headings) -> tuple[Headings, int]:
        if headings not in self._capped:
            self._capped[headings] = self._choose(headings)
        return self._capped[headings]

    def _choose(self, headings: Headings) -> tuple[Headings, int]:
        budget = self._config.heading_tokens
        shortened = [self._shortened(heading, max(0, budget - 1)) for heading in headings]
        inner_first = list(range(len(headings) - 1, -1, -1))
        chosen: set[int] = set()
        spent = 0
        for place in inner_first[:1] + inner_first[-1:] + inner_first[1:-1]:
            cost = len(self._tokenizer.token_spans(f" > {shortened[place]}"))
            if place not in chosen and shortened[place] and spent + cost <= budget:
                chosen.add(place)
                spent += cost
        return tuple(shortened[place] for place in sorted(chosen)), spent

    def _shortened(self, heading: str, tokens: int) -> str:
        heading = " ".join(heading.split())[: tokens * CHARACTERS_A_TOKEN]
        spans = self._tokenizer.token_spans(heading)
        return heading if len(spans) <= tokens else heading[: spans[tokens][0]].rstrip()


def _windows(text: str) -> Iterator[Span]:
    """Yields consecutive spans, ended by a line end where there is one."""
    start = 0
    while start < len(text):
        end = start + _WINDOW
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        yield start, min(end, len(text))
        start = end
