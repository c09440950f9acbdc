"""What every AnswerCache does: the stand-in and MongoDB, word for word the same."""

from datetime import UTC, datetime, timedelta

import pytest

from llm_engineering.application.ports.answer_cache import AnswerCache
from llm_engineering.domain.answers import Answer, AnswerMode, Citation, Usage
from llm_engineering.domain.cached_answers import CachedAnswer, CachedPassage
from llm_engineering.infrastructure.in_memory.answer_cache import InMemoryAnswerCache
from tests.builders import numbered_id

# MongoDB deletes what is thirty days old, and keeps milliseconds
NOW = datetime.now(UTC).replace(microsecond=0)
CAPACITY = 3


@pytest.fixture(params=["in_memory", "mongo"])
def cache(request: pytest.FixtureRequest) -> AnswerCache:
    if request.param == "in_memory":
        return InMemoryAnswerCache(capacity=CAPACITY)
    mongo: AnswerCache = request.getfixturevalue("answer_cache")
    return mongo


def entry(
    key: str = "k1",
    text: str = "At ebb [1]. 潮汐",
    documents: tuple[int, ...] = (1, 2),
    at: datetime = NOW,
) -> CachedAnswer:
    citation = Citation(
        n=1,
        document_id=numbered_id(1),
        revision="r1",
        url="https://example.org/tides",
        title="Tides",
        author=None,
        start=3,
        end=9,
        quote="at ebb",
        score=0.93,
    )
    return CachedAnswer(
        key=key,
        answer=Answer(
            text=text,
            question="When?",
            citations=(citation,),
            unsupported=((8, 10),),
            grounded=True,
            mode=AnswerMode.GENERATED,
            model="local:tiny",
            usage=Usage(input_tokens=7, output_tokens=2, cost_usd=0.00012),
            timings_ms={"total": 12.25},
        ),
        passages=(
            CachedPassage(chunk_id=numbered_id(7), text_hash="ab12", scores={"dense": 0.1 + 0.2}),
        ),
        documents=tuple(map(numbered_id, documents)),
        at=at,
    )


def test_an_answer_comes_back_exactly(cache: AnswerCache) -> None:
    cache.put([entry()])
    assert cache.get("k1", NOW) == entry()
    assert cache.get("k2", NOW) is None


def test_an_answer_that_is_too_old_is_none(cache: AnswerCache) -> None:
    cache.put([entry()])
    assert cache.get("k1", NOW - timedelta(seconds=1)) is not None
    assert cache.get("k1", NOW + timedelta(seconds=1)) is None


def test_the_latest_answer_of_a_key_replaces_the_one_before(cache: AnswerCache) -> None:
    cache.put([entry()])
    cache.put([entry(text="At flood [1].", documents=(3,))])
    found = cache.get("k1", NOW)
    assert found
    assert found.answer.text == "At flood [1]."
    assert cache.count([numbered_id(1)]) == 0
    assert cache.count([numbered_id(3)]) == 1


def test_a_dropped_answer_is_gone_and_dropping_it_again_is_as_good(cache: AnswerCache) -> None:
    cache.put([entry()])
    cache.put([entry("k2")])
    for _ in range(2):
        cache.drop("k1")
    assert cache.get("k1", NOW) is None
    assert cache.get("k2", NOW) is not None


def test_the_oldest_go_when_it_is_full(cache: AnswerCache) -> None:
    for n in range(CAPACITY + 2):
        cache.put([entry(f"k{n}", at=NOW + timedelta(seconds=(7 * n) % 5))])
    kept = {n for n in range(CAPACITY + 2) if cache.get(f"k{n}", NOW)}
    assert cache.count([numbered_id(1)]) == len(kept) == CAPACITY
    assert kept == {1, 2, 4}  # given at 2, 4 and 3 seconds; 0 and 3 at 0 and 1


def test_what_was_made_from_documents_is_counted_and_deleted(cache: AnswerCache) -> None:
    for key, documents in (("a", (1, 2)), ("b", (2, 3)), ("c", (4,))):
        cache.put([entry(key, documents=documents)])
    gone = [numbered_id(2), numbered_id(9)]
    assert cache.count(gone) == 2
    assert cache.count([]) == 0
    cache.remove([])
    cache.remove(gone)
    assert cache.count(gone) == 0
    assert [key for key in "abc" if cache.get(key, NOW)] == ["c"]
