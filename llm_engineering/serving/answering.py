"""What the routes need of the service behind them."""

from collections.abc import Generator
from typing import Protocol

from llm_engineering.application.rag.generation import Event
from llm_engineering.domain.answers import AnswerRequest
from llm_engineering.domain.explanations import Explanation
from llm_engineering.domain.queries import Query, Retrieval


class Answering(Protocol):
    """Answers questions. Every method blocks: the routes call it from threads of their own."""

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        """Yields Sources, Tokens and Done; closing it stops the model."""
        ...

    def retrieve(self, query: Query, k: int | None) -> Retrieval:
        """Returns the passages that a question finds."""
        ...

    def explain(self, query: Query, url: str, k: int | None) -> Explanation:
        """Returns why a document is, or is not, among them."""
        ...
