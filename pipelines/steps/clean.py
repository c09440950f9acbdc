"""Step: clean the documents that changed."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

from llm_engineering.application.ports.progress import Progress
from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.application.preprocessing.cleaning import CLEANER
from llm_engineering.application.preprocessing.dispatchers import CleaningDispatcher
from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import DocumentError, InvalidInput

FailedDocuments = dict[UUID, str]
_PAGE = 32  # documents; each may have 16 MiB


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
        for page in pages(revisions):
            failed |= _clean_page(store, dispatcher, page)
            advance(len(page))
    return failed


def pages(revisions: Mapping[UUID, str]) -> Iterator[Mapping[UUID, str]]:
    """Yields as many documents as are read and written at once: asking for each costs more."""
    rest = iter(revisions.items())
    while page := dict(islice(rest, _PAGE)):
        yield page


def _clean_page(
    store: DocumentStore, dispatcher: CleaningDispatcher, revisions: Mapping[UUID, str]
) -> FailedDocuments:
    known = store.cleaned_texts(revisions)
    missing = {
        document: revision
        for document, revision in revisions.items()
        if document not in known or known[document].cleaner != CLEANER
    }
    documents = store.contents(missing)
    texts: list[CleanedDocument] = []
    failed: FailedDocuments = {}
    for document, revision in missing.items():
        try:
            texts.append(_cleaned(dispatcher, documents.get(document), document, revision))
        except (DocumentError, InvalidInput) as error:
            failed[document] = str(error)
    return failed | _save(store, texts)


def _cleaned(
    dispatcher: CleaningDispatcher, document: Document | None, document_id: UUID, revision: str
) -> CleanedDocument:
    if document is None:
        raise InvalidInput(f"document {document_id} has no revision {revision[:12]}")
    try:
        return dispatcher.dispatch(document)
    except InvalidInput as error:
        raise InvalidInput(f"{document.url}: {error}") from error


def _save(store: DocumentStore, texts: Sequence[CleanedDocument]) -> FailedDocuments:
    """Stores the texts; where one of them cannot be, the others are stored one by one."""
    failed: FailedDocuments = {}
    try:
        store.save_all_cleaned(texts)
    except DocumentError:
        for cleaned in texts:
            try:
                store.save_cleaned(cleaned)
            except DocumentError as error:
                failed[cleaned.document_id] = str(error)
    return failed
