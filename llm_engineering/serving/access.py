"""Who asks, and what they may do: the dependency of every route that is not open to all."""

import ipaddress
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Annotated, Protocol

import anyio.to_thread
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from llm_engineering.application.access.keys import key_of_token, meant_as_token
from llm_engineering.application.access.ties import admits, narrowed
from llm_engineering.application.ports.api_keys import ApiKeyStore
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.documents import Document
from llm_engineering.domain.queries import Query, Retrieval, SearchFilters
from llm_engineering.serving.limits import TokenBuckets
from llm_engineering.serving.problems import Refusal

_KNOWN_FOR_S = 5.0  # after that a revoked key is refused
_MOST_KNOWN = 1000
_NO_TIES = SearchFilters()
_bearer = HTTPBearer(auto_error=False, description="A key of `poe api-key create`")


class OpenTo(StrEnum):
    """Who may ask without a key: nobody, programs of this machine, everybody.

    Only programs of this machine may also change documents without one.
    """

    NOBODY = "nobody"
    LOOPBACK = "loopback"
    ALL = "all"


@dataclass(frozen=True)
class Caller:
    """Who asks: the holder of a key, or somebody without one where that is allowed."""

    key: ApiKey | None = None

    @property
    def ties(self) -> SearchFilters:
        """Returns what everything they ask is restricted to."""
        return self.key.ties if self.key else _NO_TIES

    @property
    def tied(self) -> bool:
        """Returns whether there is such a restriction."""
        return bool(self.ties.restricted)

    def narrowed(self, query: Query) -> Query:
        """Returns the query as this caller may ask it.

        Raises:
            Refusal: 403, it asks for something else than the key is tied to.
        """
        filters = narrowed(query.filters, self.ties)
        if filters is None:
            raise Refusal(403, "the filters name nothing that this API key may read")
        return query.model_copy(update={"filters": filters})

    def shown(self, found: Retrieval) -> Retrieval:
        """Returns what was found without names that the question merely hints at.

        They are completed from the catalogue of all authors, which a tied key may not read.
        """
        if not self.tied:
            return found
        filters = found.found_filters.without(("authors",))
        return found.model_copy(update={"found_filters": filters})

    def may_know(self, document: Document) -> bool:
        """Returns whether the caller may know of a document."""
        return admits(self.ties, document)


class KeyRing:
    """Recognises keys; what it recognised it remembers for five seconds.

    `timer` returns seconds. Used on the event loop alone, so nothing is locked.
    """

    def __init__(self, store: ApiKeyStore, timer: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._timer = timer
        self._known: dict[str, tuple[ApiKey | None, float]] = {}

    async def key(self, token: str) -> ApiKey | None:
        """Returns the key of a token, None when it is not valid.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        key, until = self._known.get(token, (None, 0.0))
        if self._timer() < until:
            return key
        key = await anyio.to_thread.run_sync(key_of_token, token, self._store)
        if key:  # guesses are not remembered: they would push out what is known
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[token] = key, self._timer() + _KNOWN_FOR_S
        return key


class Doorkeeper(Protocol):
    """What the entrance needs of a deployment."""

    @property
    def open_to(self) -> OpenTo:
        """Who may ask without a key."""
        ...

    @property
    def keys(self) -> KeyRing | None:
        """Recognises keys; None: there are none."""
        ...

    @property
    def buckets(self) -> TokenBuckets:
        """How often each key may ask."""
        ...


class Entrance:
    """Makes the dependencies of routes: `Depends(entrance.needs(Scope.READ))` gives a Caller.

    `deployment` is asked for at every request, never before.
    """

    def __init__(self, deployment: Callable[[], Doorkeeper]) -> None:
        self._deployment = deployment

    def needs(self, *scopes: Scope) -> Callable[..., Awaitable[Caller]]:
        """Returns the dependency that admits callers with one of the scopes."""

        async def caller(
            request: Request,
            given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
        ) -> Caller:
            return await self.admit(request, given.credentials if given else None, *scopes)

        return caller

    async def admit(self, request: Request, token: str | None, *scopes: Scope) -> Caller:
        """Returns who asks.

        Raises:
            Refusal: 401 without a valid key, 403 without one of the scopes, 429 too often.
            StoreUnavailable: the keys cannot be reached.
        """
        deployment = self._deployment()
        # OpenAI's clients always send something: a placeholder counts as no key
        without = token is None or not meant_as_token(token)
        if without and _is_open(deployment.open_to, request, scopes):
            return Caller()
        if token is None:
            raise Refusal(401, "send `Authorization: Bearer KEY`", _CHALLENGE)
        key = await deployment.keys.key(token) if deployment.keys else None
        if key is None:
            raise Refusal(401, "the API key is not valid", _CHALLENGE)
        if not key.allows(*scopes):
            needed = " or ".join(scope.value for scope in scopes)
            raise Refusal(403, f"the API key has not the scope {needed}")
        deployment.buckets.take(key.id)
        return Caller(key)


_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def _is_open(open_to: OpenTo, request: Request, scopes: Collection[Scope]) -> bool:
    """Returns whether a key is not needed: by programs of this machine, or by all that only read.

    A page on the web may have a browser of this machine ask us under a name of its own (DNS
    rebinding): then Host is not a name of this machine.
    """
    peer = request.client.host if request.client else ""
    local = _is_loopback(peer) and _is_loopback(request.url.hostname or "")
    if open_to is OpenTo.ALL:
        return local or Scope.READ in scopes
    return local and open_to is OpenTo.LOOPBACK


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
