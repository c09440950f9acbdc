"""Exchanges for the tests of the page."""

from typing import Any

from llm_engineering.domain.answers import Answer, AnswerMode, Citation
from llm_engineering.domain.chunks import Chunk
from llm_engineering.serving.ui.exchange import Exchange
from tests.builders import make_chunk, make_citation

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> [a](https://elsewhere.invalid)"
CHUNK = make_chunk("The tide turns twice a day. Nobody knows why.", start=100, end=145)


def cite(n: int = 1, quote: str = "turns twice a day", chunk: Chunk = CHUNK) -> Citation:
    """Returns the citation of words of a chunk."""
    return make_citation(chunk, quote, n)


def exchange(text: str = "It turns twice a day [1].", **fields: Any) -> Exchange:
    """Returns a whole exchange; `fields` are those of its answer."""
    given: dict[str, Any] = {
        "citations": (cite(),),
        "grounded": True,
        "mode": AnswerMode.GENERATED,
        "model": "local:tiny",
    }
    answer = Answer(text=text, **{**given, **fields})
    return Exchange(3, "How often?", "request-3", (CHUNK,), text, answer)
