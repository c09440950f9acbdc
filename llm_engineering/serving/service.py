"""RAGService: the BentoML service that answers questions over HTTP.

BentoML gives `/livez`, `/readyz`, `/metrics` and the worker's life cycle; FastAPI the routes and
their OpenAPI page at `/docs`.
"""

from collections.abc import Generator, Sequence

import bentoml

from llm_engineering.application.rag.generation import Done, Event, Sources
from llm_engineering.bootstrap import Platform
from llm_engineering.domain.answers import Answer, AnswerRequest
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.explanations import Explanation
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk
from llm_engineering.serving.api import create_app
from llm_engineering.serving.metrics import RequestMetrics
from llm_engineering.settings import load_settings


def _current() -> "RAGService":
    service: RAGService = bentoml.get_current_service()
    return service


@bentoml.service(name="rag_service", workers=1, traffic={"timeout": 120, "max_concurrency": 32})
@bentoml.asgi_app(create_app(_current), path="/")
class RAGService:
    """Retrieves, generates, checks the citations, and notes down what it did."""

    def __init__(self) -> None:
        self._platform = Platform(load_settings())
        self._generator = self._platform.answer_generator()
        self._explainer = self._platform.explainer()
        self._question_log = self._platform.question_log
        self._metrics = RequestMetrics()
        self._generator.warm_up(model_in_process=self._platform.model_in_process)

    def answer(self, request: AnswerRequest) -> Answer:
        """Returns the checked answer. Raises what retrieval raises."""
        for event in self.stream(request):
            if isinstance(event, Done):
                return event.answer
        raise AssertionError("a stream ends with Done")

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        """Yields Sources, Tokens and Done, and notes the answer down; closing it stops the model.

        Raises what retrieval raises.
        """
        found: Sequence[ScoredChunk] = ()
        with self._metrics.request():
            for event in self._generator.stream(request):
                if isinstance(event, Sources):
                    found = event.found
                if isinstance(event, Done):
                    self._metrics.answered(event.answer)
                    self._question_log.record(event.answer, found, request.query)
                yield event

    def retrieve(self, query: Query, k: int | None) -> Retrieval:
        """Returns the passages that a question finds, and how."""
        return self._explainer.retriever.retrieve(query, k)

    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        """Returns why a document is, or is not, among them."""
        return self._explainer.explain(query, url, k)

    def __is_ready__(self) -> bool:
        try:
            self._platform.document_store.ping()
            self._platform.chunk_index.ping()
        except StoreUnavailable:
            return False
        return True

    @bentoml.on_shutdown
    def close(self) -> None:
        """Writes what is still spooled and gives the stores back."""
        self._platform.close()
