"""A password never shows: not in our messages, not in what they were raised from."""

import traceback

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from llm_engineering.domain.errors import (
    ConfigurationError,
    DocumentError,
    PipelineError,
    StoreUnavailable,
)
from llm_engineering.infrastructure.mongo.errors import hosts_of, translated
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore

SECRET = "canary7391"  # noqa: S105 - it guards nothing

WRONG_URIS = [
    f"mongodb://reader:{SECRET}",
    f"mongodb://reader:{SECRET}@",
    f"mongodb://reader:{SECRET}@@host/",
    f"mongodb://reader:{SECRET}/x@host/",
    f"mongodb://reader:1/{SECRET}@host/",
    f"mongodb://reader:{SECRET}?x@host/",
    f"mongodb://reader:%zz{SECRET}@host/",
    f"mongodb://reader:{SECRET}@host:notaport/",
    f"mongodb://reader:{SECRET}@host:99999/",
    f"mongodb://reader:{SECRET}@one,two/?directConnection=true",
    f"mongo://reader:{SECRET}@host/",
    f"mongodb:/reader:{SECRET}@host/",
    SECRET,
]


@pytest.mark.parametrize("uri", WRONG_URIS)
def test_a_wrong_uri_is_refused_without_its_password(uri: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        MongoDocumentStore.connect(uri, "pages", timeout_s=0.2)
    assert SECRET not in "".join(traceback.format_exception(caught.value, chain=True))
    assert "DATABASE_HOST" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unreachable_server_is_told_by_its_hosts_alone() -> None:
    uri = f"mongodb://reader:{SECRET}@%2Fnowhere%2Fmongo.sock/?appName=x"
    with pytest.raises(StoreUnavailable) as caught:
        MongoDocumentStore.connect(uri, "pages", timeout_s=0.2)
    told = "".join(traceback.format_exception(caught.value, chain=True))
    assert SECRET not in told
    assert "/nowhere/mongo.sock" in str(caught.value)
    assert "Topology" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "hosts"),
    [
        ("mongodb://localhost", "localhost"),
        ("mongodb://u:p%40ss@a.example:27017,b.example/db?w=1", "a.example:27017,b.example"),
        ("mongodb://host?directConnection=true", "host"),
        ("mongodb+srv://u:p@cluster.example.net/", "cluster.example.net"),
        ("mongodb://%2Frun%2Fmongo.sock/", "/run/mongo.sock"),
        ("mongodb://u:p@[::1]:27017/", "[::1]:27017"),
    ],
)
def test_hosts_are_told_without_the_rest(uri: str, hosts: str) -> None:
    assert hosts_of(uri) == hosts


@pytest.mark.parametrize(
    ("vendor", "ours", "told"),
    [
        (ServerSelectionTimeoutError("refused, Timeout: 5s"), StoreUnavailable, "db1: refused"),
        (AutoReconnect("connection closed"), StoreUnavailable, "connection closed"),
        (AutoReconnect("refused (configured timeouts: 5s)"), StoreUnavailable, "db1: refused"),
        (OperationFailure("Authentication failed.", 18), ConfigurationError, "password"),
        (OperationFailure("not authorized on pages", 13), ConfigurationError, "no right"),
        (OperationFailure("no space left", 14031), StoreUnavailable, "no space left"),
        (OperationFailure("BSONObjectTooLarge", 10334), DocumentError, "https://a/: larger than"),
        (BulkWriteError({"writeErrors": [{"code": 10334}]}), DocumentError, "https://a/: larger"),
        (BulkWriteError({"writeErrors": [{"code": 11000}]}), StoreUnavailable, "batch op"),
        (DocumentTooLarge("17 MB"), DocumentError, "https://a/: larger than the 16 MiB"),
        (InvalidDocument("cannot encode"), DocumentError, "cannot encode"),
        (WTimeoutError("waiting", 64), StoreUnavailable, "majority"),
        (PyMongoError("two\nlines"), StoreUnavailable, "two lines"),
    ],
)
def test_every_error_of_the_driver_becomes_one_of_ours(
    vendor: Exception, ours: type[PipelineError], told: str
) -> None:
    with pytest.raises(ours, match=told) as caught, translated("db1", "https://a/"):
        raise vendor
    assert caught.value.__cause__ is vendor
    assert caught.value.transient is (ours is StoreUnavailable)


def test_who_runs_the_server_may_know_why_it_is_down() -> None:
    with (
        pytest.raises(StoreUnavailable, match=r"^MongoDB at db1: the disk is full$"),
        translated("db1", why_down=lambda: "the disk is full"),
    ):
        raise AutoReconnect("connection closed")


def test_what_is_not_the_driver_s_passes() -> None:
    with pytest.raises(KeyError), translated("db1"):
        raise KeyError("ours")
