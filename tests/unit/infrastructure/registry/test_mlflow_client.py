"""MLflow's errors in our words. Its exceptions are played: the real ones take seconds to import."""

import socket
import sys
import traceback
from types import ModuleType

import pytest
from sqlalchemy.exc import OperationalError

from llm_engineering.domain.errors import InvalidInput, PipelineError, StoreUnavailable
from llm_engineering.infrastructure.registry.mlflow_client import make_client, translated

URI = "https://mlflow.example"
LOGIN = "//ada:made-up-5@"


class MlflowException(Exception):
    """As MLflow's: a message, and the name of a code."""

    def __init__(self, message: str, error_code: str = "INTERNAL_ERROR") -> None:
        super().__init__(message)
        self.error_code = error_code


@pytest.fixture(autouse=True)
def _mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    package, exceptions = ModuleType("mlflow"), ModuleType("mlflow.exceptions")
    exceptions.MlflowException = MlflowException  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", exceptions)


def ours(error: Exception, uri: str = URI) -> PipelineError:
    with pytest.raises(PipelineError) as caught, translated(uri):
        raise error
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("INVALID_PARAMETER_VALUE", True),
        ("RESOURCE_DOES_NOT_EXIST", True),
        ("RESOURCE_ALREADY_EXISTS", True),
        ("INTERNAL_ERROR", False),
        ("TEMPORARILY_UNAVAILABLE", False),
        ("PERMISSION_DENIED", False),
        ("", False),
    ],
)
def test_what_mlflow_refuses_is_told_from_what_it_cannot_do(code: str, refused: bool) -> None:
    error = ours(MlflowException("no run\nof that id", code))
    assert isinstance(error, InvalidInput if refused else StoreUnavailable)
    assert "no run of that id" in str(error)
    assert error.transient is not refused
    assert (URI in str(error)) is not refused


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT 1", {}, Exception("database is locked")),
        OSError(28, "No space left on device"),
        TimeoutError("timed out"),
    ],
)
def test_the_database_and_the_disk_are_outages(error: Exception) -> None:
    found = ours(error)
    assert isinstance(found, StoreUnavailable)
    assert str(found).startswith(f"MLflow at {URI}: ")


@pytest.mark.parametrize(
    ("root", "told"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "no connection (Connection refused)"),
        (socket.gaierror(-2, "Name or service not known"), "no connection (Name or service not"),
        (ValueError("an odd cause"), "API request failed"),
    ],
)
def test_of_a_connection_that_failed_only_the_reason_is_told(root: Exception, told: str) -> None:
    """MLflow wraps urllib3's errors several times, each with a page of text."""
    middle = OSError("HTTPSConnectionPool(host='mlflow.example'): Max retries exceeded")
    middle.__cause__ = root
    error = MlflowException("API request failed")
    error.__context__ = middle
    assert f"MLflow at {URI}: {told}" in str(ours(error))


def test_a_long_message_is_cut() -> None:
    assert len(str(ours(MlflowException("x" * 5_000)))) < 400


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "INVALID_PARAMETER_VALUE"])
def test_a_password_shows_neither_in_our_message_nor_in_what_it_was_raised_from(code: str) -> None:
    uri = f"postgresql:{LOGIN}db.example/mlflow"
    error = ours(MlflowException(f"cannot open {uri} (see {uri})", code), uri)
    shown = "".join(traceback.format_exception(error, chain=True))
    assert "made-up-5" not in str(error)
    assert "made-up-5" not in shown.replace(repr(uri), "")
    assert "db.example/mlflow" in str(error)
    assert error.__cause__ is None


def test_without_a_password_the_cause_is_kept() -> None:
    vendor = MlflowException("odd")
    assert ours(vendor).__cause__ is vendor


def test_other_errors_and_ours_pass_as_they_are() -> None:
    for error in (KeyError("mine"), InvalidInput("said already")):
        with pytest.raises(type(error)) as caught, translated(URI):
            raise error
        assert caught.value is error


def test_a_client_is_of_that_server_alone_and_the_user_s_settings_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[dict[str, str]] = []

    def client(**uris: str) -> str:
        made.append(uris)
        return "client"

    monkeypatch.setattr("mlflow.MlflowClient", client, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    ours = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    for name in ours:
        monkeypatch.setenv(name, "of before")  # so that the test leaves it as it was
        monkeypatch.delenv(name)
    import os

    assert str(make_client(URI)) == "client"
    assert made == [{"tracking_uri": URI, "registry_uri": URI}]
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
    assert {name: os.environ[name] for name in ours} == ours


def test_a_client_that_cannot_be_made_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: str) -> None:
        raise OperationalError("PRAGMA", {}, Exception("unable to open database file"))

    monkeypatch.setattr("mlflow.MlflowClient", refuse, raising=False)
    with pytest.raises(StoreUnavailable, match="unable to open database file"):
        make_client("sqlite:////nowhere/mlflow.db")
