"""Traces of served questions, as the exporter of OpenTelemetry gets them. No collector."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from llm_engineering.domain.redaction import Redaction
from llm_engineering.infrastructure.tracing import otel
from llm_engineering.infrastructure.tracing.otel import OTelTraces
from tests.unit.application.tracking.serving import NOW, served

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Exporter(SpanExporter):
    """Keeps what it is given. `gate` holds it up; `refuses` has it fail."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.spans: list[ReadableSpan] = []
        self.gate = threading.Event()
        self.gate.set()
        self.refuses = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.gate.wait(20)
        self.spans += spans
        return SpanExportResult.FAILURE if self.refuses else SpanExportResult.SUCCESS


@pytest.fixture
def exporters(monkeypatch: pytest.MonkeyPatch) -> list[Exporter]:
    """The exporters that were made."""
    made: list[Exporter] = []

    def make(**arguments: Any) -> Exporter:
        made.append(Exporter(**arguments))
        return made[-1]

    monkeypatch.setattr(otel, "OTLPSpanExporter", make)
    return made


def traces(endpoint: str = "http://127.0.0.1:9", headers: str = "") -> OTelTraces:
    return OTelTraces(endpoint, headers, "tides", Redaction(["canary-5"]))


def roots(exporter: Exporter) -> list[ReadableSpan]:
    return [span for span in exporter.spans if span.name == "rag.request"]


@pytest.mark.parametrize("endpoint", ["http://c.example:4318", "http://c.example:4318/"])
def test_traces_go_below_the_endpoint(exporters: list[Exporter], endpoint: str) -> None:
    traces(endpoint).close()
    assert exporters[0].arguments["endpoint"] == "http://c.example:4318/v1/traces"
    assert exporters[0].arguments["timeout"] == 3.0


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", {}),
        ("x-key=made-up", {"x-key": "made-up"}),
        ("a=1, b=2", {"a": "1", "b": "2"}),
        ("Authorization=Bearer made-up", {"authorization": "Bearer made-up"}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_headers_are_those_of_the_setting(
    exporters: list[Exporter], text: str, headers: dict[str, str]
) -> None:
    traces(headers=text).close()
    assert exporters[0].arguments["headers"] == headers


def test_a_question_is_one_trace_whose_parts_hang_together(exporters: list[Exporter]) -> None:
    observer = traces()
    observer.served(served())
    observer.close()
    spans = exporters[0].spans
    by_id = {span.context.span_id: span for span in spans if span.context}
    assert len({span.context.trace_id for span in by_id.values() if span.context}) == 1
    (root,) = roots(exporters[0])
    assert root.parent is None
    for span in spans:
        if span is not root:
            assert span.parent is not None
            above = by_id[span.parent.span_id]
            assert above.start_time is not None
            assert above.end_time is not None
            assert above.start_time <= (span.start_time or 0) <= (span.end_time or 0)
            assert (span.end_time or 0) <= above.end_time
    assert root.resource.attributes["service.name"] == "tides"


def test_times_are_those_of_the_question_to_the_nanosecond(exporters: list[Exporter]) -> None:
    observer = traces()
    observer.served(served(ms=110.001))
    observer.close()
    (root,) = roots(exporters[0])
    assert root.start_time == int(NOW.timestamp()) * 1_000_000_000
    assert (root.end_time or 0) - (root.start_time or 0) == 110_001_000


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)
    )
)
@example(datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=UTC))
def test_no_microsecond_is_lost(moment: datetime) -> None:
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert otel._ns(moment) == exact


@pytest.mark.parametrize(
    ("parent", "joined"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        ("", False),
        (f"00-{TRACE}", False),
        (f"00-{'0' * 32}-{SPAN}-01", False),
        (f"ff-{TRACE}-{SPAN}-01", False),
        ("a" * 5_000, False),
    ],
    ids=["valid", "none", "short", "no trace", "forbidden version", "long"],
)
def test_the_caller_s_trace_is_joined_where_it_is_one(
    exporters: list[Exporter], parent: str, joined: bool
) -> None:
    asked = served()
    request = asked.request.model_copy(update={"trace_parent": parent})
    observer = traces()
    observer.served(type(asked)(request, asked.began, asked.ended, asked.retrieval, asked.answer))
    observer.close()
    (root,) = roots(exporters[0])
    assert root.context is not None
    assert (f"{root.context.trace_id:032x}" == TRACE) is joined
    assert (root.parent is not None) is joined


def test_what_failed_is_an_error_and_what_did_not_is_none(exporters: list[Exporter]) -> None:
    observer = traces()
    observer.served(served(answer=None, retrieval=None, error="ModelError: the key canary-5"))
    observer.served(served())
    observer.close()
    failed, done = (root.status for root in roots(exporters[0]))
    assert failed.status_code is StatusCode.ERROR
    assert failed.description == "ModelError: the key [redacted]"
    assert done.status_code is StatusCode.UNSET


def test_no_secret_is_in_any_attribute(exporters: list[Exporter]) -> None:
    observer = traces()
    observer.served(served(text="is canary-5 the key?"))
    observer.close()
    assert exporters[0].spans
    assert all("canary" not in str(span.attributes) for span in exporters[0].spans)


def test_a_collector_that_hangs_holds_no_question_up(exporters: list[Exporter]) -> None:
    observer = traces()
    exporters[0].gate.clear()
    began = time.perf_counter()
    for number in range(400):  # more than wait in line
        observer.served(served(f"request-{number}"))
    assert time.perf_counter() - began < 15
    exporters[0].gate.set()
    observer.close()
    kept = [str(dict(root.attributes or {})["rag.request_id"]) for root in roots(exporters[0])]
    assert kept, "some arrive"
    assert kept[-1] == "request-399", "the oldest were pushed out"


def test_a_collector_that_refuses_is_nobody_s_failure(exporters: list[Exporter]) -> None:
    observer = traces()
    exporters[0].refuses = True
    observer.served(served())
    observer.close()
    assert roots(exporters[0])
