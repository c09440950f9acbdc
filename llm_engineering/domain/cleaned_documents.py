"""Documents after cleaning: plain, normalised text that chunk spans refer to."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from llm_engineering.domain.types import DataCategory, Frozen


class CleanedDocument(Frozen):
    """The cleaned text of one revision. `cleaner` is the fingerprint of the rules that made it."""

    document_id: UUID
    revision: str
    category: DataCategory
    url: str
    platform: str
    title: str
    author_id: UUID | None = None
    author_full_name: str | None = None
    published: AwareDatetime | None = None
    language: str | None = None
    content: str
    cleaner: str


class CleanedArticleDocument(CleanedDocument):
    """A cleaned article."""

    category: Literal[DataCategory.ARTICLES] = DataCategory.ARTICLES


class CleanedPostDocument(CleanedDocument):
    """A cleaned post."""

    category: Literal[DataCategory.POSTS] = DataCategory.POSTS
    image: str | None = None


class CleanedRepositoryDocument(CleanedDocument):
    """A cleaned repository file."""

    category: Literal[DataCategory.REPOSITORIES] = DataCategory.REPOSITORIES
    repository: str
    path: str


CLEANED_TYPES: dict[DataCategory, type[CleanedDocument]] = {
    DataCategory.ARTICLES: CleanedArticleDocument,
    DataCategory.POSTS: CleanedPostDocument,
    DataCategory.REPOSITORIES: CleanedRepositoryDocument,
}
