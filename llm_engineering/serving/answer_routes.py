"""Questions: answered whole or as a stream, searched for, and accounted for."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from llm_engineering.domain.answers import AnswerRequest, Turn
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.explanations import Explanation
from llm_engineering.domain.queries import Query
from llm_engineering.serving import examples
from llm_engineering.serving.access import Caller, Entrance
from llm_engineering.serving.asking import Asking, after
from llm_engineering.serving.events import EXAMPLE, MEDIA_TYPE, sse
from llm_engineering.serving.examples import example
from llm_engineering.serving.explaining import explained
from llm_engineering.serving.hanging_up import unless_hung_up
from llm_engineering.serving.problems import documented
from llm_engineering.serving.schemas import (
    ExplainRequest,
    RagRequest,
    RagResponse,
    RetrieveResponse,
    SearchRequest,
)

_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The events", "content": {MEDIA_TYPE: {"example": EXAMPLE}}}
}


def answer_router(asking: Asking, entrance: Entrance) -> APIRouter:
    """Returns the routes that a reader asks."""
    router = APIRouter(tags=["answers"], responses=documented(502, 503, 504))
    reader = Depends(entrance.needs(Scope.READ))

    @router.post("/rag", responses=example(examples.RAG))
    async def rag(asked: RagRequest, request: Request, caller: Caller = reader) -> RagResponse:
        """Answers a question from the indexed corpus, with citations."""
        request_id = request.state.request_id
        work = asking.answer(_question(asked, request), caller, request_id)
        given = await unless_hung_up(request, work)
        return RagResponse.of(given.answer, request_id, given.release, given.past)

    @router.post("/rag/stream", response_class=StreamingResponse, responses=_STREAMED)
    async def rag_stream(
        asked: RagRequest, request: Request, caller: Caller = reader
    ) -> StreamingResponse:
        """Answers as `/rag` does, piece by piece, as Server-Sent Events.

        `sources` has the passages found, each `token` a piece of the model's text, `citations` what
        the check found, `done` all that `/rag` returns; `error` is a problem, and the last event.
        Who hangs up stops the model.
        """
        request_id = request.state.request_id
        events = asking.events(_question(asked, request), caller, request_id)
        first = await anext(events)  # what fails before it has a status of its own
        release = await asking.release()
        return StreamingResponse(
            sse(after(first, events), request_id, release),
            media_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @router.post("/retrieve", responses=example(examples.RETRIEVE))
    async def retrieve(
        asked: SearchRequest, request: Request, caller: Caller = reader
    ) -> RetrieveResponse:
        """Finds passages, without writing an answer; every stage's score comes with them."""
        query = caller.narrowed(_query(asked))
        found = await asking.deployment().workshop.call(
            lambda: asking.service().retrieve(query, asked.top_k)
        )
        return RetrieveResponse.of(caller.shown(found), request.state.request_id)

    @router.post("/explain", responses={**documented(404), **example(examples.EXPLAIN)})
    async def explain(asked: ExplainRequest, caller: Caller = reader) -> Explanation:
        """Says, stage by stage, why a document is or is not among what a question finds."""
        query, deployment = caller.narrowed(_query(asked)), asking.deployment()
        return await deployment.workshop.call(
            lambda: explained(
                asking.service(), query, asked.document, asked.top_k, caller, deployment.documents
            )
        )

    return router


def _query(asked: SearchRequest) -> Query:
    return Query(text=asked.query, filters=asked.filters)


def _question(asked: RagRequest, request: Request) -> AnswerRequest:
    return AnswerRequest(
        query=_query(asked),
        k=asked.top_k,
        model=asked.model,
        verify=asked.verify,
        as_of=asked.as_of,
        history=tuple(Turn(role=turn.role, text=turn.text) for turn in asked.history),
        trace_parent=request.headers.get("traceparent", ""),
    )
