"""XML of strangers, and their dates."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from llm_engineering.infrastructure.crawlers.xml_reading import instant, xml_root

URL = "https://harbour.example/feed"


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><r>&b;</r>',
        '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><r>&f;</r>',
        '<!DOCTYPE r [<!entity % p SYSTEM "http://127.0.0.1/x"> %p;]><r/>',
    ],
)
def test_texts_that_declare_entities_are_not_read(text: str) -> None:
    assert xml_root(text, URL) is None


def test_an_external_dtd_is_not_loaded() -> None:
    text = '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://127.0.0.1:1/x.dtd"><rss>a</rss>'
    root = xml_root(text, URL)
    assert root is not None
    assert root.text == "a"


@pytest.mark.parametrize("text", ["", " \n", "words", "\0\1\2", "<", "{}"])
def test_what_is_no_xml_has_no_root(text: str) -> None:
    assert xml_root(text, URL) is None


def test_the_declared_encoding_does_not_count_once_the_text_is_decoded() -> None:
    root = xml_root('<?xml version="1.0" encoding="windows-1252"?><r>Größe €</r>', URL)
    assert root is not None
    assert root.text == "Größe €"


def test_control_characters_are_dropped() -> None:
    root = xml_root("<r>a\x0bb\x00c\ufffe</r>", URL)
    assert root is not None
    assert root.text == "abc"


_XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]))


@given(_XML_TEXT)
def test_any_text_inside_comes_out(inside: str) -> None:
    root = etree.Element("r")
    root.text = inside
    read = xml_root(etree.tostring(root, encoding="unicode"), URL)
    assert read is not None
    assert (read.text or "") == inside


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("Fri, 01 May 2026 10:30:00 +0200", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("Fri, 1 May 2026 10:30 GMT", datetime(2026, 5, 1, 10, 30, tzinfo=UTC)),
        ("01 May 26 10:30:00 EST", datetime(2026, 5, 1, 15, 30, tzinfo=UTC)),
        ("Fri, 01 May 2026", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        (" 2026-05-01T10:30:00Z\n", datetime(2026, 5, 1, 10, 30, tzinfo=UTC)),
        ("2026-05-01T10:30:00.123+02:00", datetime(2026, 5, 1, 8, 30, 0, 123000, tzinfo=UTC)),
        ("2026-05-01 10:30", datetime(2026, 5, 1, 10, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", None),
        ("Tue, 31 Feb 2026 10:00:00 GMT", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_moments(stamp: str | None, moment: datetime | None) -> None:
    assert instant(stamp) == moment


@given(st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2200, 1, 1)),
       st.integers(-14 * 60, 14 * 60))  # fmt: skip
def test_iso_stamps_come_back(local: datetime, minutes: int) -> None:
    shifted = local.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    assert instant(f"{local.isoformat()}{zone}") == shifted


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    moment = instant(text)
    assert moment is None or moment.tzinfo is UTC
