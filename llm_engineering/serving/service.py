"""RAGService: the BentoML service that answers questions over HTTP.

BentoML gives `/livez`, `/readyz`, `/metrics` and the worker's life cycle; FastAPI the routes and
their OpenAPI page at `/docs`.
"""

from collections.abc import Sequence

import bentoml

from llm_engineering.bootstrap import Platform
from llm_engineering.domain.answers import Answer
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

    def answer(self, query: Query, k: int | None) -> tuple[Answer, Sequence[ScoredChunk]]:
        """Returns the answer and the passages that were found. Raises what retrieval raises."""
        with self._metrics.request():
            answer, found = self._generator.answer(query, k)
        self._metrics.answered(answer)
        self._question_log.record(answer, found, query)
        return answer, found

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
