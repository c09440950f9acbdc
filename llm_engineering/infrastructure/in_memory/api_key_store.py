"""An ApiKeyStore in memory, for unit tests and dry runs."""

from collections.abc import Sequence
from datetime import datetime

from llm_engineering.domain.api_keys import ApiKey
from llm_engineering.domain.errors import InvalidInput


class InMemoryApiKeyStore:
    """Keeps API keys in a dictionary."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        """Stores a key."""
        if key.id in self._keys:
            raise InvalidInput(f"an API key {key.id} is stored already")
        self._keys[key.id] = key

    def get(self, key_id: str) -> ApiKey | None:
        """Returns the key with that id."""
        return self._keys.get(key_id)

    def all(self) -> Sequence[ApiKey]:
        """Returns every key, the oldest first."""
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Ends a key."""
        key = self._keys.get(key_id)
        if key and key.revoked_at is None:
            self._keys[key_id] = key.model_copy(update={"revoked_at": at})
        return key is not None
