"""Explanations for callers that may not know of every document."""

from llm_engineering.application.ports.storage import DocumentStore
from llm_engineering.domain.explanations import Explanation, Fate
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.queries import Query
from llm_engineering.serving.access import Caller
from llm_engineering.serving.answering import Answering
from llm_engineering.serving.problems import Refusal


def explained(
    service: Answering,
    query: Query,
    url: str,
    k: int | None,
    caller: Caller,
    store: DocumentStore | None,
) -> Explanation:
    """Returns why a document is, or is not, among what a question finds, as the caller may know it.

    Raises what `require_known` and `Answering.explain` raise.
    """
    require_known(url, caller, store)
    return without_others(service.explain(query, url, k), query, caller)


def require_known(url: str, caller: Caller, store: DocumentStore | None) -> None:
    """Returns if the caller may know of the document at `url`.

    Raises:
        InvalidInput: `url` is no URL.
        Refusal: 404, whether there is none or it is another's: the two must not be told apart.
        StoreUnavailable: the store cannot be reached.
    """
    if not caller.tied:
        return
    document = store.current(document_id(url)) if store else None
    if document is None or not caller.may_know(document):
        raise Refusal(404, "no document at this address that the API key may read")


def without_others(explanation: Explanation, query: Query, caller: Caller) -> Explanation:
    """Returns the explanation without what it tells of documents that the key may not read.

    These are the original of a copy, and authors' names that the question merely hints at.
    """
    if not caller.tied:
        return explanation
    found = [name for name in ("authors",) if name not in query.filters.restricted]
    changed: dict[str, object] = {"filters": explanation.filters.without(found)}
    if explanation.fate is Fate.DUPLICATE:
        changed["reason"] = "another document says the same"
    return explanation.model_copy(update=changed)
