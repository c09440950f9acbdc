"""What every DocumentStore does: the stand-in and MongoDB, word for word the same."""

from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest

from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.documents import Document, Tombstone, UserDocument, author_mark
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.types import DataCategory, SaveOutcome
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from tests.contracts.document_making import NOON, article, cleaned_of, post, repository_file

UNKNOWN = document_id("https://example.org/unknown")


@pytest.fixture(params=["in_memory", "mongo"])
def store(request: pytest.FixtureRequest) -> DocumentStore:
    if request.param == "in_memory":
        return InMemoryDocumentStore()
    mongo: DocumentStore = request.getfixturevalue("document_store")
    return mongo


def test_what_was_saved_comes_back_exactly(store: DocumentStore) -> None:
    at_sea = timezone(timedelta(hours=-3, minutes=-30))
    saved = article(
        author="Ada Lovelace",
        published=datetime(1843, 9, 1, 8, 30, 0, 654_321, tzinfo=at_sea),
        language="en",
        content="Ebb & flow · 潮汐 \x00 $where {'$ne': 1}",
        raw=b"<html>\x00\xff</html>" * 1000,
    )
    store.save(saved)
    loaded = store.current(saved.id)
    assert loaded == saved
    assert loaded is not None
    assert loaded.published is not None
    assert loaded.published.isoformat() == "1843-09-01T08:30:00.654321-03:30"
    assert loaded.raw == saved.raw


def test_every_category_comes_back_as_its_own_class(store: DocumentStore) -> None:
    for saved in (article(), post(), repository_file()):
        store.save(saved)
        loaded = store.current(saved.id)
        assert type(loaded) is type(saved)
        assert loaded == saved


def test_saving_tells_new_changed_and_unchanged(store: DocumentStore) -> None:
    first, second = article(content="Ebb."), article(content="Flow.", days=1)
    assert store.save(first) is SaveOutcome.NEW
    assert store.save(first) is SaveOutcome.UNCHANGED
    assert store.save(second) is SaveOutcome.CHANGED
    assert store.save(second) is SaveOutcome.UNCHANGED


def test_exactly_one_revision_is_current_and_old_ones_stay_readable(store: DocumentStore) -> None:
    first = article(content="Ebb.", raw=b"first")
    second = article(content="Flow.", days=1, raw=b"second")
    store.save(first)
    store.save(second)
    assert store.current(first.id) == second
    assert store.revision(first.id, first.revision) == first
    assert store.revision(first.id, second.revision) == second
    assert store.revisions(first.id) == [first.revision, second.revision]
    assert store.current_revisions() == {first.id: second.revision}
    assert [one.revision for one in store.documents()] == [second.revision]


def test_a_page_that_returns_to_its_old_text_has_two_revisions(store: DocumentStore) -> None:
    first, second = article(content="Ebb."), article(content="Flow.", days=1)
    again = article(content="Ebb.", days=2)
    store.save(first)
    store.save(second)
    assert store.save(again) is SaveOutcome.CHANGED
    assert store.current(first.id) == first
    assert store.revisions(first.id) == [first.revision, second.revision]


def test_a_revision_is_never_altered(store: DocumentStore) -> None:
    first = article(raw=b"first")
    store.save(first)
    store.save(article(days=9, raw=b"another"))
    assert store.current(first.id) == first


def test_what_is_unknown_is_none_or_empty(store: DocumentStore) -> None:
    known = article()
    store.save(known)
    assert store.current(UNKNOWN) is None
    assert store.revision(UNKNOWN, known.revision) is None
    assert store.revision(known.id, "0" * 64) is None
    assert store.revisions(UNKNOWN) == []
    assert store.cleaned(known.id, known.revision) is None


def test_an_empty_store_counts_nothing(store: DocumentStore) -> None:
    assert store.counts() == {
        "users": 0,
        "cleaned": 0,
        "revisions": 0,
        "gone": 0,
        "articles": 0,
        "posts": 0,
        "repositories": 0,
    }
    assert list(store.documents()) == []
    assert store.users() == []
    assert store.current_revisions() == {}


def test_counts_tell_documents_by_category_and_all_revisions(store: DocumentStore) -> None:
    for saved in (article(content="Ebb."), article(content="Flow."), post(), repository_file()):
        store.save(saved)
    store.save_cleaned(cleaned_of(article(content="Flow."), "Flow."))
    assert store.counts() == {
        "users": 1,
        "cleaned": 1,
        "revisions": 4,
        "gone": 0,
        "articles": 1,
        "posts": 1,
        "repositories": 1,
    }


def test_documents_come_ordered_by_id_without_raw_bytes(store: DocumentStore) -> None:
    saved = [article(f"page-{number}", raw=b"bytes") for number in range(120)]  # several pages
    for one in saved:
        store.save(one)
    loaded = list(store.documents())
    assert [one.id for one in loaded] == sorted(one.id for one in saved)
    assert {one.raw for one in loaded} == {None}
    assert {one.title for one in loaded} == {one.title for one in saved}


def test_documents_can_be_had_by_category(store: DocumentStore) -> None:
    for saved in (article(), post(), repository_file()):
        store.save(saved)
    assert [one.id for one in store.documents(DataCategory.POSTS)] == [post().id]
    assert [one.id for one in store.documents(DataCategory.REPOSITORIES)] == [repository_file().id]


def test_documents_go_on_after_an_id(store: DocumentStore) -> None:
    for name in ("ebb", "flow", "spring", "neap"):
        store.save(article(name))
    ids = [one.id for one in store.documents()]
    assert [one.id for one in store.documents(after=ids[1])] == ids[2:]
    assert list(store.documents(DataCategory.POSTS, ids[0])) == []
    assert list(store.documents(after=ids[-1])) == []


def test_the_revisions_of_an_earlier_moment_are_known(store: DocumentStore) -> None:
    first, second = article(content="Ebb."), article(content="Flow.", days=2)
    other = article("moons", days=1)
    for one in (first, other, second):
        store.save(one)
    day = timedelta(days=1)
    assert store.current_at(NOON - day) == {}
    assert store.current_at(NOON) == {first.id: first.revision}
    assert store.current_at(NOON + day) == {first.id: first.revision, other.id: other.revision}
    assert store.current_at(NOON + 2 * day)[first.id] == second.revision
    assert store.current_at(NOON + 300 * day) == store.current_revisions()


def test_what_is_gone_was_current_before(store: DocumentStore) -> None:
    document = article()
    store.save(document)
    store.mark_gone(document.id, NOON + timedelta(days=3), "404")
    assert store.current_at(NOON + timedelta(days=2)) == {document.id: document.revision}
    assert store.current_at(NOON + timedelta(days=3)) == {}
    store.save(article(days=5))
    assert store.current_at(NOON + timedelta(days=6)) == {document.id: document.revision}


def test_an_old_text_that_came_back_is_current_from_then_on(store: DocumentStore) -> None:
    first, second = article(content="Ebb."), article(content="Flow.", days=1)
    for one in (first, second, article(content="Ebb.", days=2)):
        store.save(one)
    assert store.current_at(NOON + timedelta(days=1)) == {first.id: second.revision}
    assert store.current_at(NOON + timedelta(days=3)) == {first.id: first.revision}


def test_documents_saved_while_they_are_read_do_no_harm(store: DocumentStore) -> None:
    for number in range(60):
        store.save(article(f"page-{number}"))
    seen: set[UUID] = set()
    for one in store.documents():
        store.save(article(one.title.removeprefix("On "), content="Changed.", days=1))
        assert one.id not in seen
        seen.add(one.id)
    assert len(seen) == 60


def test_the_cleaned_text_of_a_revision_is_replaced_by_a_later_one(store: DocumentStore) -> None:
    document = article(published=datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    first = cleaned_of(document, "The tide turns", cleaner="rules-1")
    second = cleaned_of(document, "the tide turns", cleaner="rules-2")
    store.save_cleaned(first)
    assert store.cleaned(document.id, document.revision) == first
    store.save_cleaned(second)
    assert store.cleaned(document.id, document.revision) == second
    assert store.counts()["cleaned"] == 1


def test_cleaned_texts_belong_to_their_revision(store: DocumentStore) -> None:
    first, second = article(content="Ebb."), article(content="Flow.")
    store.save_cleaned(cleaned_of(first, "ebb"))
    store.save_cleaned(cleaned_of(second, "flow"))
    loaded = store.cleaned(first.id, first.revision)
    assert loaded is not None
    assert loaded.content == "ebb"


def test_contents_are_those_of_the_revisions_that_there_are(store: DocumentStore) -> None:
    first, second = article(content="Ebb.", raw=b"raw"), article(content="Flow.")
    other, unknown = article("other"), article("unknown")
    for document in (first, second, other):
        store.save(document)
    found = store.contents(
        {first.id: first.revision, other.id: "0" * 64, unknown.id: unknown.revision}
    )
    assert {one: document.content for one, document in found.items()} == {first.id: "Ebb."}
    assert found[first.id].raw is None
    assert store.contents({}) == {}


def test_cleaned_texts_are_stored_and_read_together(store: DocumentStore) -> None:
    pages = [article(f"page-{number}") for number in range(5)]
    texts = [cleaned_of(page, f"text {number}") for number, page in enumerate(pages)]
    store.save_all_cleaned(texts[:3])
    store.save_all_cleaned([cleaned_of(pages[0], "again"), texts[3]])
    wanted = {page.id: page.revision for page in pages} | {pages[1].id: "0" * 64}
    found = store.cleaned_texts(wanted)
    assert {one: text.content for one, text in found.items()} == {
        pages[0].id: "again",
        pages[2].id: "text 2",
        pages[3].id: "text 3",
    }
    store.save_all_cleaned([])
    assert store.cleaned_texts({}) == {}
    assert store.counts()["cleaned"] == 4


def test_of_cleaned_texts_those_under_a_tombstone_are_not_stored(store: DocumentStore) -> None:
    forbidden, by_ada = article("forbidden"), article("by ada", author="Ada Lovelace")
    allowed = article("allowed", author="Grace Hopper")
    of_ada = Tombstone(id=author_mark("Ada Lovelace"), of="author", at=NOON)
    store.bury([Tombstone(id=forbidden.id, of="document", at=NOON), of_ada])
    store.save_all_cleaned([cleaned_of(one, "text") for one in (forbidden, by_ada, allowed)])
    wanted = {one.id: one.revision for one in (forbidden, by_ada, allowed)}
    assert set(store.cleaned_texts(wanted)) == {allowed.id}


def test_authors_are_listed_once_ordered_by_name(store: DocumentStore) -> None:
    for name, author in (("a", "Grace Hopper"), ("b", "Ada Lovelace"), ("c", "ada  lovelace")):
        store.save(article(name, author=author))
    store.save(article("d"))
    assert [user.full_name for user in store.users()] == ["Ada Lovelace", "Grace Hopper"]


def test_the_author_of_a_document_is_in_the_catalogue(store: DocumentStore) -> None:
    saved = article(author="Ada Lovelace")
    store.save(saved)
    assert [user.id for user in store.users()] == [saved.author_id]


def test_a_document_that_is_gone_leaves_the_current_ones_and_stays_readable(
    store: DocumentStore,
) -> None:
    gone, here = article("gone", raw=b"raw"), article("here")
    store.save(gone)
    store.save(here)
    assert store.mark_gone(gone.id, NOON, "HTTP 410") is True
    assert [one.id for one in store.documents()] == [here.id]
    assert [one.id for one in store.documents(DataCategory.ARTICLES)] == [here.id]
    assert store.current_revisions() == {here.id: here.revision}
    assert store.current(gone.id) is None
    assert store.revision(gone.id, gone.revision) == gone
    assert store.revisions(gone.id) == [gone.revision]
    assert store.counts()["gone"] == 1
    assert store.counts()["articles"] == 1
    assert store.counts()["revisions"] == 2


def test_only_what_is_there_can_go_and_only_once(store: DocumentStore) -> None:
    saved = article()
    store.save(saved)
    assert store.mark_gone(UNKNOWN, NOON, "HTTP 404") is False
    assert store.mark_gone(saved.id, NOON, "HTTP 404") is True
    assert store.mark_gone(saved.id, NOON + timedelta(days=1), "HTTP 410") is False
    assert store.counts()["gone"] == 1


@pytest.mark.parametrize("content", ["The tide turns.", "The tide has turned."])
def test_saving_brings_back_what_was_gone(store: DocumentStore, content: str) -> None:
    saved, back = article(), article(content=content, days=3)
    store.save(saved)
    store.mark_gone(saved.id, NOON, "HTTP 404")
    assert store.save(back) is SaveOutcome.CHANGED  # it has to be indexed again
    assert store.save(back) is SaveOutcome.UNCHANGED
    assert store.current_revisions() == {saved.id: back.revision}
    assert store.counts()["gone"] == 0
    assert store.mark_gone(saved.id, NOON, "HTTP 404") is True


def tombstone_of(document: Document) -> Tombstone:
    return Tombstone(id=document.id, of="document", at=NOON, authors=(author_mark("Ada"),))


def test_nothing_is_stored_where_a_tombstone_stands(store: DocumentStore) -> None:
    forbidden = article("forbidden", author="Ada Lovelace", raw=b"raw")
    store.bury([tombstone_of(forbidden)])
    assert store.save(forbidden) is SaveOutcome.FORGOTTEN
    store.save_cleaned(cleaned_of(forbidden, "text"))
    assert store.current(forbidden.id) is None
    assert store.revision(forbidden.id, forbidden.revision) is None
    assert store.cleaned(forbidden.id, forbidden.revision) is None
    assert set(store.counts().values()) == {0}
    assert store.users() == []
    assert store.save(article("allowed")) is SaveOutcome.NEW


def test_a_tombstone_stands_for_the_canonical_url_whatever_the_id(store: DocumentStore) -> None:
    forbidden = article()
    store.bury([tombstone_of(forbidden)])
    assert store.save(forbidden.model_copy(update={"id": UNKNOWN})) is SaveOutcome.FORGOTTEN


def test_the_tombstone_of_an_author_keeps_out_all_that_the_author_wrote(
    store: DocumentStore,
) -> None:
    store.bury([Tombstone(id=author_mark("Ada Lovelace"), of="author", at=NOON)])
    assert store.save(article("a", author="ada  lovelace")) is SaveOutcome.FORGOTTEN
    assert store.save(article("d", author="Bo Li and Lovelace, Ada")) is SaveOutcome.FORGOTTEN
    assert store.save(article("b", author="Grace Hopper")) is SaveOutcome.NEW
    assert store.save(article("c")) is SaveOutcome.NEW


def test_tombstones_are_listed_by_id_kept_as_they_are_and_taken_away(store: DocumentStore) -> None:
    first, second = article("a", author="Ada Lovelace"), article("b")
    tombstones = [tombstone_of(one) for one in (first, second)]
    store.bury(tombstones)
    store.bury([one.model_copy(update={"at": NOON + timedelta(days=1)}) for one in tombstones])
    assert store.tombstones() == sorted(tombstones, key=lambda one: one.id)
    store.unbury([first.id, UNKNOWN])
    assert store.tombstones() == [tombstone_of(second)]
    assert set(store.buried([first.id, second.id, UNKNOWN])) == {second.id}
    assert not store.buried([])
    assert store.save(first) is SaveOutcome.NEW


def test_documents_are_found_by_any_of_their_authors_in_any_revision(store: DocumentStore) -> None:
    first, second, third = (article(name, author="Ada Lovelace") for name in "abc")
    together = article("d", author="Grace Hopper and A. B. Lovelace, Ada Lovelace")
    for one in (first, second, third, together, article("e", author="Grace Hopper"), article("f")):
        store.save(one)
    store.save(article("b", content="Changed.", author="Grace Hopper"))
    store.mark_gone(third.id, NOON, "HTTP 404")
    expected = {first.id, second.id, third.id, together.id}
    assert set(store.written_by("LOVELACE, Ada")) == expected
    assert set(store.written_by("Nobody")) == set()


def test_the_address_of_a_document_is_known_also_when_it_is_gone(store: DocumentStore) -> None:
    store.save(article())
    store.mark_gone(article().id, NOON, "HTTP 404")
    assert store.url(article().id) == "https://example.org/tides"
    assert store.url(UNKNOWN) is None


def test_an_author_with_another_document_is_not_solely_in_these(store: DocumentStore) -> None:
    ada, grace, nobody = article("a", author="Ada"), article("b", author="Grace"), article("c")
    for one in (ada, article("a", content="Changed.", author="Bo"), grace, nobody):
        store.save(one)
    store.save(article("d", author="Ada"))
    assert set(store.solely_by([ada.id, nobody.id])) == {article("x", author="Bo").author_id}
    assert set(store.solely_by([ada.id, article("d").id])) == {
        ada.author_id,
        article("x", author="Bo").author_id,
    }
    assert set(store.solely_by([])) == set()


def test_what_is_deleted_is_gone_in_every_revision_and_the_rest_stays(
    store: DocumentStore,
) -> None:
    kept, deleted = article("a", raw=b"1", author="Ada"), article("b", raw=b"2", author="Bo")
    changed = article("b", content="Changed.", author="Bo")
    for one in (kept, deleted, changed):
        store.save(one)
        store.save_cleaned(cleaned_of(one, "text"))
    ids = [deleted.id, UNKNOWN]
    assert deleted.author_id
    held = {"documents": 1, "revisions": 2, "raw": 1, "cleaned": 2, "users": 1}
    assert store.held(ids, [deleted.author_id]) == held
    for _ in range(2):
        store.delete(ids, [deleted.author_id])
        assert set(store.held(ids, [deleted.author_id]).values()) == {0}
    assert store.revisions(deleted.id) == []
    assert store.cleaned(deleted.id, changed.revision) is None
    assert store.current(kept.id) == kept
    assert store.cleaned(kept.id, kept.revision)
    assert [user.id for user in store.users()] == [kept.author_id]
    assert store.save(deleted) is SaveOutcome.NEW


def test_deleting_nothing_deletes_nothing(store: DocumentStore) -> None:
    store.save(article(author="Ada"))
    store.delete([], [])
    assert set(store.held([], []).values()) == {0}
    assert store.counts()["articles"] == store.counts()["users"] == 1


def test_an_author_without_documents_can_be_in_the_catalogue(store: DocumentStore) -> None:
    ada, bo = UserDocument.named("Ada Lovelace"), UserDocument.named("Bo Li")
    store.bury([Tombstone(id=author_mark("LI, Bo"), of="author", at=NOON)])
    assert store.add_user(ada) is True
    assert store.add_user(ada) is True
    assert store.add_user(bo) is False
    assert store.users() == [ada]


def test_a_store_that_is_there_answers(store: DocumentStore) -> None:
    store.ping()
