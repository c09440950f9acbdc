"""Who may ask: API keys, what each allows, and what it is tied to."""

from enum import StrEnum

from pydantic import AwareDatetime, Field

from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import Frozen


class Scope(StrEnum):
    """What a key allows: to ask, to change documents, everything."""

    READ = "read"
    INGEST = "ingest"
    ADMIN = "admin"


class ApiKey(Frozen):
    """A key as it is stored: its secret is known by a SHA-256 alone, which does not tell it.

    `ties` restrict whatever is asked with it (authors, platforms, categories). `revoked_at` is
    None while it holds.
    """

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    name: str = Field(min_length=1, max_length=100)
    digest: str
    scopes: tuple[Scope, ...] = Field(min_length=1)
    ties: SearchFilters = SearchFilters()
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None = None

    def allows(self, *scopes: Scope) -> bool:
        """Returns whether the key has one of the scopes; `admin` stands for all of them."""
        return Scope.ADMIN in self.scopes or any(scope in self.scopes for scope in scopes)
