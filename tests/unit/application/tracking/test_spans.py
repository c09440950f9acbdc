from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.tracking.spans import Span, span_of
from llm_engineering.domain.redaction import HIDDEN, Redaction
from tests.unit.application.tracking.serving import ANSWER, NOW, RETRIEVAL, served

TIMES = st.dictionaries(
    st.sampled_from(["self_query", "expansion", "embed", "search", "fuse", "rerank", "total"]),
    st.floats(0, 1e5),
)
STAGES = st.dictionaries(
    st.sampled_from(
        ["conversation", "cache", "retrieve", "first_token", "generate", "check", "total"]
    ),
    st.floats(0, 1e5),
)


def spans(span: Span) -> list[Span]:
    return [span, *(found for part in span.parts for found in spans(part))]


def ms(span: Span) -> tuple[float, float]:
    """Returns when a span starts and ends, in milliseconds since the question."""
    one = timedelta(milliseconds=1)
    return (span.start - NOW) / one, (span.end - NOW) / one


def test_a_question_is_a_request_with_its_stages_in_order() -> None:
    times = {"self_query": 2.0, "expansion": 4.0, "embed": 3.0, "search": 1.0, "total": 9.0}
    answer = ANSWER.model_copy(update={"timings_ms": {**ANSWER.timings_ms, "check": 5.0}})
    retrieval = RETRIEVAL.model_copy(update={"timings_ms": times})
    root = span_of(served(answer=answer, retrieval=retrieval), Redaction())
    assert {span.name: ms(span) for span in spans(root)} == {
        "rag.request": (0, 110),
        "rag.retrieve": (0, 10),
        "rag.self_query": (0, 2),
        "rag.expansion": (0, 4),
        "rag.embed": (4, 7),
        "rag.search": (7, 8),
        "rag.generate": (10, 100),
        "rag.check": (100, 105),
    }
    retrieve, generate, _ = root.parts
    assert retrieve.parts[0].name == "rag.self_query"
    assert retrieve.attributes["rag.considered"] == 2
    assert generate.attributes["gen_ai.request.model"] == "local:small"
    assert generate.attributes["gen_ai.usage.output_tokens"] == 20
    assert root.attributes["rag.outcome"] == "generated"
    assert root.attributes["rag.grounded"] is True
    assert root.error == ""


def test_a_failure_is_an_error_without_an_answer() -> None:
    root = span_of(served(answer=None, retrieval=None, error="StoreUnavailable: down"), Redaction())
    assert (root.parts, root.error) == ((), "StoreUnavailable: down")
    assert "rag.grounded" not in root.attributes
    found = span_of(served(answer=None, error="ModelError: no"), Redaction())
    assert [part.name for part in found.parts] == ["rag.retrieve"]


def test_who_hung_up_is_no_error() -> None:
    root = span_of(served(answer=None), Redaction())
    assert (root.error, root.attributes["rag.outcome"]) == ("", "stopped")


def test_an_answer_from_the_cache_was_neither_searched_for_nor_written() -> None:
    times = {"conversation": 3.0, "cache": 2.0, "total": 5.5}
    answer = ANSWER.model_copy(update={"cached": True, "timings_ms": times})
    root = span_of(served(answer=answer), Redaction())
    assert root.attributes["rag.cached"] is True
    assert [(part.name, ms(part)) for part in root.parts] == [
        ("rag.conversation", (0, 3)),
        ("rag.cache", (3, 5)),
    ]


def test_a_question_is_made_to_stand_alone_before_it_is_searched_for() -> None:
    answer = ANSWER.model_copy(update={"timings_ms": {**ANSWER.timings_ms, "conversation": 3.0}})
    first, second, _ = span_of(served(answer=answer), Redaction()).parts
    assert (first.name, ms(first)) == ("rag.conversation", (0, 3))
    assert (second.name, ms(second)) == ("rag.retrieve", (3, 13))


@pytest.mark.parametrize("canary", ["sk-canary-0123456789", "canary@example.org"])
def test_no_secret_is_in_a_span(canary: str) -> None:
    asked = served(canary, text=f"Is {canary} right?", answer=None, error=f"E: {canary}")
    root = span_of(asked, Redaction())
    assert "canary" not in repr(root)
    assert root.attributes["rag.question"] == f"Is {HIDDEN} right?"


def test_a_request_id_stays_readable() -> None:
    request_id = "5f0c1a3e9d8b4c7a8e2f6b1d0c9a7e35"
    assert span_of(served(request_id), Redaction()).attributes["rag.request_id"] == request_id


@given(TIMES, STAGES, st.floats(0, 1e5))
def test_whatever_the_times_parts_lie_within_the_whole(
    times: dict[str, float], stages: dict[str, float], total: float
) -> None:
    answer = ANSWER.model_copy(update={"timings_ms": stages})
    retrieval = RETRIEVAL.model_copy(update={"timings_ms": times})
    asked = served(ms=total, answer=answer, retrieval=retrieval)
    for span in spans(span_of(asked, Redaction())):
        assert span.start <= span.end
        for part in span.parts:
            assert span.start <= part.start <= part.end <= span.end
