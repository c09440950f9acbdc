"""Laws of the limits, over made-up clocks and crowds."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.application.access.keys import make_key
from llm_engineering.domain.api_keys import ApiKey, Scope
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.serving import access, limits
from llm_engineering.serving.access import KeyRing
from llm_engineering.serving.limits import TokenBuckets, Turnstile
from llm_engineering.serving.problems import Refusal

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(buckets: TokenBuckets, key: str = "ada") -> int:
    """Returns the seconds to wait, 0 if the request is admitted."""
    try:
        buckets.take(key)
    except Refusal as refusal:
        assert refusal.status_code == 429
        assert refusal.headers is not None
        return int(refusal.headers["Retry-After"])
    return 0


# --- token buckets


@given(st.integers(1, 120), st.lists(st.floats(0.0, 30.0), max_size=60))
def test_in_any_time_no_more_is_admitted_than_agreed(per_minute: int, pauses: list[float]) -> None:
    clock = Clock()
    buckets = TokenBuckets(per_minute, clock)
    began, count = clock.now, 0
    for pause in pauses:
        clock.now += pause
        count += admitted(buckets) == 0
        assert count <= per_minute * (1 + (clock.now - began) / 60) + 1e-6


@given(st.integers(1, 120), st.lists(st.floats(0.0, 5.0), max_size=40))
def test_who_waits_as_told_is_admitted(per_minute: int, pauses: list[float]) -> None:
    clock = Clock()
    buckets = TokenBuckets(per_minute, clock)
    for pause in pauses:
        clock.now += pause
        wait = admitted(buckets)
        if wait:
            assert 1 <= wait <= 60
            clock.now += wait
            assert admitted(buckets) == 0


@pytest.mark.parametrize("per_minute", [1, 2, 7, 60, 600])
def test_a_full_bucket_is_a_minutes_worth(per_minute: int) -> None:
    clock = Clock()
    buckets = TokenBuckets(per_minute, clock)
    assert [admitted(buckets) for _ in range(per_minute)] == [0] * per_minute
    assert admitted(buckets) == -(-60 // per_minute)
    clock.now += 86_400.0
    assert sum(admitted(buckets) == 0 for _ in range(2 * per_minute)) == per_minute


def test_a_refusal_takes_nothing_out() -> None:
    clock = Clock()
    buckets = TokenBuckets(1, clock)
    assert admitted(buckets) == 0
    for _ in range(100):
        assert admitted(buckets) == 60
    clock.now += 60.0
    assert admitted(buckets) == 0


def test_very_many_keys_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_FORGET_AFTER", 10)
    buckets = TokenBuckets(1, Clock())
    for n in range(95):
        assert admitted(buckets, f"key-{n}") == 0
    assert len(buckets._buckets) <= 10


# --- the turnstile


@pytest.mark.parametrize("places", [1, 4])
def test_of_a_crowd_so_many_are_let_in(places: int) -> None:
    turnstile, together = Turnstile(places), Barrier(16)
    inside, most, lock = 0, 0, Lock()

    def enter(_: int) -> bool:
        nonlocal inside, most
        together.wait(10)
        try:
            turnstile.enter()
        except Refusal:
            return False
        with lock:
            inside += 1
            most = max(most, inside)
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(enter, range(16))) == places
    assert most == places
    for _ in range(places):
        turnstile.leave()
    for _ in range(places):
        turnstile.enter()
    with pytest.raises(Refusal):
        turnstile.enter()


# --- the key ring


class CountingStore(InMemoryApiKeyStore):
    """Counts how often it is asked; fails when `down`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.down = False

    def get(self, key_id: str) -> ApiKey | None:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("mongo is down")
        return super().get(key_id)


def new_key(store: InMemoryApiKeyStore) -> str:
    key, token = make_key("test", (Scope.READ,), SearchFilters(), NOW, secrets.token_bytes)
    store.add(key)
    return token


def test_a_key_is_looked_up_once_in_five_seconds() -> None:
    store, clock = CountingStore(), Clock()
    ring, token = KeyRing(store, clock), new_key(store)

    async def ask() -> None:
        for seconds, asked in ((0.0, 1), (4.9, 1), (0.2, 2), (4.9, 2)):
            clock.now += seconds
            assert await ring.key(token) is not None
            assert store.asked == asked

    asyncio.run(ask())


def test_guesses_are_not_remembered() -> None:
    store, clock = CountingStore(), Clock()
    ring, token = KeyRing(store, clock), new_key(store)
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")

    async def guess() -> None:
        assert await ring.key(token) is not None
        for n in range(1, 21):
            assert await ring.key(wrong) is None
            assert store.asked == 1 + n
        assert await ring.key(token) is not None
        assert store.asked == 21, "the guesses pushed nobody out"

    asyncio.run(guess())


def test_an_outage_is_no_wrong_key_and_known_keys_go_on_for_a_while() -> None:
    store, clock = CountingStore(), Clock()
    ring, known, other = KeyRing(store, clock), new_key(store), new_key(store)

    async def ask() -> None:
        assert await ring.key(known) is not None
        store.down = True
        assert await ring.key(known) is not None
        with pytest.raises(StoreUnavailable):
            await ring.key(other)
        clock.now += 6.0
        with pytest.raises(StoreUnavailable):
            await ring.key(known)
        store.down = False
        assert await ring.key(other) is not None

    asyncio.run(ask())


def test_very_many_keys_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_MOST_KNOWN", 3)
    store = CountingStore()
    ring, tokens = KeyRing(store, Clock()), [new_key(store) for _ in range(8)]

    async def ask() -> None:
        for token in tokens:
            assert await ring.key(token) is not None
            assert len(ring._known) <= 3

    asyncio.run(ask())
