"""Each store as a participant in forgetting: what it counts, what it deletes, what it leaves."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from llm_engineering.application.corpus.forgetters import (
    AnswerCacheForgetter,
    DocumentForgetter,
    FeedbackForgetter,
    IndexForgetter,
    LikenessForgetter,
)
from llm_engineering.application.ports.forgetting import Forgetter, Subject
from llm_engineering.application.ports.likeness import Likeness
from llm_engineering.domain.ids import document_id
from llm_engineering.infrastructure.in_memory.answer_cache import InMemoryAnswerCache
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from tests.builders import make_embedded_chunk, make_generation
from tests.contracts.test_answer_cache import entry
from tests.contracts.test_feedback_store import served
from tests.documents import make_article

PAGES = [f"https://example.org/{n}" for n in range(3)]
IDS = [document_id(url) for url in PAGES]


@dataclass
class Room:
    """A forgetter, and its store with one record of each page."""

    forgetter: Forgetter
    left: Callable[[], int]


def documents() -> Room:
    store = InMemoryDocumentStore()
    for url in PAGES:
        store.save(make_article("Text.", url=url))
    return Room(DocumentForgetter(store), lambda: len(list(store.documents())))


def likenesses() -> Room:
    store = InMemoryLikenessStore()
    for one in IDS:
        store.put(Likeness(one, "r1", "", (1,), "a"), ())
    return Room(LikenessForgetter(store), lambda: store.count(IDS))


def feedback() -> Room:
    store = InMemoryFeedbackStore()
    for n, one in enumerate(IDS):
        answer = served(f"request-{n}").model_copy(update={"documents": (one,)})
        store.record([answer])
    return Room(FeedbackForgetter(store), lambda: sum(store.count([one]) for one in IDS))


def answers() -> Room:
    store = InMemoryAnswerCache()
    for n, one in enumerate(IDS):
        store.put([entry(f"k{n}").model_copy(update={"documents": (one,)})])
    return Room(AnswerCacheForgetter(store), lambda: sum(store.count([one]) for one in IDS))


def index() -> Room:
    store = InMemoryChunkIndex()
    generation = make_generation()
    store.create(generation)
    store.upsert(generation, [make_embedded_chunk(f"Text {url}.", url=url) for url in PAGES])
    return Room(IndexForgetter(store), lambda: store.count(generation))


ROOMS = {
    "documents": documents,
    "likenesses": likenesses,
    "feedback": feedback,
    "answers": answers,
    "index": index,
}


@pytest.fixture(params=list(ROOMS))
def room(request: pytest.FixtureRequest) -> Room:
    return ROOMS[request.param]()


def test_what_is_theirs_is_counted(room: Room) -> None:
    one = room.forgetter.holdings(Subject(frozenset(IDS[:1])))
    every = room.forgetter.holdings(Subject(frozenset(IDS)))
    kind = next(name for name, count in one.items() if count)
    assert (one[kind], every[kind]) == (1, 3)


def test_what_is_theirs_goes_and_the_rest_stays(room: Room) -> None:
    subject = Subject(frozenset(IDS[:2]))
    room.forgetter.forget(subject)
    assert room.left() == 1
    assert set(room.forgetter.holdings(subject).values()) == {0}
    room.forgetter.forget(subject)
    assert room.left() == 1


def test_nothing_is_nothing(room: Room) -> None:
    assert sum(room.forgetter.holdings(Subject()).values()) == 0
    room.forgetter.forget(Subject())
    assert room.left() == 3


def test_what_is_not_there_is_no_error(room: Room) -> None:
    stranger = Subject(frozenset({document_id("https://example.org/stranger")}))
    assert sum(room.forgetter.holdings(stranger).values()) == 0
    room.forgetter.forget(stranger)
    assert room.left() == 3


def test_every_generation_of_the_index_is_searched() -> None:
    store = InMemoryChunkIndex()
    generations = [make_generation(chunker=name) for name in ("live", "older")]
    for generation in generations:
        store.create(generation)
        store.upsert(generation, [make_embedded_chunk("Text.", url=url) for url in PAGES])
    store.switch(generations[0])
    forgetter, subject = IndexForgetter(store), Subject(frozenset(IDS[:1]))
    assert forgetter.holdings(subject) == {
        f"chunks of {generation.name}": 1 for generation in generations
    }
    forgetter.forget(subject)
    assert [store.count(generation) for generation in generations] == [2, 2]
