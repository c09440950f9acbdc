"""What the page does is held to the same keys, limits and checks as the routes."""

import asyncio
import threading
from collections.abc import Generator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from fastapi import Request

from llm_engineering.application.ports.storage import GenerationStatus
from llm_engineering.application.rag.answer_recorder import AnswerRecorder
from llm_engineering.application.rag.generation import Event
from llm_engineering.domain.answers import AnswerRequest, Turn
from llm_engineering.domain.errors import InvalidInput, ModelError
from llm_engineering.domain.feedback import Vote
from llm_engineering.domain.queries import Query
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from llm_engineering.serving.access import Entrance, KeyRing, OpenTo
from llm_engineering.serving.asking import Asking
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.limits import Limits
from llm_engineering.serving.problems import Refusal
from llm_engineering.serving.ui.actions import Actions, Visitor
from llm_engineering.serving.ui.exchange import Exchange
from tests.builders import make_generation
from tests.unit.serving.oracle import ANSWER, CHUNK, Oracle
from tests.unit.serving.test_access import ADA, key
from tests.unit.serving.ui.exchanges import exchange

QUERY = Query(text="When does the tide turn?")
URL = "https://example.org/tide"


def actions(oracle: Oracle | None = None, **deployment: Any) -> Actions:
    """Returns the actions of a page; what is not said of the deployment is open to all."""
    answering, house = oracle or Oracle(), Deployment(**deployment)
    asking = Asking(lambda: answering, lambda: house)
    return Actions(asking, Entrance(lambda: house), lambda: "request-1")


def visitor(key: str = "", peer: str = "127.0.0.1") -> Visitor:
    """Returns a visitor of this machine, by default without a key."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/ui/gradio_api/queue/join",
        "query_string": b"",
        "headers": [(b"host", peer.encode())],
        "client": (peer, 50_000),
        "server": (peer, 80),
        "state": {"request_id": "request-of-the-queue"},
    }
    return Visitor(Request(scope), key)


def asked(
    page: Actions, past: Sequence[Exchange] = (), who: Visitor | None = None, query: Query = QUERY
) -> list[Exchange]:
    """Returns the states that an exchange goes through."""

    async def states() -> list[Exchange]:
        begun = page.begun(query.text, past)
        return [each async for each in page.ask(begun, lambda: query, who or visitor(), past)]

    return asyncio.run(states())


def token(store: InMemoryApiKeyStore, **options: Any) -> str:
    """Returns a new key as one types it."""
    return key(store, **options)["Authorization"].removeprefix("Bearer ")


def test_an_exchange_grows_until_it_is_answered() -> None:
    states = asked(actions())
    assert [state.written for state in states] == ["", "", "It ", "It turns.", "It turns."]
    assert states[0] == Exchange(1, QUERY.text, "request-1")
    assert states[1].passages == (CHUNK,)
    assert states[-1].answer == ANSWER


def test_the_next_question_follows_on_the_earlier_ones() -> None:
    oracle = Oracle()
    states = asked(actions(oracle), [exchange()])
    assert states[0].number == 4
    assert oracle.requests[0].history == (
        Turn(role="user", text="How often?"),
        Turn(role="assistant", text="It turns twice a day [1]."),
    )


def test_a_failure_is_told_without_internals_and_keeps_what_was_written() -> None:
    states = asked(actions(Oracle(late=ModelError("key sk-1 refused"))))
    assert states[-1].problem == "The model did not answer; try again"
    assert states[-1].written == "It "


def test_fields_that_cannot_be_read_are_told_before_anything_is_asked() -> None:
    oracle = Oracle()
    page = actions(oracle)

    def unreadable() -> Query:
        raise InvalidInput("From: 'x' is no day such as 2026-05-01")

    async def last() -> Exchange:
        begun = page.begun("When?", ())
        return [each async for each in page.ask(begun, unreadable, visitor(), ())][-1]

    assert "From: 'x' is no day" in asyncio.run(last()).problem
    assert oracle.requests == []


def test_without_a_key_nothing_is_asked_where_one_is_needed() -> None:
    oracle, store = Oracle(), InMemoryApiKeyStore()
    page = actions(oracle, open_to=OpenTo.NOBODY, keys=KeyRing(store))
    assert asked(page)[-1].problem.startswith("An API key is needed")
    assert "not valid" in asked(page, who=visitor("llmp_nonsense"))[-1].problem
    assert oracle.requests == []
    assert asked(page, who=visitor(f" {token(store)} "))[-1].answer == ANSWER


def test_a_page_of_another_site_that_has_our_address_is_not_this_machine() -> None:
    page = actions(open_to=OpenTo.LOOPBACK)
    assert asked(page)[-1].answer == ANSWER
    stranger = visitor(peer="192.0.2.7")
    assert asked(page, who=stranger)[-1].problem.startswith("An API key is needed")


def test_a_tied_key_asks_within_its_ties() -> None:
    oracle, store = Oracle(), InMemoryApiKeyStore()
    page = actions(oracle, open_to=OpenTo.NOBODY, keys=KeyRing(store))
    asked(page, who=visitor(token(store, ties=ADA)))
    assert oracle.requests[0].query.filters.authors == ("Ada Lovelace",)


class Slow(Oracle):
    """Finds passages, and answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
        for event in super().stream(request):
            yield event
            self.let.wait(30)


def test_when_all_places_are_taken_it_says_so() -> None:
    slow = Slow()
    page = actions(slow, limits=Limits(concurrency=1))

    async def second() -> Exchange:
        begun = page.begun("When?", ())
        async with aclosing(page.ask(begun, lambda: QUERY, visitor(), ())) as first:
            await anext(first)
            await anext(first)
            refused = [each async for each in page.ask(begun, lambda: QUERY, visitor(), ())][-1]
            slow.let.set()
            return refused

    assert "all places are taken" in asyncio.run(second()).problem


def rated(page: Actions, past: Sequence[Exchange], better: str = "", who: str = "") -> None:
    asyncio.run(page.vote(past, Vote.DOWN, better, visitor(who)))


def test_feedback_is_kept_with_the_answer_that_was_given() -> None:
    store = InMemoryFeedbackStore()
    recorder = AnswerRecorder(store)
    page = actions(answers=recorder)
    states = asked(page)
    rated(page, [states[-1]], " Twice a day. ")
    recorder.close()
    (kept,) = store.rated()
    assert (kept.question, kept.request_id) == (QUERY.text, "request-1")
    assert kept.feedback
    assert (kept.feedback.vote, kept.feedback.better_answer) == (Vote.DOWN, "Twice a day.")


def test_feedback_to_no_answer_and_by_another_is_refused() -> None:
    keys, recorder = InMemoryApiKeyStore(), AnswerRecorder(InMemoryFeedbackStore())
    page = actions(answers=recorder, keys=KeyRing(keys))
    with pytest.raises(InvalidInput, match="no answer yet"):
        rated(page, [])
    states = asked(page, who=visitor(token(keys)))
    with pytest.raises(Refusal, match="no answer of this request id"):
        rated(page, [states[-1]], who=token(keys))
    recorder.close()


def explained(page: Actions, url: str = URL, who: str = "") -> str:
    return asyncio.run(page.explain(QUERY, url, visitor(who))).url


def test_a_document_is_explained() -> None:
    oracle = Oracle()
    assert explained(actions(oracle), f" {URL} ") == URL
    assert oracle.asked == [(QUERY, None)]


def test_an_explanation_needs_an_address_and_a_document_that_the_key_may_know_of() -> None:
    store = InMemoryApiKeyStore()
    page = actions(keys=KeyRing(store), open_to=OpenTo.NOBODY)
    with pytest.raises(InvalidInput, match="Address"):
        explained(page, " ")
    with pytest.raises(Refusal, match="side bar"):
        explained(page)
    with pytest.raises(Refusal, match="no document at this address"):
        explained(page, who=token(store, ties=ADA))


def test_the_status_tells_how_much_is_indexed_to_untied_callers_alone() -> None:
    store, generation = InMemoryApiKeyStore(), make_generation()
    page = actions(
        open_to=OpenTo.NOBODY,
        keys=KeyRing(store),
        release=lambda: "release-7",
        generations=lambda: [GenerationStatus(generation, 1234, True)],
    )

    def status(who: str) -> str:
        return asyncio.run(page.status(visitor(who)))

    with pytest.raises(Refusal):
        status("")
    assert "1,234" in status(token(store))
    tied = status(token(store, ties=ADA))
    assert "release-7" in tied
    assert "1,234" not in tied


def test_a_visit_has_the_id_of_its_request() -> None:
    assert visitor().request_id == "request-of-the-queue"
