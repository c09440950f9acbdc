"""What happened to a question, as it is noted down while it is served."""

import hashlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from llm_engineering.application.rag.generation import Done, Event, Sources
from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.feedback import Feedback
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
class Rated:
    """What a reader thought of the answer to a request."""

    request_id: str
    feedback: Feedback


def watched(
    request: AnswerRequest,
    events: Generator[Event, None, None],
    clock: Callable[[], datetime],
    tell: Iterable[Callable[[Served], None]],
) -> Generator[Event, None, None]:
    """Yields the events of an answer, and tells what happened when they end.

    They end with the answer, an error, which passes through, or by being closed: then `events` is
    closed too.
    """
    began, retrieval, answer, error = clock(), None, None, ""
    try:
        with closing(events):
            for event in events:
                if isinstance(event, Sources):
                    retrieval = event.retrieval
                if isinstance(event, Done):
                    answer = event.answer
                yield event
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
        raise
    finally:
        served = Served(request, began, clock(), retrieval, answer, error)
        for told in tell:
            told(served)


def sampled(key: str, share: float) -> bool:
    """Returns whether a request is among the `share` (0.0-1.0) that is tracked.

    The same request id always gives the same reply, in every process.
    """
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return drawn < share * 2**64


def stages_ms(served: Served) -> dict[str, float]:
    """Returns the milliseconds of each stage, in their order; `retrieve` has those up to it."""
    retrieved = dict(served.retrieval.timings_ms) if served.retrieval else {}
    answered = dict(served.answer.timings_ms) if served.answer else {}
    retrieved.pop("total", None)
    answered.pop("total", None)
    return retrieved | answered
