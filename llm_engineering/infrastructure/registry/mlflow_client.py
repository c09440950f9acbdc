"""Makes MLflow's client, and puts its errors in our words."""

import logging
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llm_engineering.domain.errors import InvalidInput, StoreUnavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient

# MLflow has no arguments for these. By default it asks a dead server for minutes, sends usage
# data, and draws progress bars. What the user has set stays.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_CHATTY = ("alembic.runtime.migration", "mlflow.store.db.utils", "mlflow.tracking.client")
_OUR_FAULT = frozenset(
    {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"}
)


def make_client(uri: str) -> "MlflowClient":
    """Returns a client of that tracking server and registry; MLflow's global state stays.

    Raises:
        StoreUnavailable: the database cannot be opened.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # noqa: PLC0415 - seconds to import

    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    with translated(uri):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Raises MLflow's errors in the block as ours, without the password that a URI may hold.

    Raises:
        InvalidInput: MLflow refused a value, or does not know it.
        StoreUnavailable: anything else: it cannot be reached, or failed.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - seconds to import
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - MLflow lets some of these through

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = _public(_reason(error))[:300]
        refused = isinstance(error, MlflowException) and error.error_code in _OUR_FAULT
        ours = (
            InvalidInput(f"MLflow: {reason}")
            if refused
            else StoreUnavailable(f"MLflow at {_public(uri)}: {reason}")
        )
        raise ours from (None if "@" in uri else error)  # its message would show the password


def _reason(error: BaseException) -> str:
    """Returns one line; of a connection that failed, only why."""
    root = error
    while (cause := root.__cause__ or root.__context__) is not None:
        root = cause
    if isinstance(root, ConnectionError | socket.gaierror) and root.strerror:
        return f"no connection ({root.strerror})"
    return " ".join(str(error).split())


def _public(text: str) -> str:
    """Returns the text without user names and passwords in its URLs."""
    return re.sub(r"//[^/@\s]*@", "//", text)
