"""The stored documents: listed in pages, and deleted for good."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel

from llm_engineering.application.corpus.forgetting import ForgetReport, Forgetting, Request
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.documents import Document
from llm_engineering.domain.types import DataCategory
from llm_engineering.serving import examples
from llm_engineering.serving.access import Caller, Entrance
from llm_engineering.serving.deployment import Deployment
from llm_engineering.serving.examples import example
from llm_engineering.serving.problems import Refusal, documented

_LOOKED_AT = 2000  # documents a page: a key may be tied to few among many
_NO_DOCUMENTS = "there is no such document that you may know of"


class DocumentOut(BaseModel):
    """The current revision of a document, without its text."""

    id: UUID
    revision: str
    url: str
    title: str
    author: str | None
    platform: str
    category: DataCategory
    published: AwareDatetime | None
    fetched_at: AwareDatetime

    @classmethod
    def of(cls, document: Document) -> "DocumentOut":
        """Returns the document as it goes over the wire."""
        same = set(cls.model_fields) - {"author"}
        return cls(author=document.author_full_name, **document.model_dump(include=same))


class DocumentPage(BaseModel):
    """Documents ordered by id. There are more while `next` is not null: ask for them `after` it."""

    documents: list[DocumentOut]
    next: UUID | None


def document_router(deployment: Callable[[], Deployment], entrance: Entrance) -> APIRouter:
    """Returns the routes of documents."""
    router = APIRouter(tags=["documents"], responses=documented(503, 504))
    reader = Depends(entrance.needs(Scope.READ))
    keeper = Depends(entrance.needs(Scope.INGEST, Scope.ADMIN))

    @router.get("/documents", responses=example(examples.DOCUMENTS))
    async def documents(
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        after: UUID | None = None,
        caller: Caller = reader,
    ) -> DocumentPage:
        """Lists the stored documents, a page at a time; a page may be short."""
        house = deployment()
        return await house.workshop.call(lambda: _page(house.documents, limit, after, caller))

    @router.delete(
        "/documents/{document_id}", responses={**documented(404), **example(examples.FORGOTTEN)}
    )
    async def forget(document_id: UUID, caller: Caller = keeper) -> ForgetReport:
        """Deletes all that was made from a document, keeps it from coming back, and proves it."""
        house = deployment()
        return await house.workshop.call(
            lambda: _forgotten(house.documents, house.forgetting, document_id, caller)
        )

    return router


def _page(
    store: DocumentStore | None, limit: int, after: UUID | None, caller: Caller
) -> DocumentPage:
    found: list[DocumentOut] = []
    last = None
    for looked_at, document in enumerate(store.documents(after=after) if store else (), start=1):
        if len(found) == limit or looked_at > _LOOKED_AT:
            return DocumentPage(documents=found, next=last)
        last = document.id
        if caller.may_know(document):
            found.append(DocumentOut.of(document))
    return DocumentPage(documents=found, next=None)


def _forgotten(
    store: DocumentStore | None, forgetting: Forgetting | None, document_id: UUID, caller: Caller
) -> ForgetReport:
    known = _latest(store, document_id) if store else None
    if forgetting is None or known is None or not caller.may_know(known):
        raise Refusal(404, _NO_DOCUMENTS)
    report = forgetting.forget(Request(document=document_id))
    return report.model_copy(update={"copies_left": ()}) if caller.tied else report


def _latest(store: DocumentStore, document_id: UUID) -> Document | None:
    """Returns the current revision, or the last one of a document that is gone."""
    current = store.current(document_id)
    if current is not None:
        return current
    revisions = store.revisions(document_id)
    return store.revision(document_id, revisions[-1]) if revisions else None
