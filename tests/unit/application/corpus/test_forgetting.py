from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import pytest

from llm_engineering.application.corpus.forgetters import (
    DocumentForgetter,
    IndexForgetter,
    LikenessForgetter,
)
from llm_engineering.application.corpus.forgetting import Forgetting, Request
from llm_engineering.application.ports.forgetting import Forgetter, Subject
from llm_engineering.application.ports.likeness import Likeness
from llm_engineering.domain.documents import ArticleDocument, Document
from llm_engineering.domain.errors import InvalidInput, StoreUnavailable
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import SaveOutcome
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from tests.builders import make_embedded_chunk, make_generation
from tests.contracts.document_making import cleaned_of
from tests.documents import VISITED

LIVE, OLD = make_generation(), make_generation(chunker="earlier")


class Unsteady:
    """A participant that fails while `calls_left` is 0, as a store that cannot be reached does."""

    def __init__(self, inner: Forgetter, world: "World") -> None:
        self._inner = inner
        self._world = world

    def holdings(self, subject: Subject) -> Mapping[str, int]:
        return self._inner.holdings(subject)

    def forget(self, subject: Subject) -> None:
        if self._world.calls_left == 0:
            raise StoreUnavailable("gone")
        self._world.calls_left -= 1
        self._inner.forget(subject)


class World:
    def __init__(self) -> None:
        self.store = InMemoryDocumentStore()
        self.likenesses = InMemoryLikenessStore()
        self.index = InMemoryChunkIndex()
        for generation in (OLD, LIVE):
            self.index.create(generation)
        self.index.switch(LIVE)
        self.calls_left = -1
        forgetters: dict[str, Forgetter] = {
            "index": IndexForgetter(self.index),
            "duplicates": LikenessForgetter(self.likenesses),
            "documents": DocumentForgetter(self.store),
        }
        self.forgetting = Forgetting(
            self.store,
            self.likenesses,
            {name: Unsteady(one, self) for name, one in forgetters.items()},
            lambda: VISITED,
        )

    def add(self, name: str, author: str | None = "Ada Lovelace", content: str = "Text.") -> UUID:
        document = document_of(name, author, content)
        self.store.save(document)
        self.store.save_cleaned(cleaned_of(document, content))
        self.likenesses.put(Likeness(document.id, document.revision, "", (1,), document.url), ())
        for generation in (OLD, LIVE):
            self.index.upsert(generation, [self.chunk(document, n, generation) for n in range(2)])
        return document.id

    def chunk(self, document: Document, position: int, generation: Generation):  # type: ignore[no-untyped-def]
        return make_embedded_chunk(
            url=document.url, revision=document.revision, position=position, total=2
        )

    def left(self, document: UUID) -> list[str]:
        """Returns where something of a document is left."""
        subject = Subject(frozenset([document]))
        found = {
            "index": IndexForgetter(self.index).holdings(subject),
            "duplicates": LikenessForgetter(self.likenesses).holdings(subject),
            "documents": DocumentForgetter(self.store).holdings(subject),
        }
        return [name for name, counts in found.items() if any(counts.values())]


def document_of(name: str, author: str | None = "Ada Lovelace", content: str = "Text.") -> Document:
    return ArticleDocument.create(
        url=f"https://example.org/{name}",
        title=name,
        content=content,
        platform="example.org",
        author=author,
        fetched_at=VISITED,
        raw=b"raw",
    )


@pytest.mark.parametrize(
    "request_",
    [
        Request(url="https://EXAMPLE.org:443/a?utm_source=x#top"),
        Request(document=document_id("https://example.org/a")),
    ],
)
def test_a_document_is_forgotten_everywhere_and_the_others_stay(request_: Request) -> None:
    world = World()
    document, other = world.add("a"), world.add("b")
    report = world.forgetting.forget(request_)
    assert world.left(document) == []
    assert world.left(other) == ["index", "duplicates", "documents"]
    assert report.complete
    assert report.documents == (document,)
    assert report.urls == ("https://example.org/a",)
    assert {(one.store, one.kind): (one.before, one.after) for one in report.holdings} == {
        ("index", f"chunks of {LIVE.name}"): (2, 0),
        ("index", f"chunks of {OLD.name}"): (2, 0),
        ("duplicates", "likenesses"): (1, 0),
        ("documents", "documents"): (1, 0),
        ("documents", "revisions"): (1, 0),
        ("documents", "raw"): (1, 0),
        ("documents", "cleaned"): (1, 0),
        ("documents", "users"): (0, 0),  # the other document is by the same author
    }


def test_what_was_forgotten_does_not_come_back() -> None:
    world = World()
    world.add("a")
    world.forgetting.forget(Request(url="https://example.org/a"))
    assert world.store.save(document_of("a")) is SaveOutcome.FORGOTTEN
    assert world.store.save(document_of("a", None, "Other.")) is SaveOutcome.FORGOTTEN
    assert world.store.save(document_of("b")) is SaveOutcome.NEW


def test_what_was_never_there_is_kept_out_too() -> None:
    world = World()
    report = world.forgetting.forget(Request(url="https://example.org/a"))
    assert report.complete
    assert sum(one.before for one in report.holdings) == 0
    assert world.store.save(document_of("a")) is SaveOutcome.FORGOTTEN


def test_an_author_is_forgotten_with_all_documents_and_in_the_catalogue() -> None:
    world = World()
    first, second = world.add("a"), world.add("b", "LOVELACE, Ada")
    together, other = world.add("c", "Grace Hopper and Ada Lovelace"), world.add("d", "Bo Li")
    report = world.forgetting.forget(Request(author="ada lovelace"))
    assert set(report.documents) == {first, second, together}
    assert [world.left(one) for one in report.documents] == [[], [], []]
    assert world.left(other)
    assert [user.full_name for user in world.store.users()] == ["Bo Li"]
    assert world.store.save(document_of("e", "Ada Lovelace")) is SaveOutcome.FORGOTTEN
    assert world.store.save(document_of("a", None)) is SaveOutcome.FORGOTTEN
    assert world.store.save(document_of("e", "Grace Hopper")) is SaveOutcome.NEW


def test_the_author_of_the_last_document_leaves_the_catalogue() -> None:
    world = World()
    world.add("a")
    world.add("b")
    world.forgetting.forget(Request(url="https://example.org/a"))
    assert [user.full_name for user in world.store.users()] == ["Ada Lovelace"]
    world.forgetting.forget(Request(url="https://example.org/b"))
    assert world.store.users() == []


@pytest.mark.parametrize("calls", range(3))
@pytest.mark.parametrize("author", [None, "Ada Lovelace"])
def test_what_was_cut_off_anywhere_is_completed_by_the_same_call(
    calls: int, author: str | None
) -> None:
    world = World()
    document, other = world.add("a"), world.add("b", "Bo Li")
    request = Request(url=None if author else "https://example.org/a", author=author)
    world.calls_left = calls
    with pytest.raises(StoreUnavailable):
        world.forgetting.forget(request)
    assert world.left(document)
    assert world.store.save(document_of("a", content="Crawled meanwhile.")) is SaveOutcome.FORGOTTEN
    world.calls_left = -1
    assert world.forgetting.forget(request).complete
    assert world.left(document) == []
    assert world.left(other)


def test_a_second_call_finds_nothing_and_keeps_the_first_tombstone() -> None:
    world = World()
    world.add("a")
    request = Request(url="https://example.org/a")
    world.forgetting.forget(request)
    before = world.store.tombstones()
    later = Forgetting(world.store, world.likenesses, {}, lambda: VISITED + timedelta(days=1))
    assert later.forget(request).complete
    assert world.store.tombstones() == before


def test_what_is_written_meanwhile_is_told() -> None:
    world = World()
    document = document_of("a")
    world.add("a")

    class WritesMeanwhile(LikenessForgetter):
        def forget(self, subject: Subject) -> None:  # a feature run that had read the text before
            world.index.upsert(LIVE, [world.chunk(document, 0, LIVE)])

    forgetters: dict[str, Forgetter] = {
        "index": IndexForgetter(world.index),
        "x": WritesMeanwhile(world.likenesses),
    }
    forgetting = Forgetting(world.store, world.likenesses, forgetters, lambda: VISITED)
    report = forgetting.forget(Request(url=document.url))
    assert not report.complete
    assert [one.after for one in report.holdings if one.kind == f"chunks of {LIVE.name}"] == [1]
    assert world.forgetting.forget(Request(url=document.url)).complete


def test_copies_of_the_text_at_other_addresses_are_told() -> None:
    world = World()
    first, second = world.add("a"), world.add("b")
    world.likenesses.link({second: first})
    report = world.forgetting.forget(Request(document=first))
    assert report.copies_left == ("https://example.org/b",)
    assert world.likenesses.links() == {}
    assert world.left(second)


def test_looking_changes_nothing() -> None:
    world = World()
    document = world.add("a")
    report = world.forgetting.look(Request(author="Ada Lovelace"))
    assert report.documents == (document,)
    assert sum(one.before for one in report.holdings) == 10
    assert world.left(document) == ["index", "duplicates", "documents"]
    assert world.store.tombstones() == []


def test_an_empty_subject_is_nothing_and_never_everything() -> None:
    world = World()
    document = world.add("a")
    for forgetter in (
        IndexForgetter(world.index),
        LikenessForgetter(world.likenesses),
        DocumentForgetter(world.store),
    ):
        assert set(forgetter.holdings(Subject()).values()) == {0}
        forgetter.forget(Subject())
    assert world.left(document) == ["index", "duplicates", "documents"]
    world.forgetting.forget(Request(author="Nobody At All"))
    assert world.left(document) == ["index", "duplicates", "documents"]


def test_more_documents_than_one_filter_takes_are_all_forgotten() -> None:
    world = World()
    pages = [world.add(f"page-{number}") for number in range(450)]
    world.add("other", "Bo Li")
    report = world.forgetting.forget(Request(author="Ada Lovelace"))
    assert len(report.documents) == len(pages)
    assert report.complete
    assert world.index.count(LIVE) == 2


def test_a_tombstone_tells_neither_address_nor_name() -> None:
    world = World()
    world.add("a")
    world.forgetting.forget(Request(author="Ada Lovelace"))
    kept = " ".join(one.model_dump_json() for one in world.store.tombstones())
    assert "example" not in kept
    assert "ovelace" not in kept


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a URL"):
        World().forgetting.forget(Request(url="example"))
