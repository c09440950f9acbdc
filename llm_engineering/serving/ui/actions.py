"""What the page does for its reader, as the routes do it: the same keys, limits and checks."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import uuid4

from fastapi import Request

from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.explanations import Explanation
from llm_engineering.domain.feedback import Vote
from llm_engineering.domain.queries import Query
from llm_engineering.serving.access import Caller, Entrance
from llm_engineering.serving.asking import Asking
from llm_engineering.serving.explaining import explained
from llm_engineering.serving.feedback_routes import FeedbackRequest, kept
from llm_engineering.serving.problems import Refusal, problem_of
from llm_engineering.serving.ui.exchange import Exchange, turns_of
from llm_engineering.serving.ui.reports import status_html

UNAUTHORIZED = 401


@dataclass(frozen=True)
class Visitor:
    """Who uses the page: the request their browser sent, and the API key they typed, if any."""

    request: Request
    key: str = ""

    @property
    def request_id(self) -> str:
        """Returns the id that finds the request in the log."""
        return str(getattr(self.request.state, "request_id", ""))


@dataclass(frozen=True)
class Actions:
    """Asks, explains, takes feedback and tells the status, each behind the entrance."""

    asking: Asking
    entrance: Entrance
    new_id: Callable[[], str] = lambda: uuid4().hex

    def begun(self, question: str, past: Sequence[Exchange]) -> Exchange:
        """Returns the exchange that a question begins."""
        return Exchange(past[-1].number + 1 if past else 1, question, self.new_id())

    async def ask(
        self,
        exchange: Exchange,
        query: Callable[[], Query],
        visitor: Visitor,
        past: Sequence[Exchange],
    ) -> AsyncGenerator[Exchange, None]:
        """Yields the exchange as it grows; a failure is its last state. Closing stops the model."""
        yield exchange
        try:
            caller = await self._caller(visitor)
            request = AnswerRequest(query=query(), history=turns_of(past))
            async with aclosing(self.asking.events(request, caller, exchange.request_id)) as events:
                async for event in events:
                    exchange = exchange.after(event)
                    yield exchange
        except Exception as error:  # noqa: BLE001 - the page has to tell it
            yield exchange.failed(told(error, exchange.request_id))

    async def vote(
        self, past: Sequence[Exchange], vote: Vote, better_answer: str, visitor: Visitor
    ) -> None:
        """Keeps what the reader thinks of the last answer.

        Raises:
            InvalidInput: there is no answer yet.
            Refusal, StoreUnavailable: as the route of feedback does.
        """
        if not past:
            raise InvalidInput("there is no answer yet")
        asked = FeedbackRequest(
            request_id=past[-1].request_id, vote=vote, better_answer=better_answer.strip() or None
        )
        await kept(self.asking.deployment(), asked, await self._caller(visitor))

    async def explain(self, query: Query, url: str, visitor: Visitor) -> Explanation:
        """Returns why a document was, or was not, found.

        Raises:
            InvalidInput: `url` is none.
            Refusal, StoreUnavailable: as the route does.
        """
        if not url.strip():
            raise InvalidInput("Address of the document: write one")
        caller = await self._caller(visitor)
        asked, house = caller.narrowed(query), self.asking.deployment()
        return await house.workshop.call(
            lambda: explained(
                self.asking.service(), asked, url.strip(), None, caller, house.documents
            )
        )

    async def status(self, visitor: Visitor) -> str:
        """Returns what answers now, as HTML; how much is indexed is told to untied callers alone.

        Raises:
            Refusal: 401, a key is needed.
            StoreUnavailable: the index cannot be reached.
        """
        caller, house = await self._caller(visitor), self.asking.deployment()
        return await house.workshop.call(
            lambda: status_html(house.release(), () if caller.tied else house.generations())
        )

    async def _caller(self, visitor: Visitor) -> Caller:
        key = visitor.key.strip() or None
        try:
            return await self.entrance.admit(visitor.request, key, Scope.READ)
        except Refusal as error:
            if key or error.status_code != UNAUTHORIZED:
                raise
            raise Refusal(UNAUTHORIZED, "type yours in the side bar") from None


def told(error: Exception, request_id: str) -> str:
    """Returns what the reader is told of a failure; the log has the rest."""
    problem = problem_of(error, request_id)
    if problem.detail == problem.title:
        return problem.title
    return f"{problem.title}: {problem.detail}"
