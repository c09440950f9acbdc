"""What was answered, and what people thought of it."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from llm_engineering.domain.types import Frozen


class Vote(StrEnum):
    """Whether an answer was good."""

    UP = "up"
    DOWN = "down"


class Feedback(Frozen):
    """What somebody thought of an answer, and the answer that they would have given."""

    vote: Vote
    better_answer: str | None = Field(default=None, min_length=1, max_length=8000)
    at: AwareDatetime


class ServedAnswer(Frozen):
    """An answer as it was served to a key (None: to somebody without one).

    `documents` are those whose passages the model read. The latest feedback counts.
    """

    request_id: str
    key_id: str | None
    question: str
    answer: str
    grounded: bool
    model: str
    release: str
    documents: tuple[UUID, ...]
    at: AwareDatetime
    feedback: Feedback | None = None
