"""Traces on their way to a collector that takes OTLP over HTTP, that hangs, or is not there."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Received

from llm_engineering.domain.redaction import Redaction
from llm_engineering.infrastructure.tracing.otel import WAITING, OTelTraces
from tests.observers import Collector, collecting
from tests.unit.application.tracking.serving import ANSWER, served

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as seen:
        yield seen


def traces_to(url: str, **more: Any) -> OTelTraces:
    redaction = Redaction(["canary of the settings"])
    return OTelTraces(url, "x-key=collector-key", "tides", redaction, **more)


def attributes(span: Received) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_a_collector_gets_the_request_its_stages_and_the_caller_s_trace(
    collector: Collector,
) -> None:
    traces = traces_to(f"{collector.url}/")
    asked = served()
    request = asked.request.model_copy(update={"trace_parent": PARENT})
    traces.served(served())
    traces.served(type(asked)(request, asked.began, asked.ended, asked.retrieval, asked.answer))
    traces.close()
    spans = collector.spans
    ours = [span for span in spans if span.trace_id.hex() == PARENT[3:35]]
    by_name = {span.name: span for span in ours}
    assert len(spans) == 2 * len(ours)
    root, retrieve = by_name["rag.request"], by_name["rag.retrieve"]
    assert root.parent_span_id.hex() == PARENT[36:52]
    assert {by_name[name].parent_span_id for name in ("rag.retrieve", "rag.generate")} == {
        root.span_id
    }
    assert by_name["rag.embed"].parent_span_id == retrieve.span_id
    assert root.end_time_unix_nano - root.start_time_unix_nano == 110_000_000
    assert root.start_time_unix_nano == retrieve.start_time_unix_nano
    assert attributes(root)["rag.question"] == "What is a generator?"
    assert attributes(by_name["rag.generate"])["gen_ai.request.model"] == ANSWER.model
    assert (collector.paths, collector.keys) == ({"/v1/traces"}, {"collector-key"})
    assert collector.services == {"tides"}


def test_an_error_is_one_and_nonsense_for_a_parent_is_none(collector: Collector) -> None:
    traces = traces_to(collector.url)
    asked = served(answer=None, retrieval=None, error="StoreUnavailable: down")
    request = asked.request.model_copy(update={"trace_parent": "00-nonsense\u2603"})
    traces.served(type(asked)(request, asked.began, asked.ended, error=asked.error))
    traces.close()
    (span,) = collector.spans
    assert span.parent_span_id == b""
    assert (span.status.code, span.status.message) == (2, "StoreUnavailable: down")


@pytest.mark.parametrize(
    "canary", ["sk-canary-0123456789", "canary@example.org", "canary of the settings"]
)
def test_no_canary_reaches_a_collector(collector: Collector, canary: str) -> None:
    traces = traces_to(collector.url)
    traces.served(served(canary, text=f"Why is {canary} wrong?", answer=None, error=canary))
    traces.close()
    sent = b"".join(collector.bodies)
    assert b"[redacted]" in sent
    assert b"canary" not in sent


def test_a_collector_that_hangs_holds_up_nobody_and_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts, and never answers
        traces = traces_to(f"http://127.0.0.1:{deaf.getsockname()[1]}", delay_s=0.01)
        began = time.process_time(), time.monotonic()
        for _ in range(WAITING):  # five spans each: more than wait
            traces.served(served())
        assert time.monotonic() - began[1] < 30  # each batch would wait three seconds
        closing = time.monotonic()
        traces.close()
        assert time.monotonic() - closing < 25


def test_a_collector_that_is_not_there_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    traces = traces_to(f"http://127.0.0.1:{port}")
    traces.served(served())
    traces.close()
    assert "span" in caplog.text.lower()
    assert "collector-key" not in caplog.text
