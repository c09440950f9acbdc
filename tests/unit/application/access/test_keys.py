import secrets
from datetime import UTC, datetime

import pytest

from llm_engineering.application.access.keys import key_of_token, make_key, meant_as_token
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TIES = SearchFilters(authors=("Ada Lovelace",))


def made() -> tuple[InMemoryApiKeyStore, ApiKey, str]:
    store = InMemoryApiKeyStore()
    key, token = make_key("ada", (Scope.READ,), TIES, NOW, secrets.token_bytes)
    store.add(key)
    return store, key, token


def test_a_token_is_recognised_as_its_key() -> None:
    store, key, token = made()
    assert key_of_token(token, store) == key
    assert (key.name, key.scopes, key.ties, key.created_at) == ("ada", (Scope.READ,), TIES, NOW)


def test_neither_the_token_nor_its_secret_is_stored() -> None:
    _, key, token = made()
    assert token.rpartition("_")[2] not in key.model_dump_json()


def test_two_tokens_share_nothing() -> None:
    (_, first, one), (_, second, two) = made(), made()
    assert first.id != second.id
    assert one.rpartition("_")[2] != two.rpartition("_")[2]


def test_a_token_with_one_digit_changed_is_none() -> None:
    store, _, token = made()
    assert key_of_token(token[:-1] + ("0" if token[-1] != "0" else "1"), store) is None


def test_the_secret_of_another_key_opens_nothing() -> None:
    store, first, _ = made()
    other, token = make_key("eve", (Scope.ADMIN,), TIES, NOW, secrets.token_bytes)
    store.add(other)
    forged = f"llmp_{first.id}_{token.rpartition('_')[2]}"
    assert key_of_token(forged, store) is None


def test_a_revoked_key_is_none() -> None:
    store, key, token = made()
    store.revoke(key.id, NOW)
    assert key_of_token(token, store) is None


@pytest.mark.parametrize("token", ["", "llmp_", "x" * 100_000, "llmp_zz_00", "llmp_\ud800"])
def test_what_has_not_the_form_is_none(token: str) -> None:
    store, _, _ = made()
    assert key_of_token(token, store) is None


def test_admin_stands_for_every_scope_and_read_for_itself() -> None:
    _, key, _ = made()
    assert key.allows(Scope.READ)
    assert not key.allows(Scope.INGEST, Scope.ADMIN)
    assert key.model_copy(update={"scopes": (Scope.ADMIN,)}).allows(Scope.INGEST)


def test_a_mistyped_token_is_told_from_a_placeholder() -> None:
    _, _, token = made()
    assert meant_as_token(token)
    assert meant_as_token(token[:-1])
    assert not any(map(meant_as_token, ("unused", "EMPTY", "sk-123", "")))
