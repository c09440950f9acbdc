"""Documents as records of the data warehouse, and back.

A record has the fields that data warehouses of this kind of system have always had: `id`,
`content` (a mapping), `platform`, `author_id`, `author_full_name`, `link`, and `name` or `image`
where the class has them. Ours have besides what brings the very same revision back. Others' are
read as they are: `content` with Title, Subtitle and Content, with the pieces of a post, or with
the files of a repository by path; `_id` for `id`; no dates.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from pydantic import ValidationError

from llm_engineering.domain.documents import (
    DOCUMENT_TYPES,
    Document,
    PostDocument,
    RepositoryDocument,
    UserDocument,
)
from llm_engineering.domain.errors import InvalidInput

CLASSES: dict[str, type[Document]] = {kind.__name__: kind for kind in DOCUMENT_TYPES.values()}
USERS = UserDocument.__name__

# beside the common fields; with them a record gives the very same revision
_OWN = ("revision", "published", "modified", "language", "fetched_at")
_NO_LINK = "file:///data-warehouse/"
_CONTENT = ("Title", "Subtitle", "Content")


def record_of(document: Document, same_as: UUID | None = None) -> dict[str, object]:
    """Returns the record of a document; `same_as` is its original if it is a copy."""
    known = document.model_dump(mode="json")
    if isinstance(document, RepositoryDocument):
        content = {document.path: document.content}
        more: dict[str, object] = {"name": document.repository, "title": document.title}
    else:
        content = {"Title": document.title, "Subtitle": "", "Content": document.content}
        more = {"image": document.image} if isinstance(document, PostDocument) else {}
    common = {
        "id": known["id"],
        "content": content,
        "platform": document.platform,
        "author_id": known["author_id"],
        "author_full_name": document.author_full_name,
        "link": document.url,
    }
    own = {name: known[name] for name in _OWN}
    return {**common, **more, **own, "same_as": str(same_as) if same_as else None}


def user_record_of(user: UserDocument) -> dict[str, object]:
    """Returns the record of an author."""
    return user.model_dump(mode="json")


def user_of(record: object) -> tuple[str, UserDocument]:
    """Returns the id that a record gives an author, and the author.

    Raises:
        InvalidInput: it is no record of an author.
    """
    fields = _fields(record)
    name = " ".join(_text(fields, part) or "" for part in ("first_name", "last_name")).strip()
    if not name:
        raise InvalidInput("first_name and last_name are missing")
    return _id_of(fields) or "", UserDocument.named(name)


def documents_of(
    record: object, kind: type[Document], authors: Mapping[str, str], unknown_date: datetime
) -> Iterator[Document]:
    """Yields the documents of a record: one, or each file of a repository.

    Args:
        record: what the file holds, whatever that is.
        kind: the class of the file.
        authors: full names by the ids that the warehouse gives them.
        unknown_date: when the documents were fetched, where the record does not say.

    Raises:
        InvalidInput: it is no record of a document, or not the revision that it says it is.
    """
    fields = _fields(record)
    content = fields.get("content")
    if not isinstance(content, dict) or not content:
        raise InvalidInput("content is no mapping with something in it")
    common = {
        "platform": _text(fields, "platform"),
        "author": _text(fields, "author_full_name") or authors.get(str(fields.get("author_id"))),
        "fetched_at": _time(fields, "fetched_at") or unknown_date,
        "published": _time(fields, "published"),
        "modified": _time(fields, "modified"),
        "language": _text(fields, "language") or _text(content, "language"),
    }
    if kind is RepositoryDocument:
        yield from _files(fields, content, common)
        return
    url = _text(fields, "link") or f"{_NO_LINK}{kind.__name__}/{_id_needed(fields)}"
    image = {"image": _text(fields, "image")} if kind is PostDocument else {}
    title, text = _title_and_text(content, fields)
    yield _document(kind, fields, {**common, **image, "url": url, "title": title, "content": text})


def _files(
    fields: Mapping[str, Any], content: Mapping[str, Any], common: Mapping[str, Any]
) -> Iterator[Document]:
    link, name = _text(fields, "link"), _text(fields, "name")
    ours = "revision" in fields
    base = link or f"{_NO_LINK}RepositoryDocument/{_id_needed(fields)}"
    repository = name if ours and name else _full_name(base, name)
    for path, text in content.items():
        if not isinstance(text, str):
            raise InvalidInput(f"content[{path!r}] is no text")
        place = {
            "url": base if ours else _file_page(base, path),
            "title": _text(fields, "title") or f"{repository}/{path}",
            "content": text,
            "repository": repository,
            "path": path,
        }
        yield _document(RepositoryDocument, fields, {**common, **place})


def _document(
    kind: type[Document], fields: Mapping[str, Any], values: Mapping[str, Any]
) -> Document:
    values = {**values, "platform": values["platform"] or urlsplit(values["url"]).netloc or "file"}
    try:
        document = kind.create(**values)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        raise InvalidInput(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error
    said = fields.get("revision")
    if said is not None and said != document.revision:
        raise InvalidInput(f"revision {said!r} is not that of the content")
    return document


def _title_and_text(content: Mapping[str, Any], fields: Mapping[str, Any]) -> tuple[str, str]:
    """Returns title and text; a subtitle stands above the text, the pieces of a post below it."""
    title, subtitle, text = (_text(content, name) for name in _CONTENT)
    pieces = [
        piece
        for name, piece in content.items()
        if isinstance(piece, str) and name not in (*_CONTENT, "language")
    ]
    if "revision" in fields:
        return title or "", text or ""
    whole = "\n\n".join(part for part in (subtitle, text, *pieces) if part and part.strip())
    if not whole:
        raise InvalidInput("content has no text")
    return title or whole.lstrip("# ").partition("\n")[0][:80], whole


def _full_name(base: str, name: str | None) -> str:
    """Returns `owner/name` of a repository's address, or else its name."""
    parts = [part for part in urlsplit(base).path.split("/") if part]
    known = "/".join(parts[-2:]).removesuffix(".git")
    return known if len(parts) > 1 and not base.startswith("file:") else name or known


def _file_page(base: str, path: str) -> str:
    """Returns the address of a file, as the crawler of repositories gives it."""
    if base.startswith("file:"):
        return f"{base}/{quote(path)}"
    return f"{base.rstrip('/').removesuffix('.git')}/blob/HEAD/{quote(path)}"


def _fields(record: object) -> Mapping[str, Any]:
    if not isinstance(record, dict):
        raise InvalidInput(f"a {type(record).__name__} where an object should be")
    return record


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{name} is no text")
    return value


def _time(fields: Mapping[str, Any], name: str) -> datetime | None:
    value = _text(fields, name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(f"{name}: {value!r} is no date (allowed: ISO 8601)") from error
    if moment.tzinfo is None:
        raise InvalidInput(f"{name}: {value!r} has no time zone")
    return moment


def _id_of(fields: Mapping[str, Any]) -> str | None:
    """Returns the id of a record: a string, or MongoDB's extended JSON for one."""
    value = fields.get("id", fields.get("_id"))
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    return value if isinstance(value, str) else None


def _id_needed(fields: Mapping[str, Any]) -> UUID:
    try:
        return UUID(_id_of(fields) or "")
    except ValueError:
        raise InvalidInput("neither a link nor an id that is a UUID") from None
