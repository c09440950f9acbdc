"""The one way to the web: a safe, bounded, patient HTTP GET."""

import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpcore
import httpx

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.decoding import (
    UnsupportedEncoding,
    decode,
    decompressed,
)

USER_AGENT = "llm-pipeline-system/0.1"
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
XML_TYPES = frozenset({"application/xml", "text/xml", "application/gzip", "application/x-gzip"})
TEXT_TYPES = frozenset({"text/plain"})

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class FetchLimits:
    """Bounds of one fetch. `_s` are seconds; `max_bytes` counts the body after decompression."""

    max_bytes: int = 10_000_000
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 20.0
    deadline_s: float = 60.0
    max_redirects: int = 5
    attempts: int = 3
    first_delay_s: float = 0.5
    retry_budget_s: float = 30.0
    max_connections: int = 8


@dataclass(frozen=True)
class Response:
    """A body and where it came from, after redirects."""

    url: str
    content_type: str
    charset: str | None
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """Returns the decoded body; what cannot be decoded is replaced."""
        return decode(self.body, self.charset)


class Fetcher:
    """Fetches over http and https, from public addresses only. Safe to call from several threads.

    Every connection goes to an address that was checked when the host was resolved for it, so
    neither a redirect nor a changed DNS answer leads elsewhere. Proxies of the environment are not
    used; cookies are not kept.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        limits: FetchLimits = FetchLimits(),
        *,
        ssl_context: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._sleep = sleep
        self._monotonic = monotonic
        self._client = httpx.Client(
            transport=_CheckedTransport(policy, limits, ssl_context),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            timeout=httpx.Timeout(
                limits.read_timeout_s, connect=limits.connect_timeout_s, pool=limits.deadline_s
            ),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def fetch(self, url: str, content_types: frozenset[str] = HTML_TYPES) -> Response:
        """Returns the response of `url`, trying again while the failure is transient.

        Raises:
            FetchError: the address is refused, the host is down or slow, the status is not 200,
                the content type is none of `content_types`, the body is too large, or redirects
                do not end.
        """
        waited_s = 0.0
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return self._follow(url, content_types)
            except _Failure as failure:
                delay_s = failure.retry_after_s
                if delay_s is None:
                    delay_s = self._limits.first_delay_s * 2 ** (attempt - 1)
                waited_s += delay_s
                last = attempt == self._limits.attempts
                if last or not failure.transient or waited_s > self._limits.retry_budget_s:
                    raise FetchError(url, failure.reason, transient=failure.transient) from failure
                self._sleep(delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _follow(self, url: str, content_types: frozenset[str]) -> Response:
        deadline = self._monotonic() + self._limits.deadline_s
        seen: list[str] = []
        while len(seen) <= self._limits.max_redirects:
            if url in seen:
                raise _Failure("redirect loop")
            seen.append(url)
            answer = self._get(url, content_types, deadline)
            if isinstance(answer, Response):
                return answer
            url = answer
        raise _Failure(f"more than {self._limits.max_redirects} redirects")

    def _get(self, url: str, content_types: frozenset[str], deadline: float) -> Response | str:
        """Returns the response, or the address that it redirects to."""
        request = self._client.build_request(
            "GET",
            _checked_url(url),
            headers={"Accept": ", ".join((*sorted(content_types), "*/*;q=0.1"))},
        )
        try:
            answer = self._client.send(request, stream=True)
            try:
                if answer.status_code in _REDIRECTS and "location" in answer.headers:
                    return urljoin(url, answer.headers["location"])
                return self._read(answer, content_types, deadline)
            finally:
                answer.close()
        except FetchError as error:
            raise _Failure(error.reason, transient=error.transient) from error
        except httpx.TimeoutException as error:
            raise _Failure("timed out", transient=True) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failure_of(error) from error

    def _read(
        self, answer: httpx.Response, content_types: frozenset[str], deadline: float
    ) -> Response:
        if answer.status_code != httpx.codes.OK:
            raise _Failure(
                f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip(),
                transient=answer.status_code in _TRANSIENT_STATUS,
                retry_after_s=_retry_after_s(answer.headers),
            )
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and kind not in content_types:
            raise _Failure(f"content type {kind!r}, not {' or '.join(sorted(content_types))}")
        declared_bytes = answer.headers.get("content-length", "")
        if declared_bytes.isascii() and declared_bytes.isdigit():
            self._check_size(int(declared_bytes))
        pieces = decompressed(answer.iter_raw(), answer.headers.get("content-encoding", ""))
        body = self._collect(pieces, deadline)
        return Response(str(answer.url), kind, answer.charset_encoding, body)

    def _collect(self, pieces: Iterable[bytes], deadline: float) -> bytes:
        body = bytearray()
        try:
            for piece in pieces:
                body += piece
                self._check_size(len(body))
                if self._monotonic() > deadline:
                    raise _Failure(
                        f"took longer than {self._limits.deadline_s:g} s", transient=True
                    )
        except UnsupportedEncoding as error:
            raise _Failure(str(error)) from error
        return bytes(body)

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise _Failure(f"larger than {self._limits.max_bytes:,} bytes")


class _Failure(Exception):
    """Why one attempt failed; becomes a FetchError that names the link which was asked for."""

    def __init__(
        self, reason: str, *, transient: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())
        self.transient = transient
        self.retry_after_s = retry_after_s


class _CheckedTransport(httpx.HTTPTransport):
    """HTTP over connections that only go to addresses which the policy has checked.

    httpx has no argument for httpcore's network backend, therefore the pool is replaced; the tests
    fail if a version of httpx stops reading it from there.
    """

    def __init__(
        self, policy: AddressPolicy, limits: FetchLimits, ssl_context: ssl.SSLContext | None
    ) -> None:
        context = ssl_context or httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            keepalive_expiry=30.0,
            network_backend=_CheckedBackend(policy),
        )


class _CheckedBackend(httpcore.NetworkBackend):
    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects to the first checked address of the host that answers."""
        failure: Exception | None = None
        for address in self._policy.addresses(host, port):
            try:
                return self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")


def _checked_url(url: str) -> httpx.URL:
    """Returns the URL without user name, password and fragment."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _Failure(f"not a URL: {url!r}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _Failure(f"not fetched: {url!r} (allowed: http and https)")
    return parsed.copy_with(username="", password="", fragment=None)


def _failure_of(error: httpx.HTTPError | httpx.InvalidURL) -> _Failure:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return _Failure(f"TLS: {cause.reason or cause}")
        cause = cause.__cause__ or cause.__context__
    transient = isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))
    return _Failure(str(error) or type(error).__name__, transient=transient)


def _retry_after_s(headers: httpx.Headers) -> float | None:
    """Returns what Retry-After asks for; a date is read against the server's own clock."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())
