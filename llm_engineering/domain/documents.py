"""What the crawlers bring in: one immutable revision of a page, post or repository file."""

from datetime import datetime
from typing import Literal, Self
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, Field

from llm_engineering.domain.ids import canonical_url, document_id, revision_of, user_id
from llm_engineering.domain.names import author_keys, parsed_name
from llm_engineering.domain.types import DataCategory, Frozen


class UserDocument(Frozen):
    """An author in the catalogue."""

    id: UUID
    first_name: str
    last_name: str

    @property
    def full_name(self) -> str:
        """Returns first and last name in one string."""
        return f"{self.first_name} {self.last_name}".strip()

    @classmethod
    def named(cls, full_name: str) -> Self:
        """Returns the author of that name; the last word is the last name."""
        first, _, last = " ".join(full_name.split()).rpartition(" ")
        return cls(id=user_id(full_name), first_name=first or last, last_name=last if first else "")


class Tombstone(Frozen):
    """What was forgotten and must not come back. It tells neither a name, nor an address, nor text.

    `id` is the id of the document (worked out from its URL) or the mark of the author (from the
    name). `authors` has the mark of the author for whose sake a document was forgotten.
    """

    id: UUID
    of: Literal["document", "author"]
    at: AwareDatetime
    authors: tuple[UUID, ...] = ()


def author_mark(name: str) -> UUID:
    """Returns what all spellings of a person's name share, without telling the name."""
    return _mark(parsed_name(name).key)


def author_marks(stored: str | None) -> frozenset[UUID]:
    """Returns the marks of all persons that a document's author names."""
    return frozenset(_mark(key) for key in author_keys(stored))


def _mark(key: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"forgotten author:{key}")


class Document(Frozen):
    """One revision of a document, as crawled. Use a subclass's `create`.

    `url` is canonical, `revision` the SHA-256 of title, author, published date and content.
    `content` is Markdown (pages) or the file's text (repositories); `raw` is what came over the
    wire, kept so that a better extractor can be run again without the network.
    """

    id: UUID
    revision: str
    category: DataCategory
    url: str
    platform: str
    title: str
    author_id: UUID | None = None
    author_full_name: str | None = None
    published: AwareDatetime | None = None
    modified: AwareDatetime | None = None
    language: str | None = None
    content: str
    fetched_at: AwareDatetime
    raw: bytes | None = Field(default=None, repr=False)

    @classmethod
    def create(
        cls,
        *,
        url: str,
        title: str,
        content: str,
        platform: str,
        fetched_at: datetime,
        author: str | None = None,
        published: datetime | None = None,
        **fields: object,
    ) -> Self:
        """Returns the document with its identities worked out.

        Raises:
            InvalidInput: `url` is not an http, https or file URL.
        """
        stamp = published.isoformat() if published else None
        return cls.model_validate(
            {
                "id": document_id(url),
                "revision": revision_of(title, author, stamp, content),
                "url": canonical_url(url),
                "platform": platform,
                "title": title,
                "content": content,
                "author_id": user_id(author) if author else None,
                "author_full_name": author,
                "published": published,
                "fetched_at": fetched_at,
                **fields,
            }
        )


class ArticleDocument(Document):
    """An article or any other page of prose."""

    category: Literal[DataCategory.ARTICLES] = DataCategory.ARTICLES


class PostDocument(Document):
    """A short post, with the address of its image if it has one."""

    category: Literal[DataCategory.POSTS] = DataCategory.POSTS
    image: str | None = None


class RepositoryDocument(Document):
    """One file of a repository. `path` is relative to the repository's root, with `/`."""

    category: Literal[DataCategory.REPOSITORIES] = DataCategory.REPOSITORIES
    repository: str
    path: str


DOCUMENT_TYPES: dict[DataCategory, type[Document]] = {
    DataCategory.ARTICLES: ArticleDocument,
    DataCategory.POSTS: PostDocument,
    DataCategory.REPOSITORIES: RepositoryDocument,
}
