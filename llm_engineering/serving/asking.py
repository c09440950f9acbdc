"""One way from a request to the events of its answer, whatever the route is called."""

from collections.abc import AsyncGenerator, Callable, Collection, Generator
from contextlib import aclosing, closing
from dataclasses import dataclass
from uuid import UUID

import anyio.to_thread

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.application.rag.history import Past, PastReport
from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.feedback import ServedAnswer
from llm_engineering.serving.access import Caller
from llm_engineering.serving.answering import Answering
from llm_engineering.serving.deployment import Deployment


@dataclass(frozen=True)
class Given:
    """A whole answer, the release that gave it, and what `as_of` found if it was asked for."""

    answer: Answer
    release: str
    past: PastReport | None = None


@dataclass(frozen=True)
class Asking:
    """Asks the service on behalf of callers: within their ties, the limits and the models allowed.

    `service` and `deployment` are asked for at every request, never before.
    """

    service: Callable[[], Answering]
    deployment: Callable[[], Deployment]

    def events(
        self,
        request: AnswerRequest,
        caller: Caller,
        request_id: str | None = None,
        *,
        words: bool = True,
    ) -> AsyncGenerator[Past | Event, None]:
        """Returns the events of an answer; closing it stops the model.

        They are those of `Answering.stream`, after the Past if `as_of` was asked for. An answer
        with a `request_id` can be given feedback. Without `words` the Tokens are left out.

        Raises:
            Refusal: too much is worked on already, the key does not allow it, or it took too long.
            InvalidInput: the model is not one that may be named.
            StoreUnavailable, ModelError: at once, or when it comes to that.
        """
        asked = self._admitted(request, caller, request_id)
        return self.deployment().workshop.stream(
            lambda: self._events(asked, caller, request_id, words)
        )

    async def answer(
        self, request: AnswerRequest, caller: Caller, request_id: str | None = None
    ) -> Given:
        """Returns the whole answer; stops the model if it is cancelled. Raises as `events` does."""
        asked = self._admitted(request, caller, request_id)
        work = self.deployment().workshop.stream(lambda: self._given(asked, caller, request_id))
        async with aclosing(work) as results:
            (given,) = [one async for one in results]  # to the end: then the place is free again
        return given

    async def release(self) -> str:
        """Returns what answers now. The index is asked, which may be on a server: off the loop."""
        return await anyio.to_thread.run_sync(self.deployment().release)

    def _admitted(
        self, request: AnswerRequest, caller: Caller, request_id: str | None
    ) -> AnswerRequest:
        """Returns the request within the caller's ties; raises if its model may not be named."""
        models = self.deployment().models
        if request.model is not None and request.model not in models:
            allowed = ", ".join(models) or "none"
            raise InvalidInput(f"model: {request.model!r} may not be named (allowed: {allowed})")
        known = {"query": caller.narrowed(request.query), "request_id": request_id or ""}
        return request.model_copy(update=known)

    def _given(
        self, request: AnswerRequest, caller: Caller, request_id: str | None
    ) -> Generator[Given | None, None, None]:
        """Yields the answer, and None whenever the work may be stopped."""
        past: PastReport | None = None
        with closing(self._events(request, caller, request_id, words=False)) as events:
            for event in events:
                if isinstance(event, Past):
                    past = event.report
                if isinstance(event, Done):
                    yield Given(event.answer, self.deployment().release(), past)
                else:
                    yield None

    def _events(
        self, request: AnswerRequest, caller: Caller, request_id: str | None, words: bool
    ) -> Generator[Past | Event | None, None, None]:
        """Yields the events, on a thread of its own; None for those that are left out."""
        deployment, read = self.deployment(), set[UUID]()
        past = _past(request, caller, deployment)
        if past:
            yield past
            request = request.model_copy(update={"query": past.narrowed(request.query)})
        with closing(self.service().stream(request)) as events:
            for event in events:
                if isinstance(event, Sources):
                    read.update(one.chunk.document_id for one in event.found)
                    if past:
                        past.check(event.found)
                if isinstance(event, Done) and request_id and deployment.answers:
                    served = _served(request, event.answer, caller, request_id, read, deployment)
                    deployment.answers.record(served)
                yield event if words or not isinstance(event, Token) else None


def _served(
    request: AnswerRequest,
    answer: Answer,
    caller: Caller,
    request_id: str,
    read: Collection[UUID],
    deployment: Deployment,
) -> ServedAnswer:
    cited = {one.document_id for one in (*answer.citations, *answer.nearest)}
    return ServedAnswer(
        request_id=request_id,
        key_id=caller.key.id if caller.key else None,
        question=answer.question if request.history else request.query.text,
        answer=answer.text,
        grounded=answer.grounded,
        model=answer.model,
        release=deployment.release(),
        documents=tuple(sorted(cited.union(read))),
        at=deployment.clock(),
    )


def _past(request: AnswerRequest, caller: Caller, deployment: Deployment) -> Past | None:
    if request.as_of is None:
        return None
    if deployment.history is None:
        raise InvalidInput("as_of: this service keeps no history")
    return deployment.history.at(request.as_of, caller.may_know if caller.tied else None)


async def after(
    first: Past | Event, events: AsyncGenerator[Past | Event, None]
) -> AsyncGenerator[Past | Event, None]:
    """Yields the first event, and then the others; closing it stops the model."""
    async with aclosing(events):
        yield first
        async for event in events:
            yield event
