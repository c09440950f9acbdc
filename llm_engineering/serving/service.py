"""RAGService: the BentoML service that answers questions over HTTP.

BentoML gives `/livez`, `/metrics` and the worker's life cycle; FastAPI the routes and their OpenAPI
page at `/docs`.
"""

from collections.abc import Generator
from contextlib import closing
from typing import Any, cast

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from llm_engineering.application.rag.answering import AnswerPipeline
from llm_engineering.application.rag.fallbacks import ChatModelChain
from llm_engineering.application.rag.generation import Done, Event
from llm_engineering.application.tracking.served import watched
from llm_engineering.bootstrap import Platform, now
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.explanations import Explanation
from llm_engineering.domain.queries import Query, Retrieval
from llm_engineering.serving.access import KeyRing, OpenTo
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.garbage import spare_what_stays
from llm_engineering.serving.limits import Limits
from llm_engineering.serving.metrics import RequestMetrics
from llm_engineering.serving.pipelines import Pipelines
from llm_engineering.serving.readiness import Check
from llm_engineering.settings import load_settings

_LONGEST_REQUEST_S = 660  # our own deadline comes before it
OPTIONS: dict[str, Any] = {
    "name": "rag_service",
    "workers": 1,
    "traffic": {"timeout": _LONGEST_REQUEST_S},
    "tracing": {"excluded_urls": ".*"},  # we send our own; BentoML's cost CPU, and go nowhere
}


def _current() -> "RAGService":
    service: RAGService = bentoml.get_current_service()
    return service


def _current_deployment() -> Deployment:
    return _current().deployment


_routes = create_app(_current, _current_deployment)


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Has our routes answer unknown paths and methods, too.

    BentoML looks into an application that it knows as FastAPI, and answers these itself.
    """
    await _routes(scope, receive, send)


class _OwnReadiness:
    """Has our routes answer `/readyz`, too: BentoML's own does not say which part is missing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = _routes if scope.get("path") == "/readyz" else self._app
        await answering(scope, receive, send)


@bentoml.service(**OPTIONS)
@bentoml.asgi_app(_app, path="/")
class RAGService:
    """Retrieves, generates, checks the citations, and notes down what it did."""

    deployment: Deployment

    def __init__(self) -> None:
        self._platform = Platform(load_settings())
        self._pipelines = Pipelines(self._platform.answer_pipeline)
        self._explainer = self._platform.explainer()
        self._listeners = self._platform.listeners()
        self._metrics = RequestMetrics()
        self.deployment = _deployment(self._platform, self._metrics)
        self._pipelines.of(None).warm_up(model_in_process=self._platform.model_in_process)
        spare_what_stays()

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        """Yields Sources, Tokens and Done, and notes the answer down; closing it stops the model.

        Raises what retrieval raises.
        """
        events = self._pipeline_of(request).stream(request)
        with (
            self._metrics.request(),
            closing(watched(request, events, now, self._listeners)) as seen,
        ):
            for event in seen:
                if isinstance(event, Done):
                    self._metrics.answered(event.answer)
                yield event

    def _pipeline_of(self, request: AnswerRequest) -> AnswerPipeline:
        default = self._platform.default_chat_model
        return self._pipelines.of(None if request.model == default else request.model)

    def retrieve(self, query: Query, k: int | None) -> Retrieval:
        """Returns the passages that a question finds, and how."""
        return self._explainer.retriever.retrieve(query, k)

    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        """Returns why a document is, or is not, among them."""
        return self._explainer.explain(query, url, k)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Writes what is still spooled and gives the stores back."""
        self._platform.close()


cast("Any", RAGService).add_asgi_middleware(_OwnReadiness)


def _deployment(platform: Platform, metrics: RequestMetrics) -> Deployment:
    settings = platform.settings
    return Deployment(
        limits=Limits(
            settings.SERVE_CONCURRENCY,
            settings.SERVE_DEADLINE_S,
            settings.SERVE_REQUESTS_PER_MINUTE,
        ),
        open_to=OpenTo(settings.SERVE_OPEN_TO),
        keys=KeyRing(platform.api_key_store),
        models=(platform.default_chat_model, *settings.served_chat_models),
        release=lambda: platform.release().id,
        history=platform.history(),
        documents=platform.document_store,
        generations=platform.chunk_index.generations,
        forgetting=platform.forgetting(),
        answers=platform.answer_recorder,
        checks=_checks(platform),
        rated=platform.question_tracker.rated,
        embedder=platform.embedding_model,
        embedder_name=platform.settings.TEXT_EMBEDDING_MODEL_ID,
        observe=metrics.observed,
    )


def _checks(platform: Platform) -> tuple[Check, ...]:
    """Returns what can be asked without a cost. A chat model in this process is loaded by now."""

    def embeds() -> None:
        platform.embedding_model.embed_query("ready?")

    def provider() -> str | None:
        model = platform.chat_model()
        resting = model.resting if isinstance(model, ChatModelChain) else ()
        return f"failed the last times: {', '.join(resting)}" if resting else None

    return (
        Check("mongo", platform.document_store.ping),
        Check("qdrant", platform.chunk_index.ping),
        Check("embedding model", embeds),
        Check(f"chat model {platform.default_chat_model}", provider, fatal=False),
    )
