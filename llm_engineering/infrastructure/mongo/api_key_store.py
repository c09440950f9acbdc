"""ApiKeyStore on MongoDB: the collection `api_keys`, one record a key, without its secret."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from llm_engineering.domain.api_keys import ApiKey
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.infrastructure.mongo.database import MongoDatabase
from llm_engineering.infrastructure.mongo.records import read


class MongoApiKeyStore:
    """API keys in one database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._errors = database.errors
        self._keys = database.collection("api_keys")

    def add(self, key: ApiKey) -> None:
        """Stores a key, unless its id is there already."""
        with self._errors():
            try:
                self._keys.insert_one(
                    {"_id": key.id, **key.model_dump(mode="json", exclude={"id"})}
                )
            except DuplicateKeyError as error:
                raise InvalidInput(f"an API key {key.id} is stored already") from error

    def get(self, key_id: str) -> ApiKey | None:
        """Returns the key with that id."""
        with self._errors():
            record = self._keys.find_one({"_id": key_id})
        return _key(record) if record else None

    def all(self) -> Sequence[ApiKey]:
        """Returns every key, the oldest first."""
        with self._errors():
            keys = [_key(record) for record in self._keys.find()]
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Ends a key; the first end stays."""
        with self._errors():
            self._keys.update_one(
                {"_id": key_id, "revoked_at": None}, {"$set": {"revoked_at": at.isoformat()}}
            )
            return self._keys.count_documents({"_id": key_id}, limit=1) == 1


def _key(record: Mapping[str, Any]) -> ApiKey:
    fields = {name: value for name, value in record.items() if name != "_id"}
    return read(ApiKey, {**fields, "id": record["_id"]}, f"the API key {record['_id']}")
