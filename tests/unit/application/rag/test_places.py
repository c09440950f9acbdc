"""Who gets a place, and when."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_engineering.application.rag.places import Places


def wait_until_waiting(places: Places, count: int) -> None:
    for _ in range(1000):
        if len(places._waiting) == count:
            return
        time.sleep(0.005)
    raise AssertionError(f"{len(places._waiting)} wait, not {count}")


def test_there_are_so_many_places() -> None:
    places = Places(2)
    assert [places.take(0.0) for _ in range(3)] == [True, True, False]


def test_a_place_that_was_given_back_is_taken_again() -> None:
    places = Places(1)
    for _ in range(3):
        assert places.take(0.0)
        places.give_back()
    assert places.take(0.0)


def test_who_waits_longest_comes_first_and_nobody_overtakes() -> None:
    places, came = Places(1), []
    assert places.take(0.0)

    def wait(name: str) -> None:
        assert places.take(10.0)
        came.append(name)
        places.give_back()

    with ThreadPoolExecutor(4) as pool:
        for waiting, name in enumerate("abcd", start=1):
            pool.submit(wait, name)
            wait_until_waiting(places, waiting)
        places.give_back()
        assert not places.take(0.0) or len(came) == 4  # nor a newcomer
    assert came == list("abcd")


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_who_gives_up_waiting_is_not_waited_for(seconds: float) -> None:
    places = Places(1)
    assert places.take(0.0)
    assert not places.take(seconds)
    places.give_back()
    assert places.take(0.0)


def test_no_place_is_lost_and_none_is_there_twice_whoever_gives_up() -> None:
    places, inside, most = Places(3), 0, 0
    counting = threading.Lock()

    def use(number: int) -> None:
        nonlocal inside, most
        if places.take(0.0005 * (number % 7)):
            with counting:
                inside += 1
                most = max(most, inside)
            time.sleep(0.0002 * (number % 5))
            with counting:
                inside -= 1
            places.give_back()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(use, range(2000)))
    assert most <= 3
    assert [places.take(0.0) for _ in range(4)] == [True, True, True, False]
