"""Step: clean the documents that changed."""

from collections.abc import Mapping
from uuid import UUID

from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.application.preprocessing.cleaning import CLEANER
from llm_engineering.application.preprocessing.dispatchers import CleaningDispatcher
from llm_engineering.domain.errors import DocumentError, InvalidInput

FailedDocuments = dict[UUID, str]


def clean(
    store: DocumentStore,
    dispatcher: CleaningDispatcher,
    revisions: Mapping[UUID, str],
    progress: Progress,
) -> FailedDocuments:
    """Stores the cleaned text of each revision that has none by today's rules; returns failures.

    Raises:
        StoreUnavailable: the run stops; what was cleaned is kept.
    """
    failed: FailedDocuments = {}
    with progress.stage("clean documents", len(revisions)) as advance:
        for document, revision in revisions.items():
            try:
                _clean_one(store, dispatcher, document, revision)
            except (DocumentError, InvalidInput) as error:
                failed[document] = str(error)
            advance(1)
    return failed


def _clean_one(
    store: DocumentStore, dispatcher: CleaningDispatcher, document_id: UUID, revision: str
) -> None:
    cleaned = store.cleaned(document_id, revision)
    if cleaned is not None and cleaned.cleaner == CLEANER:
        return
    document = store.revision(document_id, revision)
    if document is None:
        raise InvalidInput(f"document {document_id} has no revision {revision[:12]}")
    try:
        store.save_cleaned(dispatcher.dispatch(document))
    except InvalidInput as error:
        raise InvalidInput(f"{document.url}: {error}") from error
