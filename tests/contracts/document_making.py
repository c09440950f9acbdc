"""Documents for the tests of stores."""

from datetime import UTC, datetime, timedelta

from llm_engineering.domain.cleaned_documents import CleanedArticleDocument, CleanedDocument
from llm_engineering.domain.documents import (
    ArticleDocument,
    Document,
    PostDocument,
    RepositoryDocument,
)

NOON = datetime(2026, 5, 1, 12, 0, 0, 123_457, tzinfo=UTC)


def article(
    name: str = "tides", content: str = "The tide turns.", *, days: int = 0, **more: object
) -> ArticleDocument:
    """Returns an article that was fetched so many days after 1 May 2026, noon."""
    return ArticleDocument.create(
        url=f"https://example.org/{name}",
        title=f"On {name}",
        content=content,
        platform="example.org",
        fetched_at=NOON + timedelta(days=days),
        **more,  # type: ignore[arg-type]
    )


def post() -> PostDocument:
    """Returns a post with an image."""
    return PostDocument.create(
        url="https://example.org/posts/1",
        title="A post",
        content="Short.",
        platform="example.org",
        fetched_at=NOON,
        author="Grace Hopper",
        image="https://example.org/i.png",
    )


def repository_file() -> RepositoryDocument:
    """Returns a file of a local repository."""
    return RepositoryDocument.create(
        url="file:///srv/tides/main.py",
        title="main.py",
        content="print('tide')\n",
        platform="git",
        fetched_at=NOON,
        repository="tides",
        path="main.py",
    )


def cleaned_of(document: Document, content: str, cleaner: str = "rules-1") -> CleanedDocument:
    """Returns the cleaned text of an article."""
    return CleanedArticleDocument(
        document_id=document.id,
        revision=document.revision,
        url=document.url,
        platform=document.platform,
        title=document.title,
        published=document.published,
        author_full_name=document.author_full_name,
        content=content,
        cleaner=cleaner,
    )
