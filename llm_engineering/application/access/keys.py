"""Making API keys and recognising them."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from hmac import compare_digest

from llm_engineering.application.ports.api_keys import ApiKeyStore
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.queries import SearchFilters

_TOKEN = re.compile(r"llmp_([0-9a-f]{12})_[0-9a-f]{64}")


def make_key(
    name: str,
    scopes: tuple[Scope, ...],
    ties: SearchFilters,
    at: datetime,
    random_bytes: Callable[[int], bytes],
) -> tuple[ApiKey, str]:
    """Returns a new key and its token, which is nowhere else.

    The token has 256 random bits: a plain SHA-256 of it cannot be turned back, slow hashes are for
    passwords.

    Args:
        name: whose it is, for people to read.
        scopes: what it allows.
        ties: restrict whatever is asked with it.
        at: the present time.
        random_bytes: returns so many random bytes, such as `secrets.token_bytes`.
    """
    key_id = random_bytes(6).hex()
    token = f"llmp_{key_id}_{random_bytes(32).hex()}"
    key = ApiKey(
        id=key_id, name=name, digest=_digest(token), scopes=scopes, ties=ties, created_at=at
    )
    return key, token


def meant_as_token(text: str) -> bool:
    """Returns whether it begins as the token of a key does, valid or not."""
    return text.startswith("llmp_")


def key_of_token(token: str, store: ApiKeyStore) -> ApiKey | None:
    """Returns the key of a token; None when there is none, or it was revoked.

    Raises:
        StoreUnavailable: the store cannot be reached.
    """
    form = _TOKEN.fullmatch(token)
    key = store.get(form[1]) if form else None
    if key is None or key.revoked_at is not None:
        return None
    return key if compare_digest(key.digest, _digest(token)) else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
