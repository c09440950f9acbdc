"""What Prometheus reads at /metrics, besides BentoML's own request metrics."""

from collections.abc import Iterator
from contextlib import contextmanager

from bentoml.metrics import Counter, Histogram

from llm_engineering.domain.answers import Answer

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 120)
_TOKENS = (16, 64, 256, 512, 1024, 2048, 4096, 8192)


class RequestMetrics:
    """Counts questions by outcome, and measures stages (seconds) and tokens."""

    def __init__(self) -> None:
        self._questions = Counter(
            "rag_questions_total", "Questions by outcome", labelnames=("outcome",)
        )
        self._requests = Histogram(
            "rag_request_seconds",
            "Time of each request, until its response was sent",
            labelnames=("route", "status"),
            buckets=_SECONDS,
        )
        self._stages = Histogram(
            "rag_stage_seconds", "Time of each stage", labelnames=("stage",), buckets=_SECONDS
        )
        self._tokens = Histogram(
            "rag_tokens", "Tokens of the chat model", labelnames=("kind",), buckets=_TOKENS
        )

    @contextmanager
    def request(self) -> Iterator[None]:
        """Counts a question that ends in an error."""
        try:
            yield
        except BaseException:
            self._questions.labels(outcome="error").inc()
            raise

    def observed(self, route: str, status: int, seconds: float) -> None:
        """Measures a request; 499 is the status of one whose caller hung up first."""
        self._requests.labels(route=route, status=str(status)).observe(seconds)

    def answered(self, answer: Answer) -> None:
        """Counts an answered or refused question, its stages and its tokens."""
        self._questions.labels(outcome=answer.mode.value).inc()
        for stage, milliseconds in answer.timings_ms.items():
            self._stages.labels(stage=stage).observe(milliseconds / 1000)
        self._tokens.labels(kind="input").observe(answer.usage.input_tokens)
        self._tokens.labels(kind="output").observe(answer.usage.output_tokens)
