"""Sitemaps by themselves: whose pages they may list, and that no text makes them fail."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from llm_engineering.infrastructure.crawlers.feed import json_feed_of, plain
from llm_engineering.infrastructure.crawlers.sitemap import (
    is_index,
    is_sitemap,
    last_change,
    listed_in,
    listed_in_text,
    same_site,
)

HERE = "https://a.org/sitemap.txt"
# what has broken readers of markup and addresses before
ODD = [
    *("<", "&", "</div>", "<!--", "\x00<b>", "\x0b&amp;", "<![CDATA[", "<?xml", "&#0;", "&#xD800;"),
    *("<html>", "<!DOCTYPE html>", "<plaintext>", "<script>", "\ud800<"),
    *("https://a.org/[", "http://[::1", "https://a.org:99999/x", "https://a.org/\x00", "https:"),
    *("0000-01-01", "2026-02-30", "2026-13-01", "9999-12-31", "9999-12-31T23:59:59Z"),
]
texts = st.lists(st.text(max_size=20) | st.sampled_from(ODD), max_size=4).map("".join)


@pytest.mark.parametrize(
    ("root", "sitemap", "index"),
    [
        ("<urlset/>", True, False),
        ("<sitemapindex/>", True, True),
        ("<x:urlset xmlns:x='http://any.example/'/>", True, False),
        ("<rss/>", False, False),
        ("<html/>", False, False),
    ],
)
def test_the_root_says_what_a_document_is(root: str, sitemap: bool, index: bool) -> None:
    element = etree.fromstring(root)
    assert is_sitemap(element) is sitemap
    assert is_index(element) is index


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2026-05-01", datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC)),
        (" 2026-05-01\n", datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC)),
        ("2026-05-01T00:00:00Z", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T10:30:00+02:00", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_a_day_means_its_end_and_a_time_itself(stamp: str | None, moment: datetime | None) -> None:
    assert last_change(stamp) == moment


@given(st.dates(datetime(1990, 1, 1).date(), datetime(2100, 1, 1).date()))
def test_a_page_that_changed_later_on_its_day_is_not_missed(day: Any) -> None:
    moment = last_change(day.isoformat())
    assert moment is not None
    assert moment.date() == day
    assert (moment + timedelta(seconds=1)).date() == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.org/x", "https://a.org/y", True),
        ("http://a.org/x", "https://a.org/y", True),
        ("https://b.org/", "https://a.org/", False),
        ("https://a.org.evil.example/", "https://a.org/", False),
        ("https://evil.example/a.org/", "https://a.org/", False),
    ],
)
def test_whose_pages_a_list_may_name(one: str, other: str, same: bool) -> None:
    assert same_site(one, other) is same


def test_a_sitemap_of_text_names_an_address_a_line_each_once() -> None:
    lines = [
        *("https://a.org/one", "  https://a.org/two  ", "https://a.org/one", "", "# a note"),
        *("https://b.org/elsewhere", "/relative", "https://a.org/picture.png", "http://[broken"),
    ]
    found = [listed.url for listed in listed_in_text("\n".join(lines), HERE)]
    assert found == ["https://a.org/one", "https://a.org/two"]
    assert [one.url for one in listed_in_text("\r\n".join(lines), HERE)] == found


def test_an_entry_without_an_address_is_passed_over() -> None:
    root = etree.fromstring(
        "<urlset><url/><url><loc/></url><url><loc> https://a.org/x </loc><lastmod/></url></urlset>"
    )
    (listed,) = listed_in(root, HERE)
    assert (listed.url, listed.modified, listed.title) == ("https://a.org/x", None, None)


@given(texts)
def test_no_text_breaks_a_list(text: str) -> None:
    for listed in listed_in_text(text, HERE):
        assert listed.url.startswith(("http://a.org", "https://a.org"))
    last_change(text)
    line = plain(text)
    assert line is None or (line == " ".join(line.split()) and line)


FIELDS = ["url", "external_url", "id", "title", "authors", "author", "name", "content_html"]
FIELDS += ["date_published", "date_modified", "items", "next_url"]
values = st.recursive(
    texts | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(FIELDS), values, max_size=5))
def test_no_json_breaks_a_feed(fields: dict[str, object]) -> None:
    version = "https://jsonfeed.org/version/1.1"
    feed = json_feed_of(json.dumps({**fields, "version": version}), "https://a.org/feed.json")
    assert feed is not None
    for entry in feed.entries:
        assert entry.url is None or entry.url.startswith(("http://", "https://"))
        assert entry.published is None or entry.published.tzinfo is not None
