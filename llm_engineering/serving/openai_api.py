"""OpenAI's interface: its clients, and what is built on them, ask the corpus as if it were a model.

The question is answered as `/rag` answers it, with the same keys and limits.
"""

from collections.abc import Generator, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from llm_engineering.application.ports.models import EmbeddingModel
from llm_engineering.domain.answers import AnswerRequest, Turn
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query
from llm_engineering.serving import openai_examples as examples
from llm_engineering.serving.access import Caller, Entrance
from llm_engineering.serving.asking import Asking, after
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.events import MEDIA_TYPE
from llm_engineering.serving.examples import example
from llm_engineering.serving.hanging_up import unless_hung_up
from llm_engineering.serving.limits import MAX_QUERY_CHARACTERS
from llm_engineering.serving.openai_errors import OpenAIRoute, documented
from llm_engineering.serving.openai_replies import Reply, embeddings
from llm_engineering.serving.openai_schemas import (
    ChatRequest,
    Completion,
    EmbeddingRequest,
    Embeddings,
    Model,
    Models,
)
from llm_engineering.serving.problems import Refusal

RAG_MODEL = "rag"  # the chat model that the service is set to, whatever it is
_OWNER = "llm-pipeline-system"
_AT_ONCE = 32  # texts; in between it is seen whether anybody still waits


def openai_router(asking: Asking, entrance: Entrance) -> APIRouter:
    """Returns the routes below `/v1`."""
    router = APIRouter(
        prefix="/v1", tags=["openai"], route_class=OpenAIRoute, responses=documented(404)
    )
    reader = Depends(entrance.needs(Scope.READ))
    late = documented(404, 502, 503, 504)

    @router.post(
        "/chat/completions", response_model=Completion, responses={**late, **_chat_example()}
    )
    async def chat_completions(
        asked: ChatRequest, request: Request, caller: Caller = reader
    ) -> Completion | StreamingResponse:
        """Answers the last message from the indexed corpus, with citations.

        System messages, and options that steer how a model writes, have no effect.
        """
        request_id, deployment = request.state.request_id, asking.deployment()
        parent = request.headers.get("traceparent", "")
        question = _question(asked, deployment).model_copy(update={"trace_parent": parent})
        created = int(deployment.clock().timestamp())
        if not asked.stream:
            given = await unless_hung_up(request, asking.answer(question, caller, request_id))
            reply = Reply(request_id, created, asked.model, given.release)
            return reply.completion(given.answer, given.past)
        events = asking.events(question, caller, request_id, words=asked.unchecked)
        reply = Reply(request_id, created, asked.model, await asking.release())
        first = await anext(events)  # what fails before it has a status of its own
        usage = bool(asked.stream_options and asked.stream_options.include_usage)
        chunks = reply.chunks(after(first, events), unchecked=asked.unchecked, usage=usage)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(chunks, media_type=MEDIA_TYPE, headers=headers)

    @router.post(
        "/embeddings", responses={**late, **example(examples.EMBEDDINGS)}, dependencies=[reader]
    )
    async def embed(asked: EmbeddingRequest) -> Embeddings:
        """Embeds texts as questions are embedded: what they are close to is in the index."""
        deployment = asking.deployment()
        model = _embedder(asked, deployment)
        vectors: list[tuple[float, ...]] = []
        work = deployment.workshop.stream(lambda: _embedded(model, asked.texts))
        async with aclosing(work) as batches:
            async for some in batches:
                vectors += some
        return embeddings(asked, vectors, model)

    @router.get("/models", responses=example(examples.MODELS), dependencies=[reader])
    async def models() -> Models:
        """Lists the names that requests may use."""
        return Models(data=_models(asking.deployment()))

    @router.get("/models/{name:path}", responses=example(examples.MODEL), dependencies=[reader])
    async def model(name: str) -> Model:
        """Returns the model of a name."""
        known = {one.id: one for one in _models(asking.deployment())}
        _require(name, list(known))
        return known[name]

    return router


def _chat_example() -> dict[int | str, dict[str, Any]]:
    shown = example(examples.COMPLETION)
    shown[200]["content"] |= {MEDIA_TYPE: {"example": examples.CHUNKS}}
    return shown


def _question(asked: ChatRequest, deployment: Deployment) -> AnswerRequest:
    *earlier, last = asked.messages
    if last.role != "user" or not last.text.strip():
        raise InvalidInput("messages: the last one has to be the user's, and not blank")
    if len(last.text) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(
            f"messages: the last one has {len(last.text)} characters,"
            f" {MAX_QUERY_CHARACTERS} are allowed"
        )
    _require(asked.model, _chat_models(deployment))
    return AnswerRequest(
        query=Query(text=last.text, filters=asked.filters),
        k=asked.top_k,
        model=None if asked.model == RAG_MODEL else asked.model,
        verify=asked.verify,
        as_of=asked.as_of,
        history=tuple(
            Turn(role=one.role, text=one.text)
            for one in earlier
            if one.role in ("user", "assistant") and one.text.strip()
        ),
    )


def _embedder(asked: EmbeddingRequest, deployment: Deployment) -> EmbeddingModel:
    _require(asked.model, _embedders(deployment))
    model = deployment.embedder
    if model is None:
        raise AssertionError("what is named is there")
    if asked.dimensions not in (None, model.dimension):
        raise InvalidInput(f"dimensions: {asked.model} has {model.dimension}")
    return model


def _embedded(
    model: EmbeddingModel, texts: Sequence[str]
) -> Generator[Sequence[tuple[float, ...]], None, None]:
    for start in range(0, len(texts), _AT_ONCE):
        yield model.embed_queries(texts[start : start + _AT_ONCE])


def _models(deployment: Deployment) -> list[Model]:
    created = int(deployment.started.timestamp())
    names = (*_chat_models(deployment), *_embedders(deployment))
    return [Model(id=name, created=created, owned_by=_OWNER) for name in names]


def _chat_models(deployment: Deployment) -> Sequence[str]:
    return list(dict.fromkeys((RAG_MODEL, *deployment.models)))


def _embedders(deployment: Deployment) -> Sequence[str]:
    return [deployment.embedder_name] if deployment.embedder else []


def _require(name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise Refusal(404, f"model: there is no {name!r} (known: {', '.join(known) or 'none'})")
