"""What a key is tied to, enforced: on a search by narrowing its filters, on a document by a look.

Filters that a question names itself only ever fill what these leave open, and only those are ever
given up. So whatever is narrowed here stays narrowed through every stage.
"""

from llm_engineering.domain.documents import Document
from llm_engineering.domain.names import author_keys, parsed_name
from llm_engineering.domain.queries import SearchFilters


def narrowed(asked: SearchFilters, ties: SearchFilters) -> SearchFilters | None:
    """Returns the filters that pass what both pass; None when these name nothing in common."""
    common: dict[str, tuple[object, ...]] = {
        "authors": tuple(
            name for name in asked.authors if parsed_name(name).key in ties.author_keys
        ),
        "platforms": tuple(one for one in asked.platforms if one in ties.platforms),
        "categories": tuple(one for one in asked.categories if one in ties.categories),
    }
    changed: dict[str, object] = {}
    for field, both in common.items():
        tied, wanted = getattr(ties, field), getattr(asked, field)
        if tied and wanted and not both:
            return None
        if tied:
            changed[field] = both or tied
    return asked.model_copy(update=changed)


def admits(ties: SearchFilters, document: Document) -> bool:
    """Returns whether a key with these ties may know of the document."""
    return (
        (not ties.categories or document.category in ties.categories)
        and (not ties.platforms or document.platform in ties.platforms)
        and (not ties.authors or bool(ties.author_keys & author_keys(document.author_full_name)))
    )
