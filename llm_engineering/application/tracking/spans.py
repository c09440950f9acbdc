"""The stages of a served question as a tree of spans: request → retrieval → generation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from llm_engineering.application.tracking.served import FAILED, Served
from llm_engineering.domain.redaction import Redaction

LONGEST = 500  # characters of a question or an error

Attribute = str | bool | int | float

_TOGETHER = frozenset({"self_query", "expansion"})  # run at the same time, before the others


@dataclass(frozen=True)
class Span:
    """A stretch of time with a name; what `parts` it has lies within it.

    `error` is empty unless it failed.
    """

    name: str
    start: datetime
    end: datetime
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    parts: tuple["Span", ...] = ()
    error: str = ""


def span_of(served: Served, redaction: Redaction) -> Span:
    """Returns the span of a request with those of its stages; there are no secrets in it.

    Stages are known by how long they took: each begins where the one before it ended.
    """
    answer = served.answer
    attributes: dict[str, Attribute] = {
        "rag.request_id": redaction.keeping_hashes.text(served.request.request_id),
        "rag.question": redaction.excerpt(served.request.query.text, LONGEST),
        "rag.outcome": served.outcome,
    }
    if answer:
        attributes |= {
            "rag.grounded": answer.grounded,
            "rag.cached": answer.cached,
            "rag.citations": len(answer.citations),
            "rag.degraded": ", ".join(answer.degraded),
        }
    error = redaction.excerpt(served.error, LONGEST) if served.outcome == FAILED else ""
    return Span("rag.request", served.began, served.ended, attributes, _stages(served), error)


def _stages(served: Served) -> tuple[Span, ...]:
    """Returns the spans of the stages, each from the end of the one before it."""
    spans, at = [], served.began
    for name, took, attributes in _durations(served):
        end = _after(at, took, served.ended)
        inner = served.retrieval.timings_ms if served.retrieval and name == "retrieve" else {}
        spans.append(Span(f"rag.{name}", at, end, attributes, _retrieval(inner, at, end)))
        at = end
    return tuple(spans)


def _durations(served: Served) -> Iterator[tuple[str, float, dict[str, Attribute]]]:
    """Yields each stage that there was, its milliseconds and what is known of it, in order."""
    answer, retrieval = served.answer, served.retrieval
    times = answer.timings_ms if answer else {}
    for name in ("conversation", "cache"):
        if name in times:
            yield name, times[name], {}
    if retrieval and not (answer and answer.cached):
        yield (
            "retrieve",
            times.get("retrieve", retrieval.timings_ms.get("total", 0.0)),
            {
                "rag.passages": len(retrieval.passages),
                "rag.considered": len(retrieval.considered),
                "rag.variants": len(retrieval.variants),
            },
        )
    if answer and "generate" in times:
        yield (
            "generate",
            times["generate"],
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": answer.model,
                "gen_ai.usage.input_tokens": answer.usage.input_tokens,
                "gen_ai.usage.output_tokens": answer.usage.output_tokens,
                "rag.first_token_ms": times.get("first_token", 0.0),
            },
        )
    if "check" in times:
        yield "check", times["check"], {}


def _retrieval(timings_ms: Mapping[str, float], at: datetime, limit: datetime) -> tuple[Span, ...]:
    spans, together = [], at
    for stage, took in timings_ms.items():
        if stage == "total":
            continue
        start = at if stage in _TOGETHER else together
        end = _after(start, took, limit)
        spans.append(Span(f"rag.{stage}", start, end))
        together = max(together, end)
    return tuple(spans)


def _after(start: datetime, ms: float, limit: datetime) -> datetime:
    return max(start, min(start + timedelta(milliseconds=ms), limit))
