"""Refusals and failures in the shape that OpenAI's clients read, with OpenAI's statuses."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from llm_engineering.serving.openai_schemas import ErrorBody, ErrorResponse
from llm_engineering.serving.problems import Problem, problem_of

_INVALID = 422  # which OpenAI calls 400
_INVALID_REQUEST, _SERVER = "invalid_request_error", "server_error"
_CODES: dict[int, tuple[str, str | None]] = {
    401: (_INVALID_REQUEST, "invalid_api_key"),
    403: ("permission_error", None),
    404: (_INVALID_REQUEST, "model_not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}


class OpenAIRoute(APIRoute):
    """A route whose every error has OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns the handler of requests."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # noqa: BLE001 - the last resort of these routes
                return error_response(error, request.state.request_id)

        return handled


def error_response(error: Exception, request_id: str) -> JSONResponse:
    """Returns the response that tells an error."""
    problem = problem_of(error, request_id)
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse(
        _error(problem, error).model_dump(), _status(problem.status), dict(headers or {})
    )


def error_event(error: Exception, request_id: str) -> ErrorResponse:
    """Returns what a stream tells of an error, which is its last event."""
    return _error(problem_of(error, request_id), error)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns what OpenAPI says of these statuses, and of those that any request may get."""
    return {
        status: {"model": ErrorResponse, "description": "An error in OpenAI's format"}
        for status in sorted({400, 401, 403, 413, _INVALID, 429, 500, *statuses})
    }


def _error(problem: Problem, error: Exception) -> ErrorResponse:
    server = _SERVER if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else _INVALID_REQUEST
    kind, code = _CODES.get(problem.status, (server, None))
    message = f"{problem.detail} (request {problem.request_id})"
    body = ErrorBody(message=message, type=kind, param=_param(error), code=code)
    return ErrorResponse(error=body)


def _param(error: Exception) -> str | None:
    """Returns the field that is not valid."""
    if not isinstance(error, RequestValidationError):
        return None
    where = [str(part) for part in error.errors()[0]["loc"] if part != "body"]
    return where[0] if where else None


def _status(status: int) -> int:
    return 400 if status == _INVALID else status
