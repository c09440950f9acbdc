"""Answers that were given, kept until what they were made from changes."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from llm_engineering.domain.answers import Answer
from llm_engineering.domain.types import Frozen


class CachedPassage(Frozen):
    """A passage that an answer was made from: its chunk, a hash of its text, and its scores."""

    chunk_id: UUID
    text_hash: str
    scores: dict[str, float]


class CachedAnswer(Frozen):
    """An answer by its key, which says all that it depends on but the texts.

    `documents` are those that were read for it. `at` is when it was given.
    """

    key: str = Field(min_length=1)
    answer: Answer
    passages: tuple[CachedPassage, ...] = Field(min_length=1)
    documents: tuple[UUID, ...] = Field(min_length=1)
    at: AwareDatetime
