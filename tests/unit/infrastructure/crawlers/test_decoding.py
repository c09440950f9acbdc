import gzip
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_engineering.infrastructure.crawlers.decoding import (
    UnsupportedEncoding,
    decode,
    decompressed,
)

TEXT = "Grüße aus Köln, 東京 and Łódź. " * 50


def in_pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("", TEXT.encode()),
        ("identity", TEXT.encode()),
        ("gzip", gzip.compress(TEXT.encode(), mtime=0)),
        ("GZIP", gzip.compress(TEXT.encode(), mtime=0)),
        ("deflate", zlib.compress(TEXT.encode())),
        ("deflate", raw_deflate(TEXT.encode())),
        (
            "gzip",
            gzip.compress(TEXT[:100].encode(), mtime=0)
            + gzip.compress(TEXT[100:].encode(), mtime=0),
        ),
    ],
)
def test_every_encoding_that_is_asked_for_is_undone(encoding: str, data: bytes) -> None:
    assert b"".join(decompressed(in_pieces(data, 64), encoding)).decode() == TEXT


def test_a_bomb_comes_out_in_small_pieces() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 60_000
    pieces = decompressed([bomb], "gzip")
    assert max(len(next(pieces)) for _ in range(5)) <= 256 * 1024


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_an_encoding_nobody_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(UnsupportedEncoding, match=encoding):
        list(decompressed([b"x"], encoding))


def test_damaged_data_is_refused() -> None:
    damaged = bytearray(gzip.compress(TEXT.encode(), mtime=0))
    damaged[20:40] = b"\xff" * 20
    with pytest.raises(UnsupportedEncoding, match="damaged gzip"):
        list(decompressed([bytes(damaged)], "gzip"))


@pytest.mark.parametrize(
    ("body", "declared", "text"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode(), "iso-8859-1", "Grüße"),  # the header is wrong
        ("Grüße".encode("cp1252"), "utf-8", "Grüße"),  # the header is wrong the other way
        ("“Grüße”".encode("cp1252"), "iso-8859-1", "“Grüße”"),  # browsers read it as windows-1252
        ("“Grüße”".encode("cp1252"), "windows-1252", "“Grüße”"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        ("東京".encode("shift_jis"), "Shift_JIS", "東京"),
        ("東京".encode("iso2022_jp"), "iso-2022-jp", "東京"),
        ("Grüße".encode("utf-8-sig"), None, "Grüße"),
        ("Grüße".encode("utf-16"), "utf-8", "Grüße"),
        (b"plain", None, "plain"),
        (b"", None, ""),
        (b"plain", "no-such-charset", "plain"),
    ],
)
def test_the_charset_is_found(body: bytes, declared: str | None, text: str) -> None:
    assert decode(body, declared) == text


@pytest.mark.parametrize(
    "meta",
    [
        '<meta charset="koi8-r">',
        "<META HTTP-EQUIV='Content-Type' CONTENT='text/html; charset=koi8-r'>",
        '<?xml version="1.0" encoding="koi8-r"?>',
    ],
)
def test_the_pages_own_charset_counts_when_the_header_has_none(meta: str) -> None:
    page = f"<html><head>{meta}</head><body>Привет</body></html>".encode("koi8-r")
    assert "Привет" in decode(page)


def test_a_long_page_with_the_wrong_charset_is_still_read() -> None:
    text = "Über größere Flüsse führen schöne, müßige Brücken für Fußgänger. " * 20
    assert decode(text.encode("cp1252"), "utf-8") == text


def test_an_undeclared_charset_is_detected() -> None:
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 20
    assert decode(text.encode("cp1251")) == text


@pytest.mark.parametrize(
    "codec", ["zip", "rot13", "idna", "punycode", "unicode_escape", "undefined"]
)
def test_codecs_that_are_not_of_the_web_are_not_used(codec: str) -> None:
    assert decode(b"x\\u00e9", codec) == "x\\u00e9"


@given(st.binary(max_size=300), st.none() | st.text(max_size=20))
@example(b"\xff\xfe\x00", "utf-16")
@example(b"<meta charset=utf-7>\xff", "utf-8\0")
def test_no_bytes_and_no_charset_make_it_fail(body: bytes, declared: str | None) -> None:
    assert isinstance(decode(body, declared), str)
