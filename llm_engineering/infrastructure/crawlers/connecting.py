"""Connections that only go to checked addresses, and never wait beyond the deadline of a page."""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from llm_engineering.infrastructure.crawlers.addresses import AddressPolicy


class Deadlines:
    """The deadline of the page that each thread is fetching.

    A timeout for each read alone lets a server that sends a byte now and then go on for ever.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._of_thread = threading.local()

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Sets the deadline of this thread for the length of a block."""
        self._of_thread.deadline = deadline
        try:
            yield
        finally:
            self._of_thread.deadline = None

    def bounded(self, timeout: float | None) -> float | None:
        """Returns the timeout, or what is left until the deadline if that is shorter.

        Raises:
            httpcore.ReadTimeout: nothing is left.
        """
        deadline: float | None = getattr(self._of_thread, "deadline", None)
        if deadline is None:
            return timeout
        left_s = deadline - self._monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("the deadline of the page has passed")
        return left_s if timeout is None else min(timeout, left_s)


class CheckedTransport(httpx.HTTPTransport):
    """HTTP over connections that only go to addresses which the policy has checked.

    httpx has no argument for httpcore's network backend, therefore the pool is replaced; the tests
    fail if a version of httpx stops reading it from there.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        max_connections: int,
        ssl_context: ssl.SSLContext | None,
        deadlines: Deadlines,
    ) -> None:
        context = ssl_context or httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=max_connections,
            keepalive_expiry=30.0,
            network_backend=_CheckedBackend(policy, deadlines),
        )


class _CheckedBackend(httpcore.NetworkBackend):
    def __init__(self, policy: AddressPolicy, deadlines: Deadlines) -> None:
        self._policy = policy
        self._deadlines = deadlines
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
            bounded = self._deadlines.bounded(timeout)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, bounded, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _BoundedStream(stream, self._deadlines)
        raise failure or httpcore.ConnectError(f"{host} has no address")


class _BoundedStream(httpcore.NetworkStream):
    """A stream whose waits end with the deadline of the page."""

    def __init__(self, stream: httpcore.NetworkStream, deadlines: Deadlines) -> None:
        self._stream = stream
        self._deadlines = deadlines

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadlines.bounded(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadlines.bounded(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        bounded = self._deadlines.bounded(timeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, bounded)
        return _BoundedStream(secured, self._deadlines)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
