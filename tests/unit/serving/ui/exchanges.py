"""Exchanges for the tests of the page."""

from typing import Any

from llm_engineering.domain.answers import Answer, AnswerMode, Citation
from llm_engineering.domain.chunks import Chunk
from llm_engineering.serving.ui.exchange import Exchange
from tests.builders import make_chunk

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> [a](https://elsewhere.invalid)"
CHUNK = make_chunk("The tide turns twice a day. Nobody knows why.", start=100, end=145)


def cite(n: int = 1, quote: str = "turns twice a day", chunk: Chunk = CHUNK) -> Citation:
    """Returns the citation of words of a chunk."""
    start = chunk.start + chunk.text.index(quote)
    return Citation(
        n=n,
        document_id=chunk.document_id,
        revision=chunk.revision,
        url=chunk.url,
        title=chunk.title,
        author=chunk.author_full_name,
        start=start,
        end=start + len(quote),
        quote=quote,
        score=0.9,
    )


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
