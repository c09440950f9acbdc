"""The closed vocabularies of the data path."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of all domain values: immutable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataCategory(StrEnum):
    """What kind of text a document is; dispatchers choose their handler by it."""

    POSTS = "posts"
    ARTICLES = "articles"
    REPOSITORIES = "repositories"


class SaveOutcome(StrEnum):
    """What saving a crawled document did to the store."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FORGOTTEN = "forgotten"  # a tombstone keeps it out
