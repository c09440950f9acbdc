"""The events of a streamed answer, as Server-Sent Events.

`sources` (the passages found), `token` (a piece of the model's text, not checked yet), `citations`
(what the check found), `done` (the whole response of `/rag`) or, at any place, `error` (a problem).
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from pydantic import BaseModel

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.application.rag.history import Past, PastReport
from llm_engineering.serving.problems import problem_of
from llm_engineering.serving.schemas import CitationOut, PassageOut, RagResponse

MEDIA_TYPE = "text/event-stream"
EXAMPLE = (
    'event: sources\ndata: {"passages": [], "as_of": null, "request_id": "5f0c1a3e"}\n\n'
    'event: token\ndata: {"text": "It "}\n\n'
    'event: citations\ndata: {"citations": [], "nearest": [], "unsupported": []}\n\n'
    'event: done\ndata: {"answer": "It turns. [1]"}\n\n'
)


class SourcesEvent(BaseModel):
    """The passages that were found, best first."""

    passages: list[PassageOut]
    as_of: PastReport | None
    request_id: str


class TokenEvent(BaseModel):
    """A piece of the model's own text."""

    text: str


class CitationsEvent(BaseModel):
    """What of the text the passages support."""

    citations: list[CitationOut]
    nearest: list[CitationOut]
    unsupported: list[tuple[int, int]]


async def sse(
    events: AsyncGenerator[Past | Event, None], request_id: str, release: str
) -> AsyncIterator[bytes]:
    """Yields the events on the wire. Who closes it stops the model; an error is the last event."""
    past: PastReport | None = None
    async with aclosing(events):
        try:
            async for event in events:
                match event:
                    case Past():
                        past = event.report
                    case Sources():
                        passages = [PassageOut.of(one) for one in event.found]
                        yield _wire(
                            "sources",
                            SourcesEvent(passages=passages, as_of=past, request_id=request_id),
                        )
                    case Token():
                        yield _wire("token", TokenEvent(text=event.text))
                    case Done():
                        done = RagResponse.of(event.answer, request_id, release, past)
                        yield _wire(
                            "citations",
                            CitationsEvent.model_validate(done, from_attributes=True),
                        )
                        yield _wire("done", done)
        except Exception as error:  # noqa: BLE001 - the status is sent: the stream has to tell it
            yield _wire("error", problem_of(error, request_id))


def _wire(name: str, data: BaseModel) -> bytes:
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n".encode()
