"""One database of a MongoDB server: its collections, and its errors in our words."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Self

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import ConfigurationError as MongoConfigurationError
from pymongo.errors import InvalidURI

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.mongo.errors import BAD_URI, hosts_of, one_line, translated
from llm_engineering.infrastructure.mongo.records import Record

_ANSWER_MS = 60_000  # the longest wait for one answer; a server that hangs is an outage
_MAJORITY_MS = 30_000


class MongoDatabase:
    """A database that is reachable. Use `connect`."""

    def __init__(
        self,
        client: MongoClient[Record],
        name: str,
        hosts: str,
        why_down: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._client = client
        self._name = name
        self._hosts = hosts
        self._why_down = why_down

    @classmethod
    def connect(
        cls,
        uri: str,
        name: str,
        timeout_s: float = 5.0,
        why_down: Callable[[], str | None] = lambda: None,
    ) -> Self:
        """Returns the database `name`; arguments and errors as `MongoDocumentStore.connect`."""
        database = cls(open_client(uri, timeout_s), name, hosts_of(uri), why_down)
        try:
            with database.errors():
                database._client.admin.command("ping")
        except BaseException:
            database.close()
            raise
        return database

    def collection(self, name: str) -> Collection[Record]:
        """Returns a collection; it is made when something is written to it."""
        return self._client[self._name][name]

    def errors(self, url: str | None = None) -> AbstractContextManager[None]:
        """Returns a block in which pymongo's errors become ours; `url` is what is written."""
        return translated(self._hosts, url, self._why_down)

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()


def open_client(uri: str, timeout_s: float) -> MongoClient[Record]:
    """Returns a client that has not connected yet; its writes wait for the majority's journal.

    Raises:
        ConfigurationError: the URI is wrong.
    """
    wait_ms = int(timeout_s * 1000)
    try:
        return MongoClient(
            uri,
            uuidRepresentation="standard",
            tz_aware=True,
            w="majority",
            journal=True,
            wTimeoutMS=_MAJORITY_MS,
            serverSelectionTimeoutMS=wait_ms,
            connectTimeoutMS=wait_ms,
            socketTimeoutMS=_ANSWER_MS,
        )
    except InvalidURI:  # its message may quote a part of the password
        raise ConfigurationError(BAD_URI) from None
    except (MongoConfigurationError, ValueError, TypeError) as error:
        raise ConfigurationError(f"DATABASE_HOST: {one_line(error)}") from None
