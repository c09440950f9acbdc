"""What people think of answers."""

from collections.abc import Callable

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from llm_engineering.application.tracking.served import Rated
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.feedback import Feedback, Vote
from llm_engineering.serving import examples
from llm_engineering.serving.access import Caller, Entrance
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.examples import example
from llm_engineering.serving.problems import Refusal, documented


class FeedbackRequest(BaseModel):
    """The request id of an answer, whether it was good, and the answer that would have been."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "request_id": "5f0c1a3e9d8b4c7a8e2f6b1d0c9a7e35",
                    "vote": "down",
                    "better_answer": "Pass `frozen=True` to the decorator.",
                }
            ]
        },
    )

    request_id: str = Field(min_length=8, max_length=64)
    vote: Vote
    better_answer: str | None = Field(default=None, min_length=1, max_length=8000, pattern=r"\S")


class FeedbackResponse(BaseModel):
    """The feedback is stored with the question and the answer."""

    request_id: str


def feedback_router(deployment: Callable[[], Deployment], entrance: Entrance) -> APIRouter:
    """Returns the route that takes feedback."""
    router = APIRouter(tags=["feedback"], responses=documented(404, 503, 504))
    reader = Depends(entrance.needs(Scope.READ))

    @router.post("/feedback", responses=example(examples.FEEDBACK))
    async def feedback(asked: FeedbackRequest, caller: Caller = reader) -> FeedbackResponse:
        """Keeps what somebody thought of an answer, with its question, for the datasets.

        Answers can be given feedback for thirty days, by the key that asked. The latest counts.
        """
        await kept(deployment(), asked, caller)
        return FeedbackResponse(request_id=asked.request_id)

    return router


async def kept(house: Deployment, asked: FeedbackRequest, caller: Caller) -> None:
    """Returns when the feedback is stored.

    Raises:
        Refusal: 404, no answer of this request id was given to the caller.
        StoreUnavailable: the store cannot be reached.
    """
    given = Feedback(vote=asked.vote, better_answer=asked.better_answer, at=house.clock())
    key_id = caller.key.id if caller.key else None

    def rate() -> bool:
        return bool(house.answers and house.answers.rate(asked.request_id, key_id, given))

    if not await house.workshop.call(rate):
        raise Refusal(404, "no answer of this request id was given to you")
    house.rated(Rated(asked.request_id, given))
