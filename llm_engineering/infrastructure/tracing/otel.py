"""OpenTelemetry: traces of served questions, sent over OTLP/HTTP."""

from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from llm_engineering.application.tracking.served import Served
from llm_engineering.application.tracking.spans import Span, span_of
from llm_engineering.domain.redaction import Redaction

EXPORT_S = 3.0  # for one batch, with its retries
WAITING = 1024  # spans, two batches; more push the oldest out


class OTelTraces:
    """Sends a trace of each question, in batches, from a thread of its own.

    A collector that is down or slow holds nobody up: its spans are lost.

    Args:
        endpoint: the collector, such as `http://127.0.0.1:4318`; `/v1/traces` is added.
        headers: sent with each batch, such as an API key of the collector's: `name=value,...`.
        service: the name that the traces go by.
        redaction: takes secrets out of the attributes.
        delay_s: how long spans are gathered before they are sent.
    """

    def __init__(
        self,
        endpoint: str,
        headers: str,
        service: str,
        redaction: Redaction,
        delay_s: float = 5.0,
    ) -> None:
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            headers=parse_env_headers(headers, liberal=True),
            timeout=EXPORT_S,
        )
        batches = BatchSpanProcessor(
            exporter, max_queue_size=WAITING, schedule_delay_millis=delay_s * 1000
        )
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(batches)
        self._tracer = self._provider.get_tracer("llm_engineering")
        self._redaction = redaction

    def served(self, served: Served) -> None:
        """Notes the trace of a question, below the caller's own span if it named one."""
        carrier = {"traceparent": served.request.trace_parent}
        parent = TraceContextTextMapPropagator().extract(carrier)
        _emit(self._tracer, span_of(served, self._redaction), parent)

    def close(self) -> None:
        """Sends what waits; a collector that does not answer is given up after some seconds."""
        self._provider.shutdown()


def _emit(tracer: Tracer, span: Span, context: Context) -> None:
    started = tracer.start_span(
        span.name, context, attributes=dict(span.attributes), start_time=_ns(span.start)
    )
    for part in span.parts:
        _emit(tracer, part, set_span_in_context(started, context))
    if span.error:
        started.set_status(Status(StatusCode.ERROR, span.error))
    started.end(_ns(span.end))


def _ns(time: datetime) -> int:
    """Returns the nanoseconds since 1970; a datetime has microseconds."""
    return round(time.timestamp() * 1_000_000) * 1000
