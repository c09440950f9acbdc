"""What every ApiKeyStore does: the stand-in and MongoDB, word for word the same."""

from datetime import UTC, datetime, timedelta

import pytest

from llm_engineering.application.ports.api_keys import ApiKeyStore
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore

MADE = datetime(2026, 3, 4, 5, 6, 7, 891_011, tzinfo=UTC)


@pytest.fixture(params=["in_memory", "mongo"])
def store(request: pytest.FixtureRequest) -> ApiKeyStore:
    if request.param == "in_memory":
        return InMemoryApiKeyStore()
    mongo: ApiKeyStore = request.getfixturevalue("api_key_store")
    return mongo


def key(number: int = 1, **fields: object) -> ApiKey:
    return ApiKey.model_validate(
        {
            "id": f"{number:012x}",
            "name": "wiki-bot 潮汐",
            "digest": "d" * 64,
            "scopes": (Scope.READ, Scope.INGEST),
            "ties": SearchFilters(
                authors=("Ada Lovelace",), categories=(DataCategory.POSTS,), platforms=("github",)
            ),
            "created_at": MADE,
            **fields,
        }
    )


def test_what_was_added_comes_back_exactly(store: ApiKeyStore) -> None:
    store.add(key())
    assert store.get(key().id) == key()


def test_there_is_nothing_at_first(store: ApiKeyStore) -> None:
    assert store.get("0" * 12) is None
    assert list(store.all()) == []
    assert not store.revoke("0" * 12, MADE)


def test_an_id_is_taken_once(store: ApiKeyStore) -> None:
    store.add(key())
    with pytest.raises(InvalidInput, match=key().id):
        store.add(key(name="another"))
    assert store.get(key().id) == key()


def test_keys_are_listed_the_oldest_first_revoked_ones_too(store: ApiKeyStore) -> None:
    for number, hours in ((1, 3), (2, 1), (3, 2)):
        store.add(key(number, created_at=MADE + timedelta(hours=hours)))
    store.revoke(key(2).id, MADE)
    assert [one.id for one in store.all()] == [key(2).id, key(3).id, key(1).id]


def test_the_first_end_of_a_key_stays(store: ApiKeyStore) -> None:
    store.add(key(1))
    store.add(key(2))
    assert store.revoke(key(1).id, MADE + timedelta(days=1))
    assert store.revoke(key(1).id, MADE + timedelta(days=2))
    ended = store.get(key(1).id)
    assert ended == key(1, revoked_at=MADE + timedelta(days=1))
    assert store.get(key(2).id) == key(2)
