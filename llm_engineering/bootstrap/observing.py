"""What is noted down of the questions that are served."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from llm_engineering.application.tracking.config import TrackingConfig
from llm_engineering.bootstrap.answers import Answers
from llm_engineering.bootstrap.resources import now
from llm_engineering.bootstrap.stores import QUESTIONS
from llm_engineering.domain.redaction import Redaction
from llm_engineering.settings import load_config

if TYPE_CHECKING:  # langchain_core takes seconds to import: only what answers needs it
    from llm_engineering.application.tracking.question_tracker import QuestionTracker
    from llm_engineering.application.tracking.served import Served
    from llm_engineering.infrastructure.tracing.otel import OTelTraces

_PATIENCE_S = 15.0  # the service must come to its end, whatever ClearML does


class Observing(Answers):
    """What tells others of served questions."""

    @cached_property
    def tracking_config(self) -> TrackingConfig:
        """The file of TRACKING_CONFIG; its defaults where there is none."""
        path = self.settings.TRACKING_CONFIG
        return load_config(path, TrackingConfig) if path.exists() else TrackingConfig()

    @cached_property
    def redaction(self) -> Redaction:
        """Takes out what looks like a secret, and every secret of the settings."""
        return Redaction(self.settings.secrets())

    @cached_property
    def question_tracker(self) -> "QuestionTracker":
        """Served questions on their way to ClearML."""
        from llm_engineering.application.tracking.question_tracker import QuestionTracker

        config = self.tracking_config
        tracker = QuestionTracker(
            self.tracker_of(QUESTIONS, config.disk_mb * 1_000_000, _PATIENCE_S),
            self.release,
            config,
            now,
            self.redaction,
        )
        self._resources.callback(tracker.close)
        return tracker

    def listeners(self) -> "tuple[Callable[[Served], None], ...]":
        """Who is told of each question when it is done."""
        traces = self.traces
        return (self.question_tracker.served, *((traces.served,) if traces else ()))

    @cached_property
    def traces(self) -> "OTelTraces | None":
        """OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector."""
        endpoint = self.settings.OTEL_EXPORTER_OTLP_ENDPOINT
        if endpoint is None:
            return None
        from llm_engineering.infrastructure.tracing.otel import OTelTraces

        headers = self.settings.OTEL_EXPORTER_OTLP_HEADERS
        traces = OTelTraces(
            endpoint,
            headers.get_secret_value() if headers else "",
            self.settings.OTEL_SERVICE_NAME,
            self.redaction,
        )
        self._resources.callback(traces.close)
        return traces
