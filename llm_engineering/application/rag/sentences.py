"""Sentences: where they begin and end in a text."""

import re

# initials, e.g., c., and titles
_NO_ABBREVIATION = r"(?<!\b[A-Za-z]\.)(?<!\b(?:Dr|Mr|Ms|St|vs|No|cf|ca|Jr|Sr)\.)(?<!\bMrs\.)"
_SENTENCE_END = re.compile(
    rf"""(?:(?<=[.!?]){_NO_ABBREVIATION}|(?<=[.!?]["')\]]))\s+(?=["'(\[`A-Z0-9])"""
    r"""|\n\s*\n|\n(?=\s*[-*#|>])"""
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Returns start and end (exclusive) of each sentence, list item or paragraph."""
    edges = [0]
    for gap in _SENTENCE_END.finditer(text):
        edges += [gap.start(), gap.end()]
    edges.append(len(text))
    spans = [_trimmed(text, *pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
    return [(start, end) for start, end in spans if start < end]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip())
