"""Heads of HTTP/1.1 messages as a proxy needs them: where to, how long, and what to pass on."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_HEAD_BYTES = 262_144
_REQUEST = re.compile(rb"([A-Z]{1,20}) ([!-~]{1,65536}) HTTP/1\.[01]")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d|9\d\d)(?: [^\r\n]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
# of this connection alone (RFC 9110 §7.6.1), so not passed on; we add `Connection: close`
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"upgrade"}
)
_DEFAULT_PORT = 80
_INTERIM = range(100, 200)

Fields = tuple[tuple[bytes, bytes], ...]


class BadHead(Exception):
    """It is no HTTP/1.1 that a browser sends to a proxy, or that a server answers."""


@dataclass(frozen=True)
class RequestHead:
    """Where a request goes. `forwarded` is the head for the server, `body_bytes` what follows."""

    host: str
    port: int
    is_tunnel: bool
    forwarded: bytes = b""
    body_bytes: int = 0


@dataclass(frozen=True)
class ResponseHead:
    """`forwarded` is the head for the browser; an interim one (1xx) is followed by another."""

    is_interim: bool
    forwarded: bytes


def parsed_request(head: bytes) -> RequestHead:
    """Returns the destination of `CONNECT host:port` or of `GET http://host/…`.

    Raises:
        BadHead: it is neither, or has a body of unknown length.
    """
    first, fields = _split(head)
    request = _REQUEST.fullmatch(first)
    if not request:
        raise BadHead("not a request to a proxy")
    method, address = request[1], request[2].decode("ascii")
    if method == b"CONNECT":
        host, port = _host_and_port(f"//{address}")
        if port is None:
            raise BadHead("CONNECT without a port")
        return RequestHead(host, port, is_tunnel=True)
    if not address.startswith("http://"):
        raise BadHead("a scheme that is not passed on")
    host, port = _host_and_port(address)
    rest = "/" + address.removeprefix("http://").partition("/")[2]
    lengths = {value for name, value in fields if name.lower() == b"content-length"}
    chunked = any(name.lower() == b"transfer-encoding" for name, _ in fields)
    if chunked or len(lengths) > 1 or not all(value.isdigit() for value in lengths):
        raise BadHead("a body of unknown length")
    return RequestHead(
        host,
        port or _DEFAULT_PORT,
        is_tunnel=False,
        forwarded=_joined(b"%b %b HTTP/1.1" % (method, rest.encode("ascii")), fields),
        body_bytes=int(lengths.pop()) if lengths else 0,
    )


def parsed_response(head: bytes) -> ResponseHead:
    """Returns the head of a server's answer.

    Raises:
        BadHead: it is none.
    """
    first, fields = _split(head)
    status = _STATUS.fullmatch(first)
    if not status:
        raise BadHead("not an HTTP response")
    return ResponseHead(int(status[1]) in _INTERIM, _joined(first, fields))


def _split(head: bytes) -> tuple[bytes, Fields]:
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    fields = []
    for line in lines:
        field = _FIELD.fullmatch(line)
        if not field:
            raise BadHead("not a header field")
        fields.append((field[1], field[2]))
    return first, tuple(fields)


def _joined(first: bytes, fields: Fields) -> bytes:
    kept = [b"%b: %b" % field for field in fields if field[0].lower() not in _HOP_BY_HOP]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])


def _host_and_port(address: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadHead("not an address") from error
    if not host or "@" in parts.netloc:
        raise BadHead("not an address")
    return host, port
