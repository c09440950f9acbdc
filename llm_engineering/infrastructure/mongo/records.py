"""Translation between the domain and what MongoDB keeps. Pure: no connection, no clock.

Identities are BSON UUIDs; times are ISO 8601 text, because BSON dates lose microseconds and the
time zone, and a revision is the hash of the exact value.
"""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

from llm_engineering.domain.cleaned_documents import CLEANED_TYPES, CleanedDocument
from llm_engineering.domain.documents import DOCUMENT_TYPES, Document, Tombstone, UserDocument
from llm_engineering.domain.errors import IntegrityError
from llm_engineering.domain.types import DataCategory, Frozen

Record = dict[str, Any]
_Model = TypeVar("_Model", bound=Frozen)


def revision_key(document_id: UUID, revision: str) -> Record:
    """Returns the `_id` of a revision, its raw bytes and its cleaned text. The order matters."""
    return {"document": document_id, "revision": revision}


def document_record(document: Document) -> Record:
    """Returns the record of a revision, without its raw bytes."""
    fields = document.model_dump(exclude={"id", "revision", "raw"})
    return {"_id": revision_key(document.id, document.revision), **_plain(fields)}


def document_of(record: Mapping[str, Any], raw: bytes | None = None) -> Document:
    """Returns the revision of a record.

    Raises:
        IntegrityError: the record is not one of ours, or was damaged.
    """
    fields = _fields(record)
    model = _model_of(fields, DOCUMENT_TYPES)
    document, revision = _revision_of(record)
    return _read(model, record, fields, id=document, revision=revision, raw=raw)


def raw_record(document: Document, raw: bytes) -> Record:
    """Returns the record of a revision's raw bytes, compressed."""
    return {"_id": revision_key(document.id, document.revision), "zlib": zlib.compress(raw)}


def raw_of(record: Mapping[str, Any] | None) -> bytes | None:
    """Returns the raw bytes of a record.

    Raises:
        IntegrityError: the bytes were damaged.
    """
    if record is None:
        return None
    try:
        return zlib.decompress(record["zlib"])
    except (KeyError, TypeError, zlib.error) as error:
        raise IntegrityError(f"raw bytes of {record['_id']}: {error}") from error


def cleaned_record(cleaned: CleanedDocument) -> Record:
    """Returns the record of a cleaned text."""
    fields = cleaned.model_dump(exclude={"document_id", "revision"})
    return {"_id": revision_key(cleaned.document_id, cleaned.revision), **_plain(fields)}


def cleaned_of(record: Mapping[str, Any]) -> CleanedDocument:
    """Returns the cleaned text of a record.

    Raises:
        IntegrityError: the record is not one of ours, or was damaged.
    """
    fields = _fields(record)
    model = _model_of(fields, CLEANED_TYPES)
    document, revision = _revision_of(record)
    return _read(model, record, fields, document_id=document, revision=revision)


def user_record(user: UserDocument) -> Record:
    """Returns the record of an author."""
    return {"_id": user.id, "first_name": user.first_name, "last_name": user.last_name}


def user_of(record: Mapping[str, Any]) -> UserDocument:
    """Returns the author of a record.

    Raises:
        IntegrityError: the record is not one of ours, or was damaged.
    """
    return _read(UserDocument, record, _fields(record), id=record["_id"])


def tombstone_record(tombstone: Tombstone) -> tuple[Record, Record]:
    """Returns the key of a tombstone's record, and its other fields."""
    return {"_id": tombstone.id}, _plain(tombstone.model_dump(exclude={"id"}))


def tombstone_of(record: Mapping[str, Any]) -> Tombstone:
    """Returns the tombstone of a record.

    Raises:
        IntegrityError: the record is not one of ours, or was damaged.
    """
    return _read(Tombstone, record, _fields(record), id=record["_id"])


def _plain(fields: Mapping[str, Any]) -> Record:
    return {name: _plain_value(value) for name, value in fields.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, DataCategory) else value


def _fields(record: Mapping[str, Any]) -> Record:
    return {name: value for name, value in record.items() if name != "_id"}


def _revision_of(record: Mapping[str, Any]) -> tuple[object, object]:
    """Returns the document and the revision that a key names."""
    key = record["_id"]
    if not isinstance(key, Mapping) or set(key) != {"document", "revision"}:
        raise IntegrityError(f"stored record {key}: its key is no document and revision")
    return key["document"], key["revision"]


def _model_of(
    fields: Mapping[str, Any], models: Mapping[DataCategory, type[_Model]]
) -> type[_Model]:
    category = fields.get("category")
    for known, model in models.items():
        if known == category:
            return model
    raise IntegrityError(f"stored record of category {category!r} (known: {', '.join(models)})")


def _read(model: type[_Model], record: Mapping[str, Any], fields: Record, **told: Any) -> _Model:
    """Returns the model of a record's fields and of what its key has told."""
    if doubled := next((name for name in told if name in fields), None):
        raise IntegrityError(f"stored record {record['_id']}: {doubled}: it stands in the key")
    return read(model, {**fields, **told}, f"stored record {record['_id']}")


def read(model: type[_Model], fields: Mapping[str, Any], what: str) -> _Model:
    """Returns the model of stored fields.

    Raises:
        IntegrityError: they are not ours, or were damaged; names `what` and the field.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise IntegrityError(f"{what}: {field}: {problem['msg']}") from error
