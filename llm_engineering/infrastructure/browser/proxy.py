"""The only way out of the browser: a proxy that checks each address before it connects.

Chromium is told to send everything through here, loopback included. A host is resolved once for
each connection, by the callable that the caller passes, and the connection goes to an address that
it returned: a changed DNS answer leads nowhere.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.browser.http_heads import (
    MAX_HEAD_BYTES,
    BadHead,
    RequestHead,
    parsed_request,
    parsed_response,
)
from llm_engineering.infrastructure.browser.peers import is_own_connection

Resolve = Callable[[str, int], Sequence[str]]
_PIECE_BYTES = 65_536


@dataclass(frozen=True)
class ProxyLimits:
    """Bounds of what passes. `_s` are seconds; `max_bytes` counts both ways, until `reset`."""

    max_bytes: int = 100_000_000
    head_timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
    connection_timeout_s: float = 300.0
    max_connections: int = 256


class FilteringProxy:
    """An HTTP proxy on a free port of loopback, in a thread of its own.

    It takes connections of this process's user alone, so that nobody else on the machine gets out
    through it (where the system tells whose they are: on Linux).

    Args:
        resolve: the addresses of a host and port that may be connected to; raises FetchError for
            what is refused.
        limits: bounds in bytes, seconds and connections.
    """

    def __init__(self, resolve: Resolve, limits: ProxyLimits = ProxyLimits()) -> None:
        self._resolve = resolve
        self._limits = limits
        self._refusals: dict[tuple[str, int], FetchError] = {}
        self._closed_ports: set[int] = set()
        self._passed_bytes = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="browser-proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Listens; `port` says where."""
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self.port = listening.result()

    def close(self) -> None:
        """Stops listening and cuts all connections."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def reset(self) -> None:
        """Begins a new page: its bytes and refusals are counted from here."""
        self._passed_bytes = 0
        self._refusals = {}

    def close_port(self, port: int) -> None:
        """Refuses this port of any host, even where the host is allowed."""
        self._closed_ports.add(port)

    @property
    def refusals(self) -> Mapping[tuple[str, int], FetchError]:
        """Why hosts and ports were not connected to since `reset`."""
        return self._refusals

    @property
    def exhausted(self) -> bool:
        """Whether all bytes of this page have been used up."""
        return self._passed_bytes > self._limits.max_bytes

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=MAX_HEAD_BYTES
        )
        port: int = self._server.sockets[0].getsockname()[1]
        self.close_port(port)
        return port

    async def _hang_up(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs it as a task"  # noqa: S101 - for the type checker
        self._connections.add(task)
        try:
            async with asyncio.timeout(self._limits.connection_timeout_s):
                await self._serve(reader, writer)
        except (OSError, EOFError, TimeoutError, BadHead, asyncio.LimitOverrunError):
            pass  # one end has gone, was too slow, or does not speak HTTP
        except asyncio.CancelledError:
            pass  # by `_hang_up`, the only one who does
        finally:
            self._connections.discard(task)
            await self._end(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        crowded = len(self._connections) > self._limits.max_connections
        if crowded or not is_own_connection(writer.get_extra_info("peername"), self.port):
            return
        async with asyncio.timeout(self._limits.head_timeout_s):
            head = parsed_request(await reader.readuntil(b"\r\n\r\n"))
        try:
            far_reader, far_writer = await self._connect(head.host, head.port)
        except FetchError:
            if head.is_tunnel:  # of a page, the browser shall show nothing that we have written
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            return
        try:
            if head.is_tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._first_of(self._pump(reader, far_writer), self._pump(far_reader, writer))
            else:
                await self._exchange(head, (reader, writer), (far_reader, far_writer))
        finally:
            await self._end(far_writer)

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        """Closes a connection once it has taken what was written, if it does so in time."""
        writer.close()
        try:
            async with asyncio.timeout(self._limits.connect_timeout_s):
                await writer.wait_closed()
        except (OSError, TimeoutError):
            pass  # the other end has gone, or reads no more
        finally:
            writer.transport.abort()

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects to the first checked address that answers."""
        failure: Exception | None = None
        for address in await self._checked(host, port):
            try:
                async with asyncio.timeout(self._limits.connect_timeout_s):
                    return await asyncio.open_connection(address, port, limit=MAX_HEAD_BYTES)
            except (OSError, TimeoutError) as error:
                failure = error
        silent = FetchError(host, "the host does not answer", transient=True)
        self._refusals[host, port] = silent
        raise silent from failure

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            return await self._loop.run_in_executor(None, self._allowed, host, port)
        except FetchError as error:
            self._refusals[host, port] = error
            raise

    def _allowed(self, host: str, port: int) -> Sequence[str]:
        if port in self._closed_ports:
            raise FetchError(host, f"port {port} belongs to the browser itself")
        if self.exhausted:
            raise FetchError(host, f"larger than {self._limits.max_bytes:,} bytes")
        return self._resolve(host, port)

    async def _exchange(
        self,
        head: RequestHead,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Passes one request on and its response back; then both connections end.

        The browser would send its next request to any host over a connection that stays open.
        """
        (reader, writer), (far_reader, far_writer) = near, far
        far_writer.write(head.forwarded)
        sending = asyncio.create_task(self._pump(reader, far_writer, head.body_bytes))
        try:
            await self._first_of(self._answer(far_reader, writer), self._closing(sending, reader))
        finally:
            sending.cancel()

    async def _answer(self, far_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = parsed_response(await far_reader.readuntil(b"\r\n\r\n"))
        while head.is_interim:
            head = parsed_response(await far_reader.readuntil(b"\r\n\r\n"))
        writer.write(head.forwarded)
        await self._pump(far_reader, writer)

    async def _closing(self, sending: "asyncio.Task[None]", reader: asyncio.StreamReader) -> None:
        """Ends when the browser has hung up after its request, or the page's bytes are used up."""
        await sending
        while not self.exhausted and await reader.read(_PIECE_BYTES):
            pass  # a second request on this connection is not answered

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: int | None = None
    ) -> None:
        """Passes bytes on until they end, `count` of them at most, or the page's are used up."""
        left = count
        while left is None or left > 0:
            piece = await source.read(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES))
            if not piece:
                return
            self._passed_bytes += len(piece)
            if self.exhausted:
                return
            left = None if left is None else left - len(piece)
            sink.write(piece)
            await sink.drain()

    @staticmethod
    async def _first_of(*ways: Awaitable[None]) -> None:
        """Ends all when one has ended, in whatever way."""
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
