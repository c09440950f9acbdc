"""The server adapter's errors. What it does with a server that answers is in tests/contracts."""

from collections.abc import Callable

import httpx
import pytest
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from llm_engineering.domain.errors import ConfigurationError, InvalidInput, StoreUnavailable
from llm_engineering.infrastructure.qdrant.server import ServerChunkIndex
from llm_engineering.infrastructure.qdrant.server_records import move_alias, server_errors
from tests.builders import make_embedded_chunk, make_embedded_query, make_generation

KEY = "canary-4711"
GENERATION = make_generation()


def unexpected(status: int, reason: str) -> UnexpectedResponse:
    return UnexpectedResponse(status, reason, f"body with {KEY}".encode(), httpx.Headers())


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_setting_and_not_the_key(status: int) -> None:
    with (
        pytest.raises(ConfigurationError, match=f"{status}.*QDRANT_APIKEY") as caught,
        server_errors("https://example.org:6333"),
    ):
        raise unexpected(status, "Forbidden")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("vendor", "ours"),
    [
        (unexpected(404, "Not Found"), InvalidInput),
        (unexpected(500, "Internal Server Error"), StoreUnavailable),
        (unexpected(503, "Service Unavailable"), StoreUnavailable),
        (ResponseHandlingException(httpx.ConnectError("refused\nby peer")), StoreUnavailable),
        (ResponseHandlingException(httpx.ReadTimeout("timed out")), StoreUnavailable),
        (ValueError("Collection x not found"), InvalidInput),
    ],
)
def test_errors_become_ours_in_one_line(vendor: Exception, ours: type[Exception]) -> None:
    with pytest.raises(ours, match=r"qdrant\.example") as caught, server_errors("qdrant.example"):
        raise vendor
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is vendor


@pytest.mark.parametrize(
    "use",
    [
        lambda index: index.ping(),
        lambda index: index.live(),
        lambda index: index.generations(),
        lambda index: index.create(GENERATION),
        lambda index: index.switch(GENERATION),
        lambda index: index.drop(GENERATION),
        lambda index: index.upsert(GENERATION, [make_embedded_chunk()]),
        lambda index: index.delete(GENERATION, [make_embedded_chunk().id]),
        lambda index: index.commit(GENERATION),
        lambda index: index.count(GENERATION),
        lambda index: index.indexed(GENERATION),
        lambda index: list(index.scroll(GENERATION)),
        lambda index: index.search(make_embedded_query(), by="dense", limit=1),
        lambda index: index.chunks([make_embedded_chunk().id]),
    ],
)
def test_a_server_that_is_down_is_never_an_empty_answer(
    use: Callable[[ServerChunkIndex], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("Connection refused")

    monkeypatch.setattr(httpx.Client, "send", refuse)
    index = ServerChunkIndex.connect("http://qdrant.example", 6333, None)
    with pytest.raises(StoreUnavailable, match=r"qdrant\.example.*refused"):
        use(index)
    index.close()


@pytest.mark.parametrize(
    ("place", "key", "uri"),
    [
        ("qdrant", None, "http://qdrant:7000"),
        ("qdrant", KEY, "https://qdrant:7000"),
        ("http://qdrant", None, "http://qdrant:7000"),
        ("https://x.cloud.qdrant.io:6333", KEY, "https://x.cloud.qdrant.io:6333"),
    ],
)
def test_a_host_name_or_a_url_says_where_the_server_is(
    place: str, key: str | None, uri: str
) -> None:
    index = ServerChunkIndex.connect(place, 7000, key)
    assert index._client._client.rest_uri == uri  # type: ignore[attr-defined]
    assert KEY not in repr(vars(index))
    index.close()


@pytest.mark.parametrize(
    "place", ["", "two words", "qdrant:6333", "qdrant/path", "ftp://qdrant", "http://qdrant:port"]
)
def test_what_is_no_host_name_or_url_is_refused(place: str) -> None:
    with pytest.raises(ConfigurationError, match=f"QDRANT_DATABASE_HOST '{place}'"):
        ServerChunkIndex.connect(place)


def test_moving_an_alias_removes_the_old_one_in_the_same_request() -> None:
    first = move_alias("live", "chunks-a-b", exists=False)
    later = move_alias("live", "chunks-a-b", exists=True)
    assert [type(operation).__name__ for operation in first] == ["CreateAliasOperation"]
    assert [type(operation).__name__ for operation in later] == [
        "DeleteAliasOperation",
        "CreateAliasOperation",
    ]
