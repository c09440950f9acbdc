"""What every CrawlMemory and every DeadLetters does: the stand-ins and MongoDB."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from llm_engineering.application.ports.crawling import Link, Target, Validators
from llm_engineering.application.ports.frontier import (
    CrawlMemory,
    DeadLetter,
    DeadLetters,
    PageMemory,
)
from llm_engineering.infrastructure.in_memory.frontier import (
    InMemoryCrawlMemory,
    InMemoryDeadLetters,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = "https://a.org/"


@pytest.fixture(params=["in_memory", "mongo"])
def memory(request: pytest.FixtureRequest) -> CrawlMemory:
    if request.param == "in_memory":
        return InMemoryCrawlMemory()
    from llm_engineering.infrastructure.mongo.crawl_memory import MongoCrawlMemory

    return MongoCrawlMemory(request.getfixturevalue("mongo_database"))


@pytest.fixture(params=["in_memory", "mongo"])
def letters(request: pytest.FixtureRequest) -> DeadLetters:
    if request.param == "in_memory":
        return InMemoryDeadLetters()
    from llm_engineering.infrastructure.mongo.crawl_memory import MongoDeadLetters

    return MongoDeadLetters(request.getfixturevalue("mongo_database"))


def id_of(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


def page(name: str, **fields: object) -> PageMemory:
    return PageMemory.model_validate({"url": f"{SITE}{name}", "context": "c", **fields})


def test_what_is_remembered_comes_back_exactly(memory: CrawlMemory) -> None:
    whole = page(
        "a",
        validators=Validators(etag='W/"1"', last_modified="Sun, 22 Nov 2026", body_hash="ab"),
        modified=NOON,
        documents=(id_of("1"), id_of("2")),
        targets=(Target(url=f"{SITE}b", depth=1, author="Ada"), Target(url=f"{SITE}c")),
        listed_by=SITE,
        missing=2,
    )
    plain, many = page("b"), page("c", targets=None)
    for one in (whole, plain, many):
        memory.remember(one)
    urls = [f"{SITE}{name}" for name in "abcx"]
    assert memory.recall(urls) == {one.url: one for one in (whole, plain, many)}
    assert memory.recall([]) == {}


def test_the_last_visit_counts(memory: CrawlMemory) -> None:
    memory.remember(page("a", listed_by=SITE, documents=(id_of("1"),)))
    memory.remember(page("a"))
    assert memory.recall([f"{SITE}a"]) == {f"{SITE}a": page("a")}
    memory.drop(f"{SITE}a")
    memory.drop(f"{SITE}unknown")
    assert memory.recall([f"{SITE}a"]) == {}


def test_pages_of_a_sitemap_are_found_and_counted(memory: CrawlMemory) -> None:
    for n in range(3):
        memory.remember(page(f"{n}", listed_by=SITE))
    memory.remember(page("other", listed_by="https://b.org/"))
    memory.remember(page("none"))
    assert {one.url[-1] for one in memory.listed_by(SITE)} == {"0", "1", "2"}
    memory.note_missing({f"{SITE}1": 2, f"{SITE}unknown": 1})
    memory.note_missing({})
    assert {one.url[-1]: one.missing for one in memory.listed_by(SITE)} == {"0": 0, "1": 2, "2": 0}


def test_pages_may_be_dropped_while_they_are_gone_through(memory: CrawlMemory) -> None:
    for n in range(3):
        memory.remember(page(f"{n}", listed_by=SITE))
    for one in memory.listed_by(SITE):
        memory.drop(one.url)
    assert not list(memory.listed_by(SITE))


def test_documents_that_other_pages_gave_are_told(memory: CrawlMemory) -> None:
    first, second, third = (id_of(name) for name in "123")
    memory.remember(page("a", documents=(first, second)))
    memory.remember(page("b", documents=(second, third)))
    assert set(memory.held_elsewhere([first, second], f"{SITE}a")) == {second}
    assert not memory.held_elsewhere([first], f"{SITE}a")


def letter(name: str, minutes: int = 0, target: str = "t", **fields: object) -> DeadLetter:
    return DeadLetter.model_validate(
        {
            **{"url": f"{SITE}{name}", "reason": "HTTP 503", "stage": "fetch", "transient": True},
            "failed_at": NOON + timedelta(minutes=minutes),
            "link": Link(url=SITE, author="Ada", depth=2),
            "target": Target(url=f"{SITE}{target}", depth=1),
            **fields,
        }
    )


def test_letters_come_back_whole_and_the_newest_first(letters: DeadLetters) -> None:
    old, new, other = letter("a"), letter("b", 1), letter("c", 2, target="u")
    letters.replace(old.target, [old, new])
    letters.replace(other.target, [other])
    assert list(letters.all()) == [other, new, old]


def test_a_good_visit_takes_the_letters_of_its_target_away(letters: DeadLetters) -> None:
    kept = letter("c", target="u")
    letters.replace(letter("a").target, [letter("a"), letter("b")])
    letters.replace(kept.target, [kept])
    letters.replace(letter("a").target, [])
    assert list(letters.all()) == [kept]


def test_attempts_are_counted_on(letters: DeadLetters) -> None:
    target = letter("a").target
    letters.replace(target, [letter("a"), letter("b")])
    letters.replace(target, [letter("a", 5, reason="timed out")])
    (held,) = letters.all()
    assert (held.attempts, held.reason) == (2, "timed out")
    assert held.failed_at == NOON + timedelta(minutes=5)
