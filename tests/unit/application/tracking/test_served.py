from collections.abc import Generator

import pytest

from llm_engineering.application.rag.generation import Done, Event, Sources, Token
from llm_engineering.application.tracking.served import Served, sampled, stages_ms, watched
from llm_engineering.domain.errors import StoreUnavailable
from tests.unit.application.tracking.serving import ANSWER, RETRIEVAL, Clock, served

REQUEST = served().request
EVENTS: tuple[Event, ...] = (Sources(RETRIEVAL), Token("It "), Done(ANSWER))


def playing(
    clock: Clock, *events: Event, error: Exception | None = None
) -> Generator[Event, None, None]:
    for event in events:
        clock.move(0.5)
        yield event
    if error:
        raise error


def test_what_is_watched_passes_unchanged_and_everybody_is_told() -> None:
    clock, first, second = Clock(), list[Served](), list[Served]()
    tell = (first.append, second.append)
    began = clock()
    assert tuple(watched(REQUEST, playing(clock, *EVENTS), clock, tell)) == EVENTS
    assert first == second == [Served(REQUEST, began, clock(), RETRIEVAL, ANSWER)]
    assert (first[0].outcome, first[0].total_ms) == ("generated", 1500.0)


def test_an_error_passes_and_is_told() -> None:
    clock, told = Clock(), list[Served]()
    events = playing(clock, EVENTS[0], error=StoreUnavailable("down"))
    with pytest.raises(StoreUnavailable, match="down"):
        list(watched(REQUEST, events, clock, [told.append]))
    (noted,) = told
    assert (noted.outcome, noted.error) == ("failed", "StoreUnavailable: down")
    assert (noted.retrieval, noted.answer) == (RETRIEVAL, None)


def test_who_hangs_up_stops_what_is_watched() -> None:
    clock, told = Clock(), list[Served]()
    events = playing(clock, *EVENTS)
    seen = watched(REQUEST, events, clock, [told.append])
    next(seen)
    seen.close()
    assert next(events, None) is None
    assert (told[0].outcome, told[0].answer) == ("stopped", None)


def test_what_was_answered_before_the_caller_hung_up_is_answered() -> None:
    clock, told = Clock(), list[Served]()
    seen = watched(REQUEST, playing(clock, *EVENTS), clock, [told.append])
    for _ in EVENTS:
        next(seen)
    seen.close()
    assert told[0].outcome == "generated"


def test_a_sample_has_its_share_and_is_the_same_everywhere() -> None:
    keys = [f"request-{n}" for n in range(4000)]
    few = {key for key in keys if sampled(key, 0.1)}
    many = {key for key in keys if sampled(key, 0.5)}
    assert 320 < len(few) < 480
    assert 1850 < len(many) < 2150
    assert few < many
    assert all(sampled(key, 1.0) for key in keys)
    assert not any(sampled(key, 0.0) for key in keys)
    assert [sampled(key, 0.5) for key in keys[:8]] == [sampled(key, 0.5) for key in keys[:8]]


def test_stages_are_those_of_retrieval_and_then_of_the_answer() -> None:
    assert list(stages_ms(served())) == ["embed", "search", "retrieve", "first_token", "generate"]
    assert stages_ms(served(answer=None, retrieval=None)) == {}
