from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.ports.likeness import Likeness
from llm_engineering.application.preprocessing.cleaning import clean_document
from llm_engineering.application.preprocessing.config import DuplicatesConfig
from llm_engineering.application.preprocessing.linking import (
    DuplicateLinker,
    choose_originals,
    precedence,
)
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from tests.documents import VISITED

TEXT = " ".join(f"Sentence number {n} of the text is as long as this." for n in range(12))


def likeness(number: int, *originals: int) -> Likeness:
    """Returns the likeness of a document whose precedence is its number."""
    of = frozenset(UUID(int=one) for one in originals)
    return Likeness(UUID(int=number), "", "", (), f"{number:09}", of)


def links(*likenesses: Likeness) -> dict[int, int]:
    return {copy.int: original.int for copy, original in choose_originals(likenesses).items()}


def test_the_first_of_documents_that_say_the_same_is_the_original() -> None:
    assert links(likeness(3, 1, 2), likeness(1, 2, 3), likeness(2, 1, 3)) == {2: 1, 3: 1}


def test_a_copy_of_a_copy_that_is_none_of_the_original_stays() -> None:
    assert links(likeness(1, 2), likeness(2, 1, 3), likeness(3, 2)) == {2: 1}


def test_a_copy_whose_original_is_not_there_is_none() -> None:
    assert links(likeness(2, 1), likeness(3, 1, 2)) == {3: 2}


def test_a_document_that_may_not_be_left_out_is_an_original_though_it_comes_later() -> None:
    assert links(likeness(1), likeness(2), likeness(3, 1)) == {3: 1}
    assert links(likeness(1, 2), likeness(2)) == {1: 2}
    assert links(likeness(1, 2, 3), likeness(2, 3), likeness(3, 2)) == {1: 2, 3: 2}


@given(
    st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=5), max_size=12),
    st.randoms(),
)
def test_links_lead_to_originals_whatever_the_order(
    edges: dict[int, set[int]],
    random: "st.random.Random",  # type: ignore[name-defined]
) -> None:
    known = [likeness(number, *originals - {number}) for number, originals in edges.items()]
    found = links(*known)
    random.shuffle(known)
    assert links(*known) == found
    for copy, original in found.items():
        assert original in edges[copy]
        assert original in edges
        assert original not in found


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((VISITED, VISITED + DAY, "https://b.org/b"), (VISITED + DAY, VISITED, "https://a.org/")),
        ((VISITED, VISITED, "https://b.org/"), (None, VISITED - DAY, "https://a.org/")),
        ((None, VISITED, "https://b.org/"), (None, VISITED + DAY, "https://a.org/")),
        ((None, VISITED, "https://bbbb.org/"), (None, VISITED, "http://a.org/")),
        ((None, VISITED, "https://bbbb.org/"), (None, VISITED, "https://a.org/?x=1")),
        ((None, VISITED, "https://b.org/"), (None, VISITED, "https://a.org/long")),
        ((None, VISITED, "https://a.org/"), (None, VISITED, "https://b.org/")),
        ((datetime(2026, 1, 1, 9, tzinfo=UTC), VISITED, "https://b.org/"),
         (datetime(2026, 1, 1, 9, 0, 0, 1, tzinfo=UTC), VISITED, "https://a.org/")),
    ],
)  # fmt: skip
def test_the_original_was_published_first_then_seen_first_then_has_the_plainest_url(
    first: tuple[datetime | None, datetime, str], second: tuple[datetime | None, datetime, str]
) -> None:
    assert precedence(*first) < precedence(*second)


def test_the_time_zone_of_a_date_does_not_matter() -> None:
    from datetime import timezone

    east = VISITED.astimezone(timezone(timedelta(hours=9)))
    assert precedence(east, east, "https://a.org/") == precedence(
        VISITED, VISITED, "https://a.org/"
    )


class World:
    def __init__(self, config: DuplicatesConfig = DuplicatesConfig()) -> None:
        self.store = InMemoryDocumentStore()
        self.likenesses = InMemoryLikenessStore()
        self.linker = DuplicateLinker(self.store, self.likenesses, config)

    def save(self, name: str, content: str = TEXT, *, days: int = 0) -> UUID:
        document = ArticleDocument.create(
            url=f"https://{name}.org/",
            title="The text",
            content=content,
            platform=name,
            fetched_at=VISITED + days * DAY,
        )
        self.store.save(document)
        self.store.save_cleaned(clean_document(document))
        return document.id

    def link(self) -> dict[UUID, UUID]:
        current = self.store.current_revisions()
        for one, revision in self.linker.pending(current).items():
            self.linker.compare(one, revision)
        return dict(self.linker.link(current))


def test_what_was_seen_first_stays_the_original_when_it_is_fetched_anew() -> None:
    world = World()
    first, second = world.save("b"), world.save("a", days=1)
    assert world.link() == {second: first}
    world.save("b", "# The text\n\n" + TEXT, days=9)
    world.save("b", days=10)
    assert world.link() == {second: first}


def test_nothing_is_pending_after_a_run_and_everything_by_other_rules() -> None:
    world = World()
    world.save("a")
    world.link()
    current = world.store.current_revisions()
    assert world.linker.pending(current) == {}
    stricter = DuplicatesConfig(min_words=60)
    assert DuplicateLinker(world.store, world.likenesses, stricter).pending(current) == current


def test_a_document_without_cleaned_text_stays_pending() -> None:
    world = World()
    document = world.save("a")
    current = world.store.current_revisions()
    world.linker.compare(document, "another revision")
    assert world.linker.pending(current) == current


def test_what_is_gone_is_no_original_and_comes_back_as_one() -> None:
    world = World()
    first, second = world.save("a"), world.save("b", days=1)
    world.link()
    world.store.mark_gone(first, VISITED, "HTTP 410")
    assert world.link() == {}
    world.save("a", days=3)
    assert world.link() == {second: first}


def test_of_very_many_copies_all_are_linked_to_the_first() -> None:
    world = World()
    pages = [world.save(f"page-{n:03}", days=n) for n in range(120)]
    assert world.link() == dict.fromkeys(pages[1:], pages[0])
