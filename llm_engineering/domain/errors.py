"""Every error of the platform.

    PipelineError
    ├── ConfigurationError        a setting, file or name is wrong; says what is allowed
    │   └── MissingDependency     an optional group or program is absent; says what to type
    ├── InvalidInput              a value from outside breaks a rule of the domain
    ├── DocumentError             one page or file cannot be had or read; the run goes on without it
    │   ├── FetchError            the page did not come (carries whether a retry may help)
    │   │   └── PageGone          the site says that there is no such page any more
    │   └── ExtractionError       it came, and holds nothing that can be used
    ├── IntegrityError            bytes do not match the hash they were published with
    ├── ModelError                a model failed (carries whether a retry may help)
    ├── ExecutionFailed           the processes or the cluster that do the work are lost
    └── StoreUnavailable          MongoDB, Qdrant or MLflow cannot be reached; the run stops

`transient` says whether the same call may succeed later; only retry policies look at it.
"""

from functools import partial


class PipelineError(Exception):
    """Base of every error that the platform raises on purpose. The message is one line."""

    transient: bool = False


class ConfigurationError(PipelineError):
    """A setting, a config file or a name is wrong."""


class MissingDependency(ConfigurationError):
    """An optional part is not installed; the message says what to type."""


class InvalidInput(PipelineError):
    """A value from outside breaks a rule; the message names the value and what is allowed."""


class DocumentError(PipelineError):
    """One page or file cannot be used; the rest of the run goes on.

    Args:
        url: the page or file.
        reason: what is wrong, without the URL.
        transient: whether a later try may succeed.
    """

    def __init__(self, url: str, reason: str, *, transient: bool = False) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason
        self.transient = transient

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), transient=self.transient), (self.url, self.reason)


class FetchError(DocumentError):
    """The page did not come: refused, not found, too large, or the host is down."""


class PageGone(FetchError):
    """The site answers that the page is not there (HTTP 404 or 410)."""


class ExtractionError(DocumentError):
    """The page came, but there is no text in it that can be used."""


class IntegrityError(PipelineError):
    """Bytes do not match the hash they were published with."""


class ModelError(PipelineError):
    """A model could not answer, embed or train.

    Args:
        message: what is wrong.
        transient: whether a later try may succeed.
        retry_after_s: how long the provider asks to wait before that.
    """

    def __init__(
        self, message: str, *, transient: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[object, ...]:
        again = partial(type(self), transient=self.transient, retry_after_s=self.retry_after_s)
        return again, self.args


class ExecutionFailed(PipelineError):
    """The processes, or the cluster, that do the work were lost; the next run goes on."""

    transient = True


class StoreUnavailable(PipelineError):
    """An outside store cannot be reached. An outage is never an empty list."""

    transient = True
