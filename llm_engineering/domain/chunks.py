"""Chunks: spans of a cleaned document, small enough for the embedder to read whole."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from llm_engineering.domain.ids import text_hash
from llm_engineering.domain.types import DataCategory, Frozen


class Chunk(Frozen):
    """The characters `start` to `end` (exclusive) of the cleaned text of one revision.

    `text` is exactly that span. `heading_path` holds the headings above it, outermost first.
    `position` counts from 0; `total` is the number of chunks of the revision, so that an index can
    tell a whole document from one whose writing was cut off.
    """

    id: UUID
    document_id: UUID
    revision: str
    category: DataCategory
    position: int = Field(ge=0)
    total: int = Field(ge=1)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str
    heading_path: tuple[str, ...] = ()
    url: str
    platform: str
    title: str
    author_id: UUID | None = None
    author_full_name: str | None = None
    published: AwareDatetime | None = None
    language: str | None = None

    @property
    def passage(self) -> str:
        """Returns what the embedder reads: the headings above the span, then the span."""
        return (
            "\n".join([" > ".join(self.heading_path), self.text])
            if self.heading_path
            else self.text
        )

    @property
    def passage_hash(self) -> str:
        """Returns the SHA-256 of `passage`: equal passages share one vector."""
        return text_hash(self.passage)


class ArticleChunk(Chunk):
    """A chunk of an article."""

    category: Literal[DataCategory.ARTICLES] = DataCategory.ARTICLES


class PostChunk(Chunk):
    """A chunk of a post."""

    category: Literal[DataCategory.POSTS] = DataCategory.POSTS


class RepositoryChunk(Chunk):
    """A chunk of a repository file."""

    category: Literal[DataCategory.REPOSITORIES] = DataCategory.REPOSITORIES


CHUNK_TYPES: dict[DataCategory, type[Chunk]] = {
    DataCategory.ARTICLES: ArticleChunk,
    DataCategory.POSTS: PostChunk,
    DataCategory.REPOSITORIES: RepositoryChunk,
}
