"""`as_of` over HTTP."""

import json
from datetime import timedelta

from llm_engineering.application.rag.history import History
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from tests.contracts.document_making import NOON, article
from tests.unit.serving.oracle import CHUNK, Oracle, client, events_of

CHANGED = article("moons", "Ebb.")


def history(revision: str = CHUNK.revision) -> History:
    """Returns one in which the oracle's page is as it was, and another has changed since."""
    store = InMemoryDocumentStore()
    same = article().model_copy(
        update={"id": CHUNK.document_id, "url": CHUNK.url, "revision": revision}
    )
    for document in (same, CHANGED, article("moons", "Flow.", days=9)):
        store.save(document)
    return History(store)


def asked(days: int = 0) -> dict[str, str]:
    return {"query": "When?", "as_of": (NOON + timedelta(days=days)).date().isoformat()}


def test_the_answer_reads_what_was_current_and_tells_what_is_missing() -> None:
    oracle = Oracle()
    body = client(oracle, history=history()).post("/rag", json=asked()).json()
    assert body["as_of"] == {
        "day": "2026-05-01",
        "documents": 1,
        "missing": 1,
        "missing_urls": [CHANGED.url],
    }
    assert oracle.requests[0].query.filters.document_ids == (CHUNK.document_id,)


def test_a_stream_tells_it_with_the_sources() -> None:
    body = client(history=history()).post("/rag/stream", json=asked()).text
    sources, done = (json.loads(data) for name, data in events_of(body) if name[0] in "sd")
    assert sources["as_of"] == done["as_of"]
    assert sources["as_of"]["missing"] == 1


def test_a_day_before_everything_is_refused() -> None:
    refused = client(history=history()).post("/rag", json=asked(days=-1))
    assert refused.status_code == 422
    assert "nothing that was current then" in refused.json()["detail"]


def test_an_index_that_lags_is_no_source_for_it() -> None:
    refused = client(history=history("newer")).post("/rag", json=asked())
    assert refused.status_code == 422
    assert "another revision" in refused.json()["detail"]


def test_a_service_without_history_says_so() -> None:
    refused = client().post("/rag", json=asked())
    assert refused.status_code == 422
    assert "keeps no history" in refused.json()["detail"]
