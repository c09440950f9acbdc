"""Errors of pymongo, translated once; no message holds more of the URI than its hosts."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.errors import ConfigurationError as MongoConfigurationError

from llm_engineering.domain.errors import ConfigurationError, DocumentError, StoreUnavailable

_REFUSED_CODES = frozenset({13, 18, 8000})  # Unauthorized, AuthenticationFailed, Atlas's own
_TOO_LARGE_CODES = frozenset({10334, 17280, 17419})  # BSONObjectTooLarge, key and update too large
_LONGEST = 200

BAD_URI = (
    "DATABASE_HOST is not a MongoDB URI: mongodb://[user:password@]host[:port]/[?options], with "
    "the special characters of user, password and options percent-encoded"
)


def hosts_of(uri: str) -> str:
    """Returns the hosts of a URI, for messages: without user, password, database and options.

    Raises:
        ConfigurationError: an `@` stands where none may, so that a password could be mistaken for
            a host.
    """
    authority, *rest = re.split("[/?]", uri.partition("://")[2], maxsplit=1)
    if not authority or "@" in "".join(rest):
        raise ConfigurationError(BAD_URI)
    return unquote(authority.rpartition("@")[2])


@contextmanager
def translated(
    hosts: str, url: str | None = None, why_down: Callable[[], str | None] = lambda: None
) -> Iterator[None]:
    """Turns pymongo's errors into ours.

    Args:
        hosts: where the server is, as `hosts_of` tells it.
        url: the document that is being written, if any.
        why_down: asked when the server fails; gives the reason in one line if it knows it.

    Raises:
        DocumentError: the document of `url` is larger than MongoDB takes, or cannot be encoded.
        ConfigurationError: user name or password are refused, or an option of the URI is wrong.
        StoreUnavailable: anything else, most often an unreachable server.
    """
    try:
        yield
    except (DocumentTooLarge, BSONError, UnicodeEncodeError) as error:
        raise _unfit(url, error) from error
    except OperationFailure as error:
        if _codes(error) & _TOO_LARGE_CODES:
            raise _unfit(url, error) from error
        raise _refused_or_down(hosts, error) from error
    except MongoConfigurationError as error:
        raise ConfigurationError(f"MongoDB at {hosts}: {one_line(error)}") from error
    except PyMongoError as error:
        reason = why_down() or one_line(error)
        raise StoreUnavailable(f"MongoDB at {hosts}: {reason}") from error


def _codes(error: OperationFailure) -> set[int | None]:
    """Returns the error's code, or those of the writes that failed of several."""
    details = error.details if isinstance(error, BulkWriteError) else {}
    return {error.code, *(one["code"] for one in (details or {}).get("writeErrors", ()))}


def _unfit(url: str | None, error: Exception) -> DocumentError:
    if isinstance(error, DocumentTooLarge | OperationFailure):
        return DocumentError(url or "document", "larger than the 16 MiB that MongoDB takes")
    return DocumentError(url or "document", f"cannot be stored: {one_line(error)}")


def _refused_or_down(hosts: str, error: OperationFailure) -> ConfigurationError | StoreUnavailable:
    if error.code in _REFUSED_CODES:
        return ConfigurationError(
            f"MongoDB at {hosts}: user name or password of DATABASE_HOST refused, or no right to "
            f"its database ({one_line(error)})"
        )
    if isinstance(error, WTimeoutError):
        return StoreUnavailable(f"MongoDB at {hosts}: no majority of the replica set answers")
    return StoreUnavailable(f"MongoDB at {hosts}: {one_line(error)}")


def one_line(error: Exception) -> str:
    """Returns what a vendor's error says, without its dumps of topology and timeouts."""
    text = " ".join(str(error).split())
    for detail in (", full error:", ", Timeout:", " (configured timeouts:"):
        text = text.partition(detail)[0]
    return text[:_LONGEST]
