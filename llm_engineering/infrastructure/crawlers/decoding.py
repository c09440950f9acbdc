"""Bytes of a response to text: decompression with a bound, and the charset."""

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator

from charset_normalizer import from_bytes

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW_DEFLATE = -zlib.MAX_WBITS
_STEP = 256 * 1024  # bytes that may come out of one call of the decompressor

_META_CHARSET = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.I
)
_META_WITHIN = 4096  # HTML asks for it in the first 1024 bytes; pages are late
_DETECT_WITHIN = 64 * 1024
_DETECT_FROM = 64  # bytes beyond ASCII; a guess from fewer is often wrong
_LAST_ASCII = 0x7F
# Encodings that browsers decode (https://encoding.spec.whatwg.org/#names-and-labels); Python's
# other codecs include some that are quadratic or not text at all.
_WEB_CHARSETS = re.compile(
    r"utf-8|utf-16(-[lb]e)?|iso8859-\d+|cp125\d|cp874|cp866|koi8-[ru]|mac-(roman|cyrillic)|"
    r"shift_jis|cp932|euc_jp|iso2022_jp|euc_kr|cp949|big5|big5hkscs|gb2312|gbk|gb18030"
)


class UnsupportedEncoding(ValueError):
    """The Content-Encoding is not one that was asked for, or its data is damaged."""


def decompressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yields the decoded body in pieces of at most 256 KiB, whatever the ratio of compression.

    Raises:
        UnsupportedEncoding: `encoding` is not gzip, deflate or identity, or the data is damaged.
    """
    match encoding.strip().lower():
        case "" | "identity":
            yield from chunks
        case "gzip" | "x-gzip" | "deflate":
            try:
                yield from _inflate(chunks)
            except zlib.error as error:
                raise UnsupportedEncoding(f"damaged {encoding} data") from error
        case other:
            raise UnsupportedEncoding(f"unsupported content encoding {other!r}")


def _inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    window = None
    for chunk in chunks:
        data = chunk
        if window is None:
            window = zlib.decompressobj(_window_bits(data))
        while data:
            if window.eof:  # a gzip file may have several members
                window = zlib.decompressobj(_GZIP_OR_ZLIB)
            yield window.decompress(data, _STEP)
            data = window.unused_data if window.eof else window.unconsumed_tail
    if window is not None:
        yield window.flush()


def _window_bits(start: bytes) -> int:
    """Some servers send `deflate` without the zlib header."""
    try:
        zlib.decompressobj(_GZIP_OR_ZLIB).decompress(start[:64], 1)
    except zlib.error:
        return _RAW_DEFLATE
    return _GZIP_OR_ZLIB


def decode(body: bytes, declared: str | None = None) -> str:
    """Returns the text of a page; never fails.

    A byte order mark wins, then valid UTF-8 (other charsets do not look like it by accident),
    then the charset that the header declares, then the page's own, then detection, and at the end
    windows-1252, as browsers do. What cannot be decoded becomes U+FFFD.
    """
    for charset in _candidates(body, declared):
        try:
            return body.decode(charset)
        except UnicodeError:
            continue
    return body.decode("windows-1252", errors="replace")


def _candidates(body: bytes, declared: str | None) -> Iterator[str]:
    if body.startswith(codecs.BOM_UTF8):
        yield "utf-8-sig"
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield "utf-16"
    if not body.isascii():
        yield "utf-8"
    meta = _META_CHARSET.search(body[:_META_WITHIN])
    for label in (declared, meta.group(1).decode("ascii") if meta else None):
        charset = _known(label)
        if charset:
            yield charset
    if body.isascii():
        yield "ascii"
    start = body[:_DETECT_WITHIN]
    if sum(byte > _LAST_ASCII for byte in start) >= _DETECT_FROM:
        best = from_bytes(start).best()
        if best is not None:
            yield best.encoding


def _known(label: str | None) -> str | None:
    """Returns Python's name of a web charset, None for any other."""
    try:
        name = codecs.lookup((label or "").strip("\"' ")).name
    except (LookupError, UnicodeError, ValueError):
        return None
    if name in ("ascii", "iso8859-1"):  # both mean windows-1252 on the web
        return "cp1252"
    return name if _WEB_CHARSETS.fullmatch(name) else None
