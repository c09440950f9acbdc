"""How much of what was found the chat model reads."""

from collections.abc import Callable, Sequence

from llm_engineering.application.rag.prompts import numbered_one
from llm_engineering.domain.queries import ScoredChunk

# bytes a token: 4 for English prose, 3 for code, and fewer in scripts that few models know well
_BYTES_PER_TOKEN = 3


def estimated_tokens(text: str) -> int:
    """Returns about how many tokens a text has, rather too many, where no tokenizer is at hand."""
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)


def within_budget(
    found: Sequence[ScoredChunk], budget: int, count_tokens: Callable[[str], int]
) -> Sequence[ScoredChunk]:
    """Returns the passages that `budget` tokens hold, in the order of their rank.

    The first one is always among them. What comes after one that does not fit is left out, too: a
    passage is not read because it is short.
    """
    read: list[ScoredChunk] = []
    left = budget
    for n, passage in enumerate(found, start=1):
        left -= count_tokens(numbered_one(n, passage))
        if read and left < 0:
            break
        read.append(passage)
    return read
