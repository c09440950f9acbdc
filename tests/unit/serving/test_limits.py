import pytest

from llm_engineering.serving.limits import TokenBuckets, Turnstile
from llm_engineering.serving.problems import Refusal


def retry_after(refused: pytest.ExceptionInfo[Refusal]) -> int:
    assert refused.value.status_code == 429
    assert refused.value.headers
    return int(refused.value.headers["Retry-After"])


def test_a_turnstile_admits_so_many_and_takes_places_back() -> None:
    turnstile = Turnstile(2)
    turnstile.enter()
    turnstile.enter()
    with pytest.raises(Refusal) as refused:
        turnstile.enter()
    assert retry_after(refused) >= 1
    turnstile.leave()
    turnstile.enter()


def test_a_bucket_empties_and_fills_up_again_and_says_when() -> None:
    now = 100.0
    buckets = TokenBuckets(6, lambda: now)  # one every ten seconds
    for _ in range(6):
        buckets.take("ada")
    with pytest.raises(Refusal) as refused:
        buckets.take("ada")
    assert retry_after(refused) == 10
    now += 9
    with pytest.raises(Refusal) as refused:
        buckets.take("ada")
    assert retry_after(refused) == 1
    now += 1
    buckets.take("ada")
    with pytest.raises(Refusal):
        buckets.take("ada")


def test_each_key_has_its_own_bucket_which_never_overflows() -> None:
    now = 0.0
    buckets = TokenBuckets(1, lambda: now)
    buckets.take("ada")
    buckets.take("grace")
    now += 3600
    buckets.take("ada")
    with pytest.raises(Refusal):
        buckets.take("ada")


def test_no_limit_is_no_bucket() -> None:
    buckets = TokenBuckets(0)
    for _ in range(1000):
        buckets.take("ada")
