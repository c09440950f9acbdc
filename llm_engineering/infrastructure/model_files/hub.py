"""The first source of every model: its repository on the Hugging Face hub."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.model_files.entries import ModelEntry

# weights that cannot carry code, and the text that goes with them
SAFE_FILES = ("*.safetensors", "*.json", "*.txt", "*.jinja", "tokenizer.model")


class Hub:
    """Downloads files from the hub into a folder of ours, resuming what was begun.

    Args:
        token: for gated and private repositories.
        endpoint: another hub than HF_ENDPOINT's.
        patience_s: how long the hub may take to answer at all before another source is tried.
    """

    def __init__(
        self, token: str | None, endpoint: str | None = None, patience_s: float = 3.0
    ) -> None:
        self._token = token
        self._endpoint = endpoint
        self._patience_s = patience_s

    def fetch(self, entry: ModelEntry, folder: Path, advance: Callable[[int], None]) -> None:
        """Puts the entry's files into the folder; `advance` hears how many more bytes came.

        Raises:
            ModelError: the hub is offline, or does not have them.
        """
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - slow to import

        with _translated(entry.repository):
            self._require_answer()
            for file in entry.files:
                hf_hub_download(
                    entry.repository,
                    file.path,
                    local_dir=folder,
                    token=self._token or False,
                    etag_timeout=self._patience_s,
                    endpoint=self._endpoint,
                    tqdm_class=_bar(advance),
                )
        _forget_downloads(folder)

    def fetch_repository(self, repository: str, folder: Path) -> None:
        """Puts a repository's weights (safetensors only), settings and tokenizer into the folder.

        Raises:
            ConfigurationError: there is no such repository, or the token may not read it.
            ModelError: the hub is offline.
        """
        from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import

        with _translated(repository):
            self._require_answer()
            snapshot_download(
                repository,
                local_dir=folder,
                token=self._token or False,
                etag_timeout=self._patience_s,
                endpoint=self._endpoint,
                allow_patterns=list(SAFE_FILES),
                tqdm_class=_bar(lambda _: None),
            )
        _forget_downloads(folder)
        if not any(folder.rglob("*.safetensors")):
            raise ConfigurationError(f"{repository}: the hub has no safetensors weights of it")

    def _require_answer(self) -> None:
        from huggingface_hub import constants  # noqa: PLC0415 - slow to import

        if constants.HF_HUB_OFFLINE:
            raise ModelError("HF_HUB_OFFLINE is set", transient=True)
        endpoint = self._endpoint or constants.ENDPOINT
        if not _answers(endpoint, self._patience_s):
            raise ModelError(
                f"{endpoint} does not answer within {self._patience_s:g} s", transient=True
            )


def _answers(endpoint: str, patience_s: float) -> bool:
    """Returns whether the hub answers; a thread, since looking up a name has no time limit."""
    import httpx  # noqa: PLC0415 - only where something is fetched

    answered = threading.Event()

    def ask() -> None:
        try:
            httpx.head(endpoint, timeout=patience_s)
        except (httpx.HTTPError, httpx.InvalidURL):
            return
        answered.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience_s)
    return answered.is_set()


def _bar(advance: Callable[[int], None]) -> type[Any]:
    from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with the hub

    class Bar(tqdm):  # type: ignore[misc]
        """Tells `advance` instead of drawing."""

        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(*args, **{**keywords, "disable": True})

        def update(self, n: float | None = 1) -> None:
            advance(int(n or 0))

    return Bar


@contextmanager
def _translated(repository: str) -> Iterator[None]:
    import httpx  # noqa: PLC0415 - only where something is fetched
    from huggingface_hub.errors import (  # noqa: PLC0415 - slow to import
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        yield
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ConfigurationError(
            f"{repository}: not on the hub, or HUGGINGFACE_ACCESS_TOKEN may not read it"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{repository}: {reason}", transient=True) from error


def _forget_downloads(folder: Path) -> None:
    """Removes what the hub's client keeps to resume a download."""
    shutil.rmtree(folder / ".cache", ignore_errors=True)
