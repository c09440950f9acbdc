"""Documents for tests, with what a test does not care about filled in."""

from datetime import UTC, datetime

from llm_engineering.domain.documents import ArticleDocument, PostDocument, RepositoryDocument

VISITED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def make_article(
    content: str,
    *,
    url: str = "https://example.org/article",
    title: str = "An article",
    author: str = "Ada Lovelace",
) -> ArticleDocument:
    return ArticleDocument.create(
        url=url,
        title=title,
        content=content,
        platform="example.org",
        author=author,
        published=datetime(2025, 5, 6, tzinfo=UTC),
        fetched_at=VISITED,
        language="en",
    )


def make_post(content: str, *, url: str = "https://example.org/post") -> PostDocument:
    return PostDocument.create(
        url=url, title="A post", content=content, platform="example.org", fetched_at=VISITED
    )


def make_file(content: str, *, path: str = "package/module.py") -> RepositoryDocument:
    return RepositoryDocument.create(
        url=f"https://example.org/owner/name/{path}",
        title=path,
        content=content,
        platform="github",
        fetched_at=VISITED,
        repository="owner/name",
        path=path,
    )
