"""Answers given before: found while nothing they depend on has changed, and never else."""

import unicodedata
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.rag.answer_cache import (
    GivenAnswers,
    fingerprint_of,
    normalised,
    worth_keeping,
)
from llm_engineering.domain.answers import (
    Answer,
    AnswerMode,
    AnswerRequest,
    Usage,
    Verification,
)
from llm_engineering.domain.cached_answers import CachedAnswer
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import Query, Retrieval, ScoredChunk, SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.answer_cache import InMemoryAnswerCache
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from tests.builders import make_embedded_chunk, make_generation, numbered_id

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIVE = make_generation()
CHUNKS = [
    make_embedded_chunk(f"Passage {n}.", document_id=numbered_id(n), url=f"https://a.org/{n}")
    for n in (1, 2, 3)
]
FOUND = Retrieval(
    passages=tuple(
        ScoredChunk(chunk=one, scores={"fusion": 1.0 / n}) for n, one in enumerate(CHUNKS, start=1)
    )
)
ANSWER = Answer(
    text="It turns [1].",
    grounded=True,
    mode=AnswerMode.GENERATED,
    model="local:tiny",
    usage=Usage(input_tokens=9, output_tokens=3),
)
REQUEST = AnswerRequest(query=Query(text="When does the tide turn?"))


class World:
    """A cache over an index with three chunks; time and the release can be changed."""

    def __init__(self) -> None:
        self.now = NOON
        self.seconds = 0.0
        self.release = "r1"
        self.index = InMemoryChunkIndex()
        self.index.create(LIVE)
        self.index.upsert(LIVE, CHUNKS)
        self.index.commit(LIVE)
        self.index.switch(LIVE)
        self.cache = InMemoryAnswerCache()
        self.given = self.over(self.cache)

    def over(self, cache: Any) -> GivenAnswers:
        return GivenAnswers(
            cache,
            self.index,
            lambda: self.release,
            lambda: self.now,
            timedelta(hours=2),
            lambda: self.seconds,
        )

    def keep(self, request: AnswerRequest = REQUEST) -> None:
        key = self.given.key(request)
        assert key
        self.given.keep(key, ANSWER, FOUND)

    def find(self, request: AnswerRequest = REQUEST) -> tuple[Answer, Retrieval] | None:
        key = self.given.key(request)
        assert key
        return self.given.find(key)


@pytest.fixture
def world() -> World:
    return World()


def test_the_same_question_gets_the_same_answer_and_its_sources(world: World) -> None:
    world.keep()
    found = world.find()
    assert found
    answer, sources = found
    assert answer == ANSWER.model_copy(update={"cached": True, "usage": Usage()})
    assert [one.chunk.text for one in sources.passages] == [one.text for one in CHUNKS]
    assert [one.scores for one in sources.passages] == [one.scores for one in FOUND.passages]


def _deleted(world: World) -> None:
    world.index.delete(LIVE, [CHUNKS[2].id])
    world.index.commit(LIVE)


def _rewritten(world: World) -> None:
    changed = CHUNKS[1].model_copy(update={"text": "Another passage."})
    world.index.upsert(LIVE, [changed])
    world.index.commit(LIVE)


def _switched(world: World) -> None:
    world.index.create(make_generation(chunker="other"))
    world.index.switch(make_generation(chunker="other"))


def _released(world: World) -> None:
    world.release = "r2"


def _aged(world: World) -> None:
    world.now += timedelta(hours=2, seconds=1)


@pytest.mark.parametrize("happens", [_deleted, _rewritten, _switched, _released, _aged])
def test_it_dies_with_what_it_was_made_from(world: World, happens: Callable[[World], None]) -> None:
    world.keep()
    assert world.find()
    happens(world)
    assert world.find() is None


def test_a_dead_answer_does_not_come_back_to_life(world: World) -> None:
    world.keep()
    _deleted(world)
    assert world.find() is None
    world.index.upsert(LIVE, CHUNKS)
    world.index.commit(LIVE)
    assert world.find() is None
    world.given.close()
    assert world.cache.count([one.document_id for one in CHUNKS]) == 0


@pytest.mark.parametrize("happens", [_deleted, _rewritten, _switched, _released, _aged])
def test_once_it_is_stored_it_dies_as_well(world: World, happens: Callable[[World], None]) -> None:
    world.keep()
    world.given.close()
    assert world.cache.count([CHUNKS[0].document_id]) == 1
    assert world.find()
    happens(world)
    assert world.find() is None


def test_several_are_stored_at_once(world: World) -> None:
    class Noting(InMemoryAnswerCache):
        def put(self, entries: Sequence[CachedAnswer]) -> None:
            many.append(len(entries))
            super().put(entries)

    many: list[int] = []
    world.given = world.over(Noting())
    for request in ELSE.values():
        world.keep(request)
    world.given.close()
    assert sum(many) == len(ELSE)
    assert len(many) < len(ELSE)
    assert all(map(world.find, ELSE.values()))


def test_what_is_added_beside_it_does_not_matter(world: World) -> None:
    world.keep()
    world.index.upsert(LIVE, [make_embedded_chunk("New.", document_id=numbered_id(9))])
    world.index.commit(LIVE)
    assert world.find()


def test_what_is_deleted_while_it_is_answered_is_not_kept(world: World) -> None:
    key = world.given.key(REQUEST)
    _deleted(world)
    assert key
    world.given.keep(key, ANSWER, FOUND)
    assert world.find() is None
    world.given.close()
    assert world.cache.count([one.document_id for one in CHUNKS]) == 0


def test_a_question_as_of_a_day_has_no_key(world: World) -> None:
    assert world.given.key(REQUEST.model_copy(update={"as_of": date(2026, 5, 1)})) is None


ELSE: dict[str, AnswerRequest] = {
    "question": AnswerRequest(query=Query(text="When does the tide turn back?")),
    "capitals": AnswerRequest(query=Query(text="When does the Tide turn?")),
    "filters": AnswerRequest(
        query=Query(text=REQUEST.query.text, filters=SearchFilters(platforms=("github",)))
    ),
    "ties": AnswerRequest(
        query=Query(text=REQUEST.query.text, filters=SearchFilters(document_ids=(CHUNKS[0].id,)))
    ),
    "dates": AnswerRequest(
        query=Query(text=REQUEST.query.text, filters=SearchFilters(published_from=NOON))
    ),
    "k": REQUEST.model_copy(update={"k": 3}),
    "model": REQUEST.model_copy(update={"model": "openai:o3"}),
    "verify": REQUEST.model_copy(update={"verify": Verification.STRICT}),
}


@pytest.mark.parametrize("name", ELSE)
def test_another_request_is_another_key(world: World, name: str) -> None:
    world.keep()
    assert world.find(ELSE[name]) is None
    assert len({fingerprint_of(one, "r1") for one in (REQUEST, *ELSE.values())}) == len(ELSE) + 1


@given(st.permutations(["ada", "grace", "edsger", "barbara"]), st.permutations(list(DataCategory)))
def test_the_order_of_filters_does_not_matter(
    names: list[str], categories: list[DataCategory]
) -> None:
    def key(names: list[str], categories: list[DataCategory]) -> str:
        filters = SearchFilters(authors=tuple(names), categories=tuple(categories))
        return fingerprint_of(AnswerRequest(query=Query(text="x", filters=filters)), "r")

    assert key(names, categories) == key(sorted(names), sorted(categories))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("When is ebb?", "  When \n is ebb ? "),
        ("When is ebb?", "When is ebb"),
        ("When is ebb?!", "When is ebb..."),
        ("Où est José?", unicodedata.normalize("NFD", "Où est José?")),
    ],
)
def test_differences_that_mean_nothing_are_none(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize("question", ["?", "...", " ! "])
def test_a_question_of_punctuation_stays_one(question: str) -> None:
    assert normalised(question)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"grounded": False, "mode": AnswerMode.REFUSED}, {}),
        ({"mode": AnswerMode.EXTRACTIVE}, {}),
        ({"degraded": ("rerank",)}, {}),
        ({"relaxed": ("authors",)}, {}),
        ({}, {"degraded": {"dense": "late"}}),
        ({}, {"relaxed": ("authors",)}),
        ({}, {"found_filters": SearchFilters(published_from=NOON)}),
        ({}, {"passages": ()}),
    ],
)
def test_what_may_be_another_answer_next_time_is_not_kept(
    world: World, answer: dict[str, object], found: dict[str, object]
) -> None:
    given, retrieval = ANSWER.model_copy(update=answer), FOUND.model_copy(update=found)
    assert worth_keeping(ANSWER, FOUND)
    assert not worth_keeping(given, retrieval)
    world.given.keep("key", given, retrieval)
    world.given.close()
    assert world.cache.get("key", NOON) is None


class Down:
    """A cache that cannot be reached; counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def get(self, key: str, since: datetime) -> CachedAnswer | None:
        self._fail()
        raise AssertionError((key, since))

    def put(self, entries: Sequence[CachedAnswer]) -> None:
        self._fail()
        raise AssertionError(entries)

    def drop(self, key: str) -> None:
        raise AssertionError(key)

    def count(self, documents: Collection[Any]) -> int:
        raise AssertionError(documents)

    def remove(self, documents: Collection[Any]) -> None:
        raise AssertionError(documents)

    def _fail(self) -> None:
        self.calls += 1
        raise StoreUnavailable("MongoDB is down")


def test_a_cache_that_is_down_is_left_alone_for_a_while(world: World) -> None:
    down = Down()
    given = world.over(down)
    key = given.key(REQUEST)
    assert key
    assert given.find(key) is None
    assert given.key(REQUEST) is None
    world.seconds += 30.5
    assert given.key(REQUEST) == key
    given.keep(key, ANSWER, FOUND)
    given.close()
    assert given.key(REQUEST) is None
    assert down.calls == 2


def test_chunks_are_compared_by_their_text_alone() -> None:
    world = World()
    world.keep()
    again: list[EmbeddedChunk] = [one.model_copy(update={"embedder": "e2"}) for one in CHUNKS]
    world.index.upsert(LIVE, again)
    world.index.commit(LIVE)
    assert world.find()
