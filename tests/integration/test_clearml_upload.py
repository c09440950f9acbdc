"""One task a release on a server: told as it happens, and uploaded from what was offline."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError, StoreUnavailable
from tests.clearml_server import ClearMLServer, clearml_server
from tests.integration.test_tracked_questions import iterations_in, questions_of, tracker_of
from tests.unit.application.tracking.serving import RELEASE, served

NAME = f"questions to release {RELEASE.id}"


@pytest.fixture
def server() -> Iterator[ClearMLServer]:
    with clearml_server() as running:
        yield running


def ask(folder: Path, api_host: str | None, count: int) -> None:
    """Asks some questions of a service, which then ends."""
    with questions_of(tracker_of(folder, api_host, patience_s=120)) as questions:
        for n in range(count):
            questions.served(served(f"request-{n}"))


def test_a_release_is_one_task_online_and_offline(tmp_path: Path, server: ClearMLServer) -> None:
    ask(tmp_path, None, 2)
    ask(tmp_path, None, 3)
    uploads = tracker_of(tmp_path, server.url)
    first, second = uploads.waiting()
    page = uploads.upload(first)
    server.refuses = True
    with pytest.raises(StoreUnavailable, match=f"did not take {second}"):
        uploads.upload(second)
    assert uploads.waiting() == [second], "what a server does not take stays"
    server.refuses = False
    assert uploads.upload(second) == page
    ask(tmp_path, server.url, 2)
    ((task, known),) = server.tasks.items()
    assert task in page
    assert (known["name"], known["status"]) == (NAME, "completed")
    assert {event["task"] for event in server.events} == {task}
    assert iterations_in(server.events) == [1, 2, 3, 4, 5, 6, 7]
    assert server.points(task, "window: counts", "questions") == [2, 5, 7]
    assert uploads.waiting() == []


def test_without_a_server_nothing_is_uploaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CLEARML_API_HOST is not set"):
        tracker_of(tmp_path).upload("any.zip")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        tracker_of(tmp_path, "http://127.0.0.1:9").upload("any.zip")
