"""Where API keys are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from llm_engineering.domain.api_keys import ApiKey


class ApiKeyStore(Protocol):
    """API keys by id. A key is never deleted: it is revoked, and what it did stays attributable.

    Every write that returned is on disk. Every method raises StoreUnavailable when the store
    cannot be reached.
    """

    def add(self, key: ApiKey) -> None:
        """Stores a key.

        Raises:
            InvalidInput: its id is there already.
        """
        ...

    def get(self, key_id: str) -> ApiKey | None:
        """Returns the key with that id, revoked or not."""
        ...

    def all(self) -> Sequence[ApiKey]:
        """Returns every key, the oldest first."""
        ...

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Ends a key; returns whether there is one. The first end stays."""
        ...
