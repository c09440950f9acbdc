"""The HTTP routes."""

import logging
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.errors import InvalidInput, ModelError, PipelineError, StoreUnavailable
from llm_engineering.domain.explanations import Explanation
from llm_engineering.domain.queries import Query, Retrieval
from llm_engineering.serving.schemas import (
    ExplainRequest,
    Problem,
    RagRequest,
    RagResponse,
    RetrieveResponse,
)

if TYPE_CHECKING:  # langchain_core takes seconds to import
    from llm_engineering.application.rag.generation import Event

log = logging.getLogger(__name__)

_STATUS: dict[type[PipelineError], tuple[int, str]] = {
    InvalidInput: (422, "The request cannot be carried out"),
    StoreUnavailable: (503, "A store is out of reach; try again"),
    ModelError: (502, "The model did not answer; try again"),
}


class Answering(Protocol):
    """What the routes need of the service behind them."""

    def answer(self, request: AnswerRequest) -> Answer:
        """Returns the checked answer."""
        ...

    def stream(self, request: AnswerRequest) -> "Generator[Event, None, None]":
        """Yields Sources, Tokens and Done; closing it stops the model."""
        ...

    def retrieve(self, query: Query, k: int | None) -> Retrieval:
        """Returns the passages that a question finds."""
        ...

    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        """Returns why a document is, or is not, among them."""
        ...


def create_app(service: Callable[[], Answering]) -> FastAPI:
    """Returns the application; `service` is asked for at every request, never before."""
    app = FastAPI(
        title="LLM Pipeline System",
        summary="Questions answered from your own corpus, with citations",
        version="1",
    )
    problems: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "content": {"application/problem+json": {}}}
        for status in (422, 502, 503)
    }

    # not async: FastAPI runs it on a thread, so that the model never blocks the event loop
    @app.post("/rag", responses=problems)
    def rag(request: RagRequest) -> RagResponse:
        """Answers a question from the indexed corpus, with citations."""
        query = Query(text=request.query, filters=request.filters)
        answer = service().answer(AnswerRequest(query=query, k=request.top_k))
        return RagResponse.of(answer, uuid4())

    @app.post("/retrieve", responses=problems)
    def retrieve(request: RagRequest) -> RetrieveResponse:
        """Finds passages, without writing an answer; every stage's score comes with them."""
        query = Query(text=request.query, filters=request.filters)
        return RetrieveResponse.of(service().retrieve(query, request.top_k), uuid4())

    @app.post("/explain", responses=problems)
    def explain(request: ExplainRequest) -> Explanation:
        """Says, stage by stage, why a document is or is not among what a question finds."""
        query = Query(text=request.query, filters=request.filters)
        return service().explain(query, request.document, request.top_k)

    @app.exception_handler(RequestValidationError)
    def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _problem(422, "The request is not valid", f"{where}: {first['msg']}".lstrip(": "))

    @app.exception_handler(PipelineError)
    def fail(_: Request, error: PipelineError) -> JSONResponse:
        status, title = next(
            (found for kind, found in _STATUS.items() if isinstance(error, kind)),
            (500, "The service is not set up to do this"),
        )
        detail = str(error) if isinstance(error, InvalidInput) else title
        return _problem(status, title, detail, error)

    return app


def _problem(status: int, title: str, detail: str, error: Exception | None = None) -> JSONResponse:
    problem = Problem(title=title, status=status, detail=detail, request_id=uuid4())
    if error:
        log.error("request %s: %s: %s", problem.request_id, type(error).__name__, error)
    return JSONResponse(
        problem.model_dump(mode="json"), status, media_type="application/problem+json"
    )
