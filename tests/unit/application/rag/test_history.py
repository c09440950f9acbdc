from datetime import date, timedelta

import pytest

from llm_engineering.application.rag.history import History
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import Query, ScoredChunk, SearchFilters
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from tests.builders import make_chunk
from tests.contracts.document_making import NOON, article

DAY = NOON.date()
OLD, NEW = article(content="Ebb."), article(content="Flow.", days=5)
STEADY = article("moons")
LATER = article("stars", days=5)
QUERY = Query(text="When?")


def store() -> InMemoryDocumentStore:
    documents = InMemoryDocumentStore()
    for one in (OLD, NEW, STEADY, LATER):
        documents.save(one)
    return documents


def test_only_documents_that_are_as_they_were_may_be_read() -> None:
    past = History(store()).at(DAY)
    assert past.narrowed(QUERY).filters.document_ids == (STEADY.id,)
    assert (past.report.documents, past.report.missing) == (1, 1)
    assert past.report.missing_urls == (OLD.url,)


def test_a_day_on_which_all_was_as_it_is_restricts_nothing() -> None:
    past = History(store()).at(DAY + timedelta(days=5))
    assert past.narrowed(QUERY) == QUERY
    assert past.report.missing == 0


def test_the_last_day_of_the_calendar_is_a_day() -> None:
    assert History(store()).at(date.max).report.documents == 3


def test_documents_that_were_asked_for_stay_the_restriction() -> None:
    past = History(store()).at(DAY)
    both = SearchFilters(document_ids=(STEADY.id, LATER.id), platforms=("example.org",))
    narrowed = past.narrowed(Query(text="When?", filters=both)).filters
    assert (narrowed.document_ids, narrowed.platforms) == ((STEADY.id,), ("example.org",))


@pytest.mark.parametrize("asked", [(LATER.id,), (OLD.id,)])
def test_a_day_without_any_such_document_is_refused_with_the_count(asked: tuple[object]) -> None:
    query = Query(text="When?", filters=SearchFilters.model_validate({"document_ids": asked}))
    with pytest.raises(InvalidInput, match=f"as_of {DAY}.*1 documents have changed or gone"):
        History(store()).at(DAY).narrowed(query)


def test_before_the_first_crawl_there_was_nothing() -> None:
    with pytest.raises(InvalidInput, match="nothing that was current then"):
        History(store()).at(date(1, 1, 1)).narrowed(QUERY)


def test_a_document_that_went_since_is_missing() -> None:
    documents = store()
    documents.mark_gone(STEADY.id, NOON + timedelta(days=7), "404")
    report = History(documents).at(DAY).report
    assert (report.documents, report.missing) == (0, 2)
    assert set(report.missing_urls) == {OLD.url, STEADY.url}


def test_documents_that_must_not_be_known_are_neither_named_nor_counted() -> None:
    report = History(store()).at(DAY, lambda document: document.url != OLD.url).report
    assert (report.missing, report.missing_urls) == (0, ())


def test_a_passage_of_another_revision_is_refused() -> None:
    past = History(store()).at(DAY)
    chunk = make_chunk(url=STEADY.url, revision=STEADY.revision)
    past.check([ScoredChunk(chunk=chunk, scores={"fusion": 1.0})])
    stale = chunk.model_copy(update={"revision": "older"})
    with pytest.raises(InvalidInput, match="has yet to be brought up to date"):
        past.check([ScoredChunk(chunk=stale, scores={"fusion": 1.0})])
