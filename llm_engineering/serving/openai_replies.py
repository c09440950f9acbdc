"""Answers and vectors in OpenAI's format."""

import re
import struct
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from pydantic import BaseModel

from llm_engineering.application.ports.models import EmbeddingModel
from llm_engineering.application.rag.generation import Done, Event, Token
from llm_engineering.application.rag.history import Past, PastReport
from llm_engineering.domain.answers import Answer, Usage
from llm_engineering.serving.openai_errors import error_event
from llm_engineering.serving.openai_schemas import (
    Annotation,
    AssistantMessage,
    Checked,
    Choice,
    Chunk,
    ChunkChoice,
    Completion,
    Delta,
    Embedding,
    EmbeddingRequest,
    Embeddings,
    EmbeddingUsage,
    LastChunk,
    TokenUsage,
    UrlCitation,
)
from llm_engineering.serving.schemas import RagResponse

_END = b"data: [DONE]\n\n"
_MARK = re.compile(r"\[(\d{1,4})\]")
_PIECE = re.compile(r"\s*\S+\s*|\s+")


@dataclass(frozen=True)
class Reply:
    """What all that is told of one request has in common; `created` is in seconds since 1970."""

    request_id: str
    created: int
    model: str
    release: str

    def completion(self, answer: Answer, past: PastReport | None) -> Completion:
        """Returns the whole answer."""
        message = AssistantMessage(content=answer.text, annotations=_annotations(answer))
        return Completion(
            **self._same(),
            **self._checked(answer, past),
            choices=[Choice(message=message)],
            usage=_usage(answer.usage),
        )

    async def chunks(
        self, events: AsyncGenerator[Past | Event, None], *, unchecked: bool, usage: bool
    ) -> AsyncIterator[bytes]:
        """Yields the chunks on the wire. Who closes it stops the model; an error is the last one.

        Args:
            events: those of the answer.
            unchecked: tell the model's words as they come, else the answer when it was checked.
            usage: a last chunk has the tokens that were used.
        """
        past: PastReport | None = None
        yield self._delta(Delta(role="assistant", content=""))
        async with aclosing(events):
            try:
                async for event in events:
                    match event:
                        case Past():
                            past = event.report
                        case Token() if unchecked:
                            yield self._delta(Delta(content=event.text))
                        case Done():
                            for line in self._end(event.answer, past, unchecked, usage):
                                yield line
            except Exception as error:  # noqa: BLE001 - the status is sent: the stream has to tell
                yield _wire(error_event(error, self.request_id))

    def _end(
        self, answer: Answer, past: PastReport | None, unchecked: bool, usage: bool
    ) -> Iterator[bytes]:
        if not unchecked:
            for piece in _PIECE.findall(answer.text):
                yield self._delta(Delta(content=piece))
        yield _wire(
            LastChunk(
                **self._same(),
                **self._checked(answer, past),
                choices=[ChunkChoice(delta=Delta(), finish_reason="stop")],
                answer=answer.text,
            )
        )
        if usage:
            yield _wire(Chunk(**self._same(), choices=[], usage=_usage(answer.usage)))
        yield _END

    def _delta(self, delta: Delta) -> bytes:
        return _wire(Chunk(**self._same(), choices=[ChunkChoice(delta=delta)]))

    def _same(self) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{self.request_id}",
            "created": self.created,
            "model": self.model,
        }

    def _checked(self, answer: Answer, past: PastReport | None) -> dict[str, object]:
        told = RagResponse.of(answer, self.request_id, self.release, past)
        return {name: getattr(told, name) for name in Checked.model_fields}


def embeddings(
    asked: EmbeddingRequest, vectors: Sequence[tuple[float, ...]], model: EmbeddingModel
) -> Embeddings:
    """Returns the vectors in the encoding asked for, and how many tokens were read for them."""
    read = sum(min(len(model.token_spans(text)), model.max_tokens) for text in asked.texts)
    as_text = asked.encoding_format == "base64"
    data = [
        Embedding(index=n, embedding=_base64(vector) if as_text else list(vector))
        for n, vector in enumerate(vectors)
    ]
    usage = EmbeddingUsage(prompt_tokens=read, total_tokens=read)
    return Embeddings(data=data, model=asked.model, usage=usage)


def _base64(vector: Sequence[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _annotations(answer: Answer) -> list[Annotation]:
    pages = {one.n: one for one in answer.citations}
    return [
        Annotation(
            url_citation=UrlCitation(
                url=pages[n].url,
                title=pages[n].title,
                start_index=mark.start(),
                end_index=mark.end(),
            )
        )
        for mark in _MARK.finditer(answer.text)
        if (n := int(mark[1])) in pages
    ]


def _usage(usage: Usage) -> TokenUsage:
    return TokenUsage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
    )


def _wire(data: BaseModel) -> bytes:
    return f"data: {data.model_dump_json()}\n\n".encode()
