"""Every refusal and failure as problem+json (RFC 9457), with a request id and without internals."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from llm_engineering.domain.errors import InvalidInput, ModelError, PipelineError, StoreUnavailable

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_LONGEST_DETAIL = 300  # characters: it may quote what the caller sent

_TITLES: dict[int, str] = {
    400: "The request cannot be read",
    401: "An API key is needed",
    403: "The API key does not allow this",
    404: "There is no such thing",
    405: "The method is not allowed here",
    413: "The request is too large",
    422: "The request is not valid",
    429: "Too many requests; come again",
    499: "The caller hung up",
    500: "The service failed",
    502: "The model did not answer; try again",
    503: "A store is out of reach; try again",
    504: "The answer took too long",
}
_STATUS: dict[type[PipelineError], int] = {StoreUnavailable: 503, ModelError: 502}
_NOT_SET_UP = "The service is not set up to do this"


class Problem(BaseModel):
    """What went wrong (RFC 9457), without internals; `request_id` finds it in the log."""

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    request_id: str


class Refusal(HTTPException):
    """A request that is not carried out, for a reason that the caller may know."""

    def __init__(
        self, status: int, detail: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail or _title(status), dict(headers or {}))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns what OpenAPI says of these statuses, and of those that any request may get."""
    schema = Problem.model_json_schema()
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({400, 401, 403, 413, 422, 429, 500, *statuses}):
        example = {
            "type": "about:blank",
            "title": _title(status),
            "status": status,
            "detail": _title(status),
            "request_id": "5f0c1a3e9d8b4c7a8e2f6b1d0c9a7e35",
        }
        found[status] = {
            "description": _title(status),
            "content": {MEDIA_TYPE: {"schema": schema, "example": example}},
        }
    return found


def problem_of(error: Exception, request_id: str) -> Problem:
    """Returns what the caller is told of an error; what they must not know goes to the log."""
    if isinstance(error, HTTPException):
        return _problem(error.status_code, error.detail, request_id)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _problem(422, f"{where}: {first['msg']}".lstrip(": "), request_id)
    if isinstance(error, InvalidInput):
        return _problem(422, str(error), request_id)
    known = isinstance(error, PipelineError)
    _log.error(
        "request %s: %s: %s",
        request_id,
        type(error).__name__,
        error,
        exc_info=None if known else error,
    )
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        return _problem(500, _NOT_SET_UP if known else _title(500), request_id)
    return _problem(status, _title(status), request_id)


def problem_response(error: Exception, request_id: str) -> JSONResponse:
    """Returns the response that tells an error."""
    problem = problem_of(error, request_id)
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse(
        problem.model_dump(mode="json"), problem.status, dict(headers or {}), MEDIA_TYPE
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Has the application answer with problems, also where no route is found."""

    # not async would cost a thread for each
    async def refuse(request: Request, error: Exception) -> JSONResponse:
        return problem_response(error, request.state.request_id)

    for kind in (HTTPException, RequestValidationError, PipelineError):
        app.add_exception_handler(kind, refuse)


def _problem(status: int, detail: str, request_id: str) -> Problem:
    readable = detail.encode("utf-8", "replace").decode()  # JSON may hold half of a character
    return Problem(
        title=_title(status),
        status=status,
        detail=readable[:_LONGEST_DETAIL],
        request_id=request_id,
    )


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase
