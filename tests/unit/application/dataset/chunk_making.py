"""Chunks for the tests of the dataset."""

from uuid import UUID

from llm_engineering.domain.chunks import ArticleChunk, Chunk
from llm_engineering.domain.ids import chunk_id, document_id

PROSE = (
    "A generator is a function that yields values one at a time. It keeps its local state between "
    "the calls, so nothing is computed before it is asked for."
)


def article_chunk(
    text: str = PROSE,
    *,
    page: str = "generators",
    heading: str = "Generators",
    position: int = 0,
) -> Chunk:
    document: UUID = document_id(f"https://docs.example.org/{page}")
    return ArticleChunk(
        id=chunk_id(document, "r1", "c1", position),
        document_id=document,
        revision="r1",
        position=position,
        total=10,
        start=0,
        end=len(text),
        text=text,
        heading_path=("Language reference", heading),
        url=f"https://docs.example.org/{page}",
        platform="docs.example.org",
        title=page.title(),
    )


def corpus(pages: int) -> list[Chunk]:
    """Returns two good chunks for each of so many pages."""
    return [
        article_chunk(
            f"Topic {number} of page {page} is explained here in one whole sentence. "
            "A second sentence says more about it, and then the passage ends.",
            page=f"page-{page}",
            heading=f"Topic {number}",
            position=number,
        )
        for page in range(pages)
        for number in range(2)
    ]
