"""Entries of feeds: RSS, RDF, Atom, JSON Feed, as they are and as they are broken."""

import json
from datetime import UTC, datetime

import pytest
from lxml import html

from llm_engineering.infrastructure.crawlers.feed import (
    Entry,
    feed_of,
    json_feed_of,
    linked_feeds,
    plain,
)
from llm_engineering.infrastructure.crawlers.xml_reading import xml_root
from tests.unit.infrastructure.crawlers.feed_making import FEED, SITE, atom, rss

MAY_DAY = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)


def entries(text: str, url: str = FEED) -> list[Entry]:
    root = xml_root(text, url)
    assert root is not None
    return list(feed_of(root, url).entries)


def entry(text: str) -> Entry:
    (only,) = entries(text)
    return only


def test_an_rss_item_gives_address_title_author_date_and_text() -> None:
    found = entry(
        rss(
            "<title>Tides &amp;amp; &lt;b&gt;moons&lt;/b&gt;</title>"
            f"<link>{SITE}/tides?utm_source=rss</link>"
            "<guid isPermaLink='false'>17</guid><dc:creator>Ada Lovelace</dc:creator>"
            "<pubDate>Fri, 01 May 2026 10:30:00 +0200</pubDate>"
            "<description>Short.</description>"
            "<content:encoded><![CDATA[<p>All of it.</p>]]></content:encoded>"
        )
    )
    assert found == Entry(
        url=f"{SITE}/tides",
        title="Tides & moons",
        author="Ada Lovelace",
        published=MAY_DAY,
        full_text="<p>All of it.</p>",
    )


def test_a_description_is_no_full_text() -> None:
    assert entry(rss(f"<link>{SITE}/a</link><description>Long</description>")).full_text is None


def test_an_atom_entry_gives_the_same() -> None:
    found = entry(
        atom(
            '<title type="html">Tides &amp;amp; moons</title>'
            f'<link rel="replies" href="{SITE}/tides/comments"/>'
            f'<link rel="alternate" type="application/json" href="{SITE}/tides.js"/>'
            f'<link href="/tides"/><id>tag:harbour.example,2026:17</id>'
            "<published>2026-05-01T10:30:00+02:00</published><updated>2026-05-02T00:00:00Z</updated>"
            "<author><name>Ada Lovelace</name><email>ada@example.org</email></author>"
            '<content type="html">&lt;p&gt;All of it.&lt;/p&gt;</content>'
        )
    )
    assert found == Entry(
        url=f"{SITE}/tides",
        title="Tides & moons",
        author="Ada Lovelace",
        published=MAY_DAY,
        modified=datetime(2026, 5, 2, tzinfo=UTC),
        full_text="<p>All of it.</p>",
    )


def test_xhtml_content_is_taken_with_its_elements() -> None:
    found = entry(
        atom(
            f'<link href="{SITE}/a"/><content type="xhtml">'
            '<div xmlns="http://www.w3.org/1999/xhtml"><p>One <b>two</b>.</p></div></content>'
        )
    )
    assert found.full_text is not None
    assert "<p>One <b>two</b>.</p>" in found.full_text


def test_rdf_is_read() -> None:
    found = entry(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="{SITE}/"><title>Harbour</title></channel>'
        f'<item rdf:about="{SITE}/tides"><title>Tides</title><dc:date>2026-05-01T08:30Z</dc:date>'
        "</item></rdf:RDF>"
    )
    assert (found.url, found.title, found.published) == (f"{SITE}/tides", "Tides", MAY_DAY)


def test_a_json_feed_is_read() -> None:
    feed = json_feed_of(
        json.dumps(
            {
                "version": "https://jsonfeed.org/version/1.1",
                "next_url": "/feed.json?page=2",
                "authors": [{"name": "Ada Lovelace"}],
                "items": [
                    {
                        "id": "1",
                        "url": "/tides",
                        "title": "Tides",
                        "content_html": "<p>All.</p>",
                        "date_published": "2026-05-01T10:30:00+02:00",
                    },
                    {"id": 2, "external_url": f"{SITE}/b", "authors": [{"name": "Grace Hopper"}]},
                    "not an item",
                ],
            }
        ),
        f"{SITE}/feed.json",
    )
    assert feed is not None
    assert feed.next_page == f"{SITE}/feed.json?page=2"
    first, second = feed.entries
    assert first == Entry(f"{SITE}/tides", "Tides", "Ada Lovelace", MAY_DAY, None, "<p>All.</p>")
    assert (second.url, second.author) == (f"{SITE}/b", "Grace Hopper")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 1}', '{"items": []}', "words", "[" * 100_000]
)
def test_other_json_is_no_feed(text: str) -> None:
    assert json_feed_of(text, FEED) is None


@pytest.mark.parametrize(
    ("item", "address"),
    [
        ("<guid>https://harbour.example/by-guid</guid>", f"{SITE}/by-guid"),
        ("<guid isPermaLink='true'>https://harbour.example/g</guid>", f"{SITE}/g"),
        ("<link>../relative</link>", f"{SITE}/relative"),
        ("<link>\n  https://harbour.example/spaced \n</link>", f"{SITE}/spaced"),
        ("<link>https://x.example/1</link><feedburner:origLink>https://harbour.example/o"
         "</feedburner:origLink>", f"{SITE}/o"),
        ("<atom:link href='https://harbour.example/atom'/>", f"{SITE}/atom"),
        ("<link/><guid>https://harbour.example/g</guid>", f"{SITE}/g"),
        ("<link>file:///etc/passwd</link>", None),
        ("<link>javascript:alert(1)</link>", None),
        ("<link>mailto:a@example.org</link>", None),
        ("<link>http://[broken</link>", None),
        ("<title>no link</title>", None),
    ],
)  # fmt: skip
def test_the_address_of_an_entry(item: str, address: str | None) -> None:
    assert entry(rss(item)).url == address


def test_addresses_are_relative_to_the_base_that_the_feed_gives() -> None:
    text = atom('<link href="tides"/>').replace(
        "<entry>", '<entry xml:base="https://other.example/posts/">'
    )
    assert entry(text).url == "https://other.example/posts/tides"


@pytest.mark.parametrize(
    ("item", "author"),
    [
        ("<author>ada@example.org (Ada Lovelace)</author>", "Ada Lovelace"),
        ("<author>Ada Lovelace</author>", "Ada Lovelace"),
        ("<author>ada@example.org</author>", None),
        ("<dc:creator><![CDATA[ Ada  Lovelace ]]></dc:creator>", "Ada Lovelace"),
        ("<dc:creator/>", None),
        ("", None),
    ],
)
def test_the_author_of_an_item(item: str, author: str | None) -> None:
    assert entry(rss(item)).author == author


def test_the_author_of_a_feed_counts_where_an_entry_has_none() -> None:
    feed_author = "<author><name>Ada Lovelace</name></author>"
    own = "<author><name>Grace Hopper</name></author>"
    found = entries(atom("<id>1</id>", f"<id>2</id>{own}", feed=feed_author))
    assert [item.author for item in found] == ["Ada Lovelace", "Grace Hopper"]


def test_the_next_page_of_a_feed_is_found() -> None:
    text = atom(feed='<link rel="next" href="/feed.xml?page=2"/><link href="/"/>')
    root = xml_root(text, FEED)
    assert root is not None
    assert feed_of(root, FEED).next_page == f"{SITE}/feed.xml?page=2"


def test_entities_of_html_are_understood() -> None:
    found = entry(rss("<title>Caf&eacute;&nbsp;&mdash; 5 &lt; 6 &amp; more</title>"))
    assert found.title == "Café — 5 < 6 & more"


def test_a_feed_that_is_cut_off_gives_what_came() -> None:
    whole = rss(*(f"<link>{SITE}/{number}</link>" for number in range(20)))
    found = entries(whole[: len(whole) // 2])
    urls = [item.url for item in found if item.url]
    assert len(urls) > 3
    assert urls[:4] == [f"{SITE}/{number}" for number in range(4)]


def test_unescaped_markup_does_not_end_a_feed() -> None:
    found = entries(
        rss(f"<title>A & B <br> C</title><link>{SITE}/a</link>", f"<link>{SITE}/b</link>")
    )
    assert f"{SITE}/b" in [item.url for item in found]


@pytest.mark.parametrize(
    ("text", "line"),
    [(None, None), (" \n", None), ("a\n b", "a b"), ("<p>a</p> <p>b</p>", "a b"), ("&lt;", "<")],
)
def test_plain_text(text: str | None, line: str | None) -> None:
    assert plain(text) == line


def test_feeds_that_a_page_links_to() -> None:
    page = html.document_fromstring(
        '<head><link rel="alternate" type="application/rss+xml" href="/rss">'
        '<link rel="alternate" hreflang="de" href="/de">'
        '<link rel="stylesheet" type="application/rss+xml" href="/no">'
        '<link rel="ALTERNATE" type="application/atom+xml" href="file:///etc/passwd">'
        '<link rel="alternate home" type="Application/Atom+XML" href="atom"></head><body/>'
    )
    assert list(linked_feeds(page, f"{SITE}/blog/")) == [f"{SITE}/rss", f"{SITE}/blog/atom"]
