"""`/readyz`: every part by name, and no store asked more often than once a second."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.serving.readiness import Check, Readiness
from tests.unit.serving.oracle import client


def works() -> None:
    """Finds nothing wrong."""


def down() -> None:
    raise StoreUnavailable("no answer from secret-host:27017")


def rests() -> str:
    return "failed the last times: openai:gpt-4o-mini"


def test_a_service_whose_parts_work_is_ready() -> None:
    told = client(checks=(Check("mongo", works), Check("qdrant", works))).get("/readyz")
    assert told.status_code == 200
    assert told.json()["ready"] is True
    assert [part["name"] for part in told.json()["parts"]] == ["mongo", "qdrant"]
    assert all(part["ok"] and part["detail"] is None for part in told.json()["parts"])


def test_a_part_that_is_down_is_named_and_its_reason_stays_inside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        told = client(checks=(Check("mongo", works), Check("qdrant", down))).get("/readyz")
    assert told.status_code == 503
    assert told.json()["ready"] is False
    mongo, qdrant = told.json()["parts"]
    assert (mongo["ok"], qdrant["ok"], qdrant["detail"]) == (True, False, "out of reach")
    assert "secret-host" not in told.text
    assert "qdrant is not ready: StoreUnavailable: no answer from secret-host" in caplog.text


def test_a_part_that_can_be_done_without_is_told_of_and_no_more() -> None:
    checks = (Check("mongo", works), Check("chat model", rests, fatal=False))
    told = client(checks=checks).get("/readyz")
    assert told.status_code == 200
    provider = told.json()["parts"][1]
    assert (provider["ok"], provider["fatal"], provider["detail"]) == (False, False, rests())


def test_no_key_is_needed() -> None:
    assert client(open_to="nobody").get("/readyz").status_code == 200


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    held = threading.Event()
    yield held
    held.set()


def test_a_part_that_hangs_is_not_waited_for(gate: threading.Event) -> None:
    def hangs() -> None:
        gate.wait(30)

    readiness = Readiness((Check("mongo", hangs), Check("qdrant", works)), patience_s=0.05)
    mongo, qdrant = asyncio.run(readiness.report()).parts
    assert mongo.detail == "no answer within 0.05 s"
    assert qdrant.ok


def test_however_many_ask_a_part_is_asked_once_a_second() -> None:
    asked = 0
    now = 0.0

    def counts() -> None:
        nonlocal asked
        asked += 1

    async def ask_often() -> None:
        nonlocal now
        readiness = Readiness((Check("mongo", counts),), timer=lambda: now)
        await asyncio.gather(*(readiness.report() for _ in range(5)))
        assert asked == 1
        now = 1.0
        await readiness.report()
        assert asked == 2

    asyncio.run(ask_often())
