"""What is kept of a visit for the next run, and what of it still holds then."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from llm_engineering.application.ports.crawling import Target, Validators, Visited
from llm_engineering.application.ports.frontier import PageMemory
from llm_engineering.domain.ids import fingerprint

_READING = 1  # to be raised when crawlers read more out of the same bytes: all is read anew then
MOST_TARGETS = 2_000  # kept of one page; a page that names more is never asked conditionally


def context_of(target: Target) -> str:
    """Returns what the documents of a target depend on beside the page itself."""
    stamp = target.published.isoformat() if target.published else ""
    said = (target.author or "", target.title or "", stamp, target.via or "")
    return fingerprint(_READING, *said, target.depth, target.max_pages)


def usable(known: PageMemory | None, target: Target) -> PageMemory | None:
    """Returns what is known if it would do instead of reading the page again."""
    if known is None or known.targets is None or known.context != context_of(target):
        return None
    return known


def is_fresh(known: PageMemory | None, target: Target) -> bool:
    """Returns whether the list that names the target says that nothing changed since."""
    if known is None or known.modified is None or target.modified is None:
        return False
    return target.modified <= known.modified


def memory_of(
    target: Target,
    visited: Visited,
    documents: Sequence[UUID],
    targets: Sequence[Target],
    listed_by: str | None,
) -> PageMemory:
    """Returns what to keep of a visit that went well."""
    return PageMemory(
        url=target.url,
        validators=visited.validators,
        modified=target.modified,
        context=context_of(target),
        documents=tuple(documents),
        targets=tuple(targets) if len(targets) <= MOST_TARGETS else None,
        listed_by=listed_by,
    )


def unfinished(page: PageMemory) -> PageMemory:
    """Returns what to keep of a visit that lacks some documents: the next one reads all anew."""
    return page.model_copy(update={"validators": Validators(), "targets": None})


def renewed(known: PageMemory, target: Target, validators: Validators | None) -> PageMemory:
    """Returns what to keep of a page that has not changed."""
    new = known.validators.model_copy(
        update=validators.model_dump(exclude_none=True) if validators else {}
    )
    return known.model_copy(
        update={"validators": new, "modified": target.modified or known.modified, "missing": 0}
    )


def remembered_targets(known: PageMemory, target: Target) -> Iterator[Target]:
    """Yields what the page named at its last reading."""
    for one in known.targets or ():
        yield one.model_copy(update={"depth": min(one.depth, target.depth)})
