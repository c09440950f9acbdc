"""The answer pipelines of a service: one a chat model, made when it is first asked for."""

import threading
from collections.abc import Callable

from llm_engineering.application.rag.answering import AnswerPipeline


class Pipelines:
    """Gives the pipeline of a reference; `make` makes one, None for the configured model."""

    def __init__(self, make: Callable[[str | None], AnswerPipeline]) -> None:
        self._make = make
        self._made: dict[str | None, AnswerPipeline] = {}
        self._lock = threading.Lock()

    def of(self, reference: str | None) -> AnswerPipeline:
        """Returns the pipeline; two that ask at once get the same.

        Raises:
            ConfigurationError: its provider is unknown, or lacks its secret.
        """
        with self._lock:
            if reference not in self._made:
                self._made[reference] = self._make(reference)
            return self._made[reference]
