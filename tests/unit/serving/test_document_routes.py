from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from llm_engineering.application.corpus.forgetters import DocumentForgetter, FeedbackForgetter
from llm_engineering.application.corpus.forgetting import Forgetting
from llm_engineering.application.ports.forgetting import Forgetter
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.feedback_store import InMemoryFeedbackStore
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from llm_engineering.serving.access import KeyRing, OpenTo
from tests.contracts.document_making import NOON, article
from tests.contracts.test_feedback_store import served
from tests.unit.serving.oracle import Oracle, client
from tests.unit.serving.test_access import key

ADA = SearchFilters(authors=("Ada Lovelace",))
PAGES = [
    article(f"page-{n}", author="Ada Lovelace" if n % 3 == 0 else "Grace Hopper") for n in range(9)
]


class House:
    """An application over stores with nine documents."""

    def __init__(
        self, open_to: OpenTo = OpenTo.NOBODY, oracle: Oracle | None = None, **deployment: Any
    ) -> None:
        self.documents = InMemoryDocumentStore()
        self.keys = InMemoryApiKeyStore()
        self.feedback = InMemoryFeedbackStore()
        for page in PAGES:
            self.documents.save(page)
        forgetters: dict[str, Forgetter] = {
            "feedback": FeedbackForgetter(self.feedback),
            "documents": DocumentForgetter(self.documents),
        }
        self.app = client(
            oracle,
            open_to=open_to,
            keys=KeyRing(self.keys),
            documents=self.documents,
            forgetting=Forgetting(
                self.documents, InMemoryLikenessStore(), forgetters, lambda: NOON
            ),
            **deployment,
        )

    def key(self, *scopes: Scope, ties: SearchFilters = SearchFilters()) -> dict[str, str]:
        return key(self.keys, scopes, ties)

    def listed(self, headers: dict[str, str], **parameters: object) -> Iterator[dict[str, str]]:
        """Yields the documents of all pages."""
        after: dict[str, object] = {}
        while True:
            asked = {**parameters, **after}
            page = self.app.get("/documents", params=asked, headers=headers).json()  # type: ignore[arg-type]
            yield from page["documents"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize("limit", [1, 2, 9, 100])
def test_pages_give_every_document_once_in_order(house: House, limit: int) -> None:
    ids = [UUID(one["id"]) for one in house.listed(house.key(Scope.READ), limit=limit)]
    assert ids == sorted(page.id for page in PAGES)


def test_a_document_is_listed_without_its_text(house: House) -> None:
    one = next(house.listed(house.key(Scope.READ)))
    (page,) = (page for page in PAGES if str(page.id) == one["id"])
    assert (one["url"], one["title"], one["author"]) == (
        page.url,
        page.title,
        page.author_full_name,
    )
    assert page.content not in one.values()


def test_a_tied_key_lists_what_it_is_tied_to(house: House) -> None:
    headers = house.key(Scope.READ, ties=ADA)
    assert [one["author"] for one in house.listed(headers, limit=2)] == ["Ada Lovelace"] * 3


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=1", "limit=NaN"])
def test_impossible_pages_are_refused(house: House, query: str) -> None:
    refused = house.app.get(f"/documents?{query}", headers=house.key(Scope.READ))
    assert refused.status_code == 422
    assert query.split("=", maxsplit=1)[0] in refused.json()["detail"]


def test_a_deleted_document_is_gone_with_all_that_was_made_from_it(house: House) -> None:
    target = PAGES[0]
    house.feedback.record([served().model_copy(update={"documents": (target.id,)})])
    headers = house.key(Scope.INGEST)
    report = house.app.delete(f"/documents/{target.id}", headers=headers).json()
    assert report["complete"] is True
    assert report["documents"] == [str(target.id)]
    assert {one["store"]: (one["before"] > 0, one["after"]) for one in report["holdings"]} == {
        "feedback": (True, 0),
        "documents": (False, 0),  # the last kind: authors, of whom others are left
    }
    assert house.documents.current(target.id) is None
    assert house.documents.save(target).value == "forgotten"
    assert house.app.delete(f"/documents/{target.id}", headers=headers).status_code == 404


def test_a_document_that_is_gone_from_the_web_can_be_deleted(house: House) -> None:
    house.documents.mark_gone(PAGES[1].id, NOON + timedelta(days=1), "404")
    headers = house.key(Scope.ADMIN)
    assert house.app.delete(f"/documents/{PAGES[1].id}", headers=headers).status_code == 200
    assert house.documents.revisions(PAGES[1].id) == []


def test_reading_is_not_deleting(house: House) -> None:
    refused = house.app.delete(f"/documents/{PAGES[0].id}", headers=house.key(Scope.READ))
    assert refused.status_code == 403
    assert house.documents.current(PAGES[0].id) is not None


@pytest.mark.parametrize("target", [PAGES[1].id, UUID(int=1)])
def test_others_documents_are_as_those_that_are_not_there(house: House, target: UUID) -> None:
    headers = house.key(Scope.ADMIN, ties=ADA)
    refused = house.app.delete(f"/documents/{target}", headers=headers)
    assert refused.status_code == 404
    assert "may know of" in refused.json()["detail"]
    assert house.documents.current(PAGES[1].id) is not None


def test_what_is_no_id_is_refused(house: House) -> None:
    assert house.app.delete("/documents/x", headers=house.key(Scope.ADMIN)).status_code == 422


def test_where_all_may_ask_only_this_machine_deletes_without_a_key() -> None:
    house = House(OpenTo.ALL)
    far = TestClient(house.app.app, base_url="http://rag.example", client=("203.0.113.5", 1))
    assert far.get("/documents").status_code == 200
    assert far.delete(f"/documents/{PAGES[0].id}").status_code == 401
    assert house.app.delete(f"/documents/{PAGES[0].id}").status_code == 200


def test_an_outage_is_an_outage(house: House) -> None:
    headers = house.key(Scope.ADMIN)
    house.documents.outage = True
    assert house.app.get("/documents", headers=headers).status_code == 503
    assert house.app.delete(f"/documents/{PAGES[0].id}", headers=headers).status_code == 503
