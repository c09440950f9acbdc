"""What happened to a question, as it is noted down while it is served."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.queries import Retrieval

FAILED = "failed"
STOPPED = "stopped"  # the caller hung up


@dataclass(frozen=True)
class Served:
    """A question that was answered, failed (`error` says why) or was given up by its caller.

    `began` and `ended` are by the clock of the service.
    """

    request: AnswerRequest
    began: datetime
    ended: datetime
    retrieval: Retrieval | None = None
    answer: Answer | None = None
    error: str = ""

    @property
    def outcome(self) -> str:
        """Returns the answer's mode, `failed` or `stopped`."""
        if self.answer:
            return self.answer.mode.value
        return FAILED if self.error else STOPPED

    @property
    def total_ms(self) -> float:
        """Returns the milliseconds from the question to the end."""
        return round((self.ended - self.began).total_seconds() * 1000, 3)


@dataclass(frozen=True)
class Feedback:
    """What a reader thought of an answer."""

    request_id: str
    up: bool
    better_answer: str | None = None


def sampled(key: str, share: float) -> bool:
    """Returns whether a request is among the `share` (0.0-1.0) that is tracked.

    The same request id always gives the same reply, in every process.
    """
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return drawn < share * 2**64
