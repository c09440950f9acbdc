"""The one way to the web: a safe, bounded, patient HTTP GET."""

import random
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self
from urllib.parse import urljoin

import httpx

from llm_engineering.application.ports.crawling import Validators
from llm_engineering.domain.errors import FetchError, PageGone
from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy
from llm_engineering.infrastructure.crawlers.connecting import CheckedTransport, Deadlines
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
_RATE_LIMITED = frozenset({403, 429})
_GONE_STATUS = frozenset({404, 410})
# what httpx says of headers that are too large, and of a redirect to what is no URL
_LASTING = ("too long", "location header")
_NO_VALIDATORS = Validators()


@dataclass(frozen=True)
class FetchLimits:
    """Bounds of one fetch. `_s` are seconds; `max_bytes` counts the body after decompression.

    `deadline_s` is the one budget of a page: all attempts, their redirects and the waits between
    them. A wait is drawn between half and the whole of `first_delay_s`, doubled each time.
    """

    max_bytes: int = 10_000_000
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 20.0
    deadline_s: float = 60.0
    max_redirects: int = 5
    attempts: int = 3
    first_delay_s: float = 0.5
    max_connections: int = 8


@dataclass(frozen=True)
class Response:
    """A body and where it came from, after redirects. `unchanged`: HTTP 304, there is no body."""

    url: str
    content_type: str
    charset: str | None
    body: bytes = field(repr=False)
    validators: Validators = _NO_VALIDATORS
    unchanged: bool = False

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
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._limits = limits
        self._sleep = sleep
        self._monotonic = monotonic
        self._chance = chance
        self._deadlines = Deadlines(monotonic)
        self._client = httpx.Client(
            transport=CheckedTransport(
                policy, limits.max_connections, ssl_context, self._deadlines
            ),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            timeout=httpx.Timeout(
                limits.read_timeout_s, connect=limits.connect_timeout_s, pool=limits.deadline_s
            ),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; a fetch under way fails."""
        self._client.close()

    def fetch(
        self,
        url: str,
        content_types: frozenset[str] = HTML_TYPES,
        *,
        validators: Validators = _NO_VALIDATORS,
        authorization: str | None = None,
    ) -> Response:
        """Returns the response of `url`, trying again while the failure is transient.

        With `validators` of an earlier response, the server may say that nothing changed since.
        `authorization` is a header for `url` alone: no redirect takes it along.

        Raises:
            PageGone: the status is 404 or 410.
            FetchError: the address is refused, the host is down or slow, the status is not 200,
                the content type is none of `content_types`, the body is too large, or redirects
                do not end.
        """
        deadline = self._monotonic() + self._limits.deadline_s
        for attempt in range(1, self._limits.attempts + 1):
            try:
                with self._deadlines.until(deadline):
                    return self._follow(url, content_types, validators, authorization, deadline)
            except _Failure as failure:
                delay_s = self._delay_s(attempt, failure)
                late = self._monotonic() + delay_s > deadline
                if late or not failure.transient or attempt == self._limits.attempts:
                    kind = PageGone if failure.gone else FetchError
                    raise kind(url, failure.reason, transient=failure.transient) from failure
                self._sleep(delay_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _delay_s(self, attempt: int, failure: "_Failure") -> float:
        """Returns what the server asks for, or a random delay that doubles."""
        if failure.retry_after_s is not None:
            return failure.retry_after_s
        longest_s = self._limits.first_delay_s * 2.0 ** (attempt - 1)
        return longest_s * (0.5 + 0.5 * self._chance())

    def _follow(
        self,
        url: str,
        content_types: frozenset[str],
        validators: Validators,
        authorization: str | None,
        deadline: float,
    ) -> Response:
        headers = {
            "Accept": ", ".join((*sorted(content_types), "*/*;q=0.1")),
            **_conditions(validators),
            **({"Authorization": authorization} if authorization else {}),
        }
        seen: list[str] = []
        while len(seen) <= self._limits.max_redirects:
            if url in seen:
                raise _Failure("redirect loop")
            seen.append(url)
            answer = self._get(url, headers, content_types, deadline)
            if isinstance(answer, Response):
                return answer
            headers.pop("Authorization", None)
            url = answer
        raise _Failure(f"more than {self._limits.max_redirects} redirects")

    def _get(
        self, url: str, headers: Mapping[str, str], content_types: frozenset[str], deadline: float
    ) -> Response | str:
        """Returns the response, or the address that it redirects to."""
        request = self._client.build_request("GET", _checked_url(url), headers=headers)
        try:
            answer = self._client.send(request, stream=True)
            try:
                if answer.status_code in _REDIRECTS and "location" in answer.headers:
                    return _redirected(url, answer.headers["location"])
                return self._read(answer, content_types, deadline)
            finally:
                answer.close()
        except FetchError as error:
            raise _Failure(error.reason, transient=error.transient) from error
        except httpx.TimeoutException as error:
            raise self._timed_out(deadline) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failure_of(error) from error

    def _read(
        self, answer: httpx.Response, content_types: frozenset[str], deadline: float
    ) -> Response:
        validators = _validators_of(answer.headers)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return Response(str(answer.url), "", None, b"", validators, unchanged=True)
        if answer.status_code != httpx.codes.OK:
            used_up = _used_up_until(answer)
            raise _Failure(
                f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip() + (used_up or ""),
                transient=answer.status_code in _TRANSIENT_STATUS or used_up is not None,
                gone=answer.status_code in _GONE_STATUS,
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
        return Response(str(answer.url), kind, answer.charset_encoding, body, validators)

    def _collect(self, pieces: Iterable[bytes], deadline: float) -> bytes:
        body = bytearray()
        try:
            for piece in pieces:
                body += piece
                self._check_size(len(body))
                if self._monotonic() > deadline:
                    raise self._timed_out(deadline)
        except UnsupportedEncoding as error:
            raise _Failure(str(error)) from error
        return bytes(body)

    def _timed_out(self, deadline: float) -> "_Failure":
        late = self._monotonic() >= deadline
        reason = f"took longer than {self._limits.deadline_s:g} s" if late else "timed out"
        return _Failure(reason, transient=True)

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise _Failure(f"larger than {self._limits.max_bytes:,} bytes")


class _Failure(Exception):
    """Why one attempt failed; becomes a FetchError that names the link which was asked for."""

    def __init__(
        self,
        reason: str,
        *,
        transient: bool = False,
        gone: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())
        self.transient = transient
        self.gone = gone
        self.retry_after_s = retry_after_s


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _Failure(f"redirected to what is no URL: {location:.200}") from error


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
    network = isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError))
    transient = network and not any(sign in str(error) for sign in _LASTING)
    return _Failure(str(error) or type(error).__name__, transient=transient)


def _used_up_until(answer: httpx.Response) -> str | None:
    """Returns until when an API answers no more, by the headers that GitHub and others use."""
    left, reset = (answer.headers.get(f"x-ratelimit-{name}") for name in ("remaining", "reset"))
    if answer.status_code not in _RATE_LIMITED or left != "0":
        return None
    try:
        until = f"{datetime.fromtimestamp(int(reset or ''), UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        until = "later"
    return f" (the limit of requests is used up until {until})"


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


def _conditions(validators: Validators) -> Mapping[str, str]:
    """Returns the headers that ask for the page only if it changed."""
    asked = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in asked.items() if value}


def _validators_of(headers: httpx.Headers) -> Validators:
    """Returns what may be sent back; values that no header can carry are left out."""
    values = (headers.get("etag", ""), headers.get("last-modified", ""))
    etag, modified = (value if value.isascii() and value.isprintable() else "" for value in values)
    return Validators(etag=etag or None, last_modified=modified or None)
