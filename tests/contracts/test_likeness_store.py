"""What every LikenessStore does: the stand-in and MongoDB, word for word the same."""

from dataclasses import replace
from uuid import UUID

import pytest

from llm_engineering.application.ports.likeness import Likeness, LikenessStore
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.documents import Document
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from tests.contracts.document_making import article

PAGES = [article(name) for name in "abcdef"]
A, B, C, D, *_ = PAGES


@pytest.fixture(params=["in_memory", "mongo"])
def documents(request: pytest.FixtureRequest) -> DocumentStore:
    if request.param == "in_memory":
        return InMemoryDocumentStore()
    mongo: DocumentStore = request.getfixturevalue("document_store")
    return mongo


@pytest.fixture
def store(documents: DocumentStore, request: pytest.FixtureRequest) -> LikenessStore:
    for page in PAGES:
        documents.save(page)
    if isinstance(documents, InMemoryDocumentStore):
        return InMemoryLikenessStore()
    mongo: LikenessStore = request.getfixturevalue("likeness_store")
    return mongo


def likeness(
    document: Document, *keys: int, of: tuple[Document, ...] = (), rules: str = "1"
) -> Likeness:
    originals = frozenset(one.id for one in of)
    return Likeness(document.id, document.revision, rules, keys, document.url, originals)


def originals_by_copy(store: LikenessStore) -> dict[UUID, frozenset[UUID]]:
    return {one.document_id: one.originals for one in store.candidates()}


def test_what_was_compared_is_known_by_its_rules(store: LikenessStore) -> None:
    store.put(likeness(A, 1), ())
    store.put(likeness(B, 2, rules="2"), ())
    assert store.compared("1") == {A.id: A.revision}
    store.put(likeness(A, 3, rules="2"), ())
    assert store.compared("1") == {}
    assert store.compared("2") == {A.id: A.revision, B.id: B.revision}


def test_documents_that_share_a_key_are_found_in_the_order_of_precedence(
    store: LikenessStore,
) -> None:
    for one in (likeness(C, 1, -9), likeness(A, 9, 1), likeness(B, 2), likeness(D)):
        store.put(one, ())
    assert store.sharing([1, 2**63 - 1], 10) == [likeness(A, 9, 1), likeness(C, 1, -9)]
    assert store.sharing([1, 2, -9], 2) == [likeness(A, 9, 1), likeness(B, 2)]
    assert store.sharing([-(2**63), 5], 10) == []
    assert store.sharing([], 10) == []


def test_copies_and_originals_are_the_candidates(store: LikenessStore) -> None:
    store.put(likeness(A, 1), ())
    store.put(likeness(B, 1, of=(A,)), ())
    store.put(likeness(C, 7), ())
    store.put(likeness(D, 1, of=(A,)), [B.id])
    assert originals_by_copy(store) == {A.id: set(), B.id: {A.id, D.id}, D.id: {A.id}}
    assert {one.keys for one in store.candidates()} == {()}


def test_what_is_compared_again_is_a_copy_of_nothing_else_than_is_said_now(
    store: LikenessStore,
) -> None:
    store.put(likeness(A, 1), ())
    store.put(likeness(B, 1, of=(A,)), [A.id])
    store.put(replace(likeness(A, 2), revision="new"), ())
    assert originals_by_copy(store) == {}
    assert store.compared("1") == {A.id: "new", B.id: B.revision}
    assert store.sharing([1], 10) == [likeness(B, 1)]


def test_what_is_removed_is_an_original_no_more(store: LikenessStore) -> None:
    store.put(likeness(A, 1), ())
    store.put(likeness(B, 1, of=(A,)), ())
    store.put(likeness(C, 1, of=(A, B)), ())
    store.link({B.id: A.id, C.id: A.id, D.id: B.id})
    store.remove([A.id, D.id])
    assert store.count([A.id, B.id, C.id, D.id]) == 2
    assert originals_by_copy(store) == {B.id: set(), C.id: {B.id}}
    assert store.links() == {}
    assert store.compared("1") == {B.id: B.revision, C.id: C.revision}
    store.remove([A.id])
    store.remove([])


def test_links_are_those_of_the_last_call(store: LikenessStore) -> None:
    store.link({B.id: A.id, C.id: A.id})
    assert store.links() == {B.id: A.id, C.id: A.id}
    store.link({C.id: B.id})
    assert store.links() == {C.id: B.id}
    store.link({C.id: B.id})
    store.link({})
    assert store.links() == {}


def test_a_link_outlives_a_later_visit(store: LikenessStore, documents: DocumentStore) -> None:
    store.link({B.id: A.id})
    documents.save(B)
    documents.save(article("b", content="Changed."))
    assert store.links() == {B.id: A.id}
