"""Pages of a site from its sitemap: real ones, indexes, and hostile ones."""

import gzip

import pytest

from llm_engineering.domain.errors import FetchError
from llm_engineering.infrastructure.crawlers import sitemap
from llm_engineering.infrastructure.crawlers.sitemap import sitemap_pages
from tests.unit.infrastructure.crawlers.scripted_web import ScriptedWeb

SITE = "https://example.org"
MAP = f"{SITE}/sitemap.xml"
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def urlset(*locations: str, namespace: str = f' xmlns="{NAMESPACE}"') -> bytes:
    urls = "".join(f"<url><loc>{location}</loc></url>" for location in locations)
    return f'<?xml version="1.0"?><urlset{namespace}>{urls}</urlset>'.encode()


def index_of(*locations: str) -> bytes:
    maps = "".join(f"<sitemap><loc>{location}</loc></sitemap>" for location in locations)
    return f'<sitemapindex xmlns="{NAMESPACE}">{maps}</sitemapindex>'.encode()


def found(pages: dict[str, bytes | FetchError], *addresses: str) -> list[str | FetchError]:
    return list(sitemap_pages(addresses or [MAP], ScriptedWeb(pages)))


@pytest.mark.parametrize("namespace", [f' xmlns="{NAMESPACE}"', "", ' xmlns="urn:any"'])
def test_pages_are_listed_in_order_with_any_namespace(namespace: str) -> None:
    body = urlset(f"{SITE}/b", f"{SITE}/a", namespace=namespace)
    assert found({MAP: body}) == [f"{SITE}/b", f"{SITE}/a"]


def test_spaces_entities_and_relative_addresses_are_read() -> None:
    body = urlset(f"\n  {SITE}/x?a=1&amp;b=2 \n", "/relative", "")
    pages = [page for page in found({MAP: body}) if isinstance(page, str)]
    assert f"{SITE}/x?a=1&b=2" in pages
    assert f"{SITE}/relative" in pages


def test_what_is_no_page_is_left_out() -> None:
    body = urlset(f"{SITE}/paper.pdf", "mailto:a@example.org", "javascript:x()", f"{SITE}/page")
    assert found({MAP: body}) == [f"{SITE}/page"]


def test_indexes_are_followed_and_each_map_is_read_once() -> None:
    one, two = f"{SITE}/1.xml", f"{SITE}/2.xml"
    pages: dict[str, bytes | FetchError] = {
        MAP: index_of(one, two, one, MAP),
        one: urlset(f"{SITE}/a"),
        two: urlset(f"{SITE}/b"),
    }
    web = ScriptedWeb(pages)
    assert list(sitemap_pages([MAP, MAP], web)) == [f"{SITE}/a", f"{SITE}/b"]
    assert web.asked == [MAP, one, two]


def test_a_map_that_fails_is_told_and_the_others_are_read() -> None:
    broken, whole = f"{SITE}/broken.xml", f"{SITE}/whole.xml"
    outage = FetchError(broken, "HTTP 503", transient=True)
    results = found({broken: outage, whole: urlset(f"{SITE}/a")}, broken, whole)
    assert results == [outage, f"{SITE}/a"]


@pytest.mark.parametrize(
    "body",
    [b"", b"   \n", b"plain words", b"<html><body>404</body></html>", b"\x00\x01\x02"],
)
def test_what_is_no_sitemap_is_one_error_that_names_it(body: bytes) -> None:
    (error,) = found({MAP: body})
    assert isinstance(error, FetchError)
    assert (error.url, error.reason) == (MAP, "not a sitemap")


def test_a_map_that_was_cut_off_gives_what_came() -> None:
    whole = urlset(*(f"{SITE}/{number}" for number in range(9)))
    *pages, _cut_off = found({MAP: whole[: len(whole) // 2]})
    assert pages
    assert pages == [f"{SITE}/{number}" for number in range(len(pages))]


def test_zipped_maps_are_unzipped() -> None:
    body = gzip.compress(urlset(f"{SITE}/a"))
    assert found({f"{MAP}.gz": body}, f"{MAP}.gz") == [f"{SITE}/a"]


def test_a_damaged_zip_is_an_error_of_that_map() -> None:
    body = gzip.compress(urlset(*(f"{SITE}/{number}" for number in range(100))))
    (error,) = found({MAP: body[:10] + b"\xff" * 40})
    assert isinstance(error, FetchError)
    assert error.url == MAP


def test_a_zip_bomb_is_refused_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "_MAX_BYTES", 10_000)
    (error,) = found({MAP: gzip.compress(b" " * 5_000_000)})
    assert isinstance(error, FetchError)
    assert error.reason == "larger than 10,000 bytes"


def test_entities_are_not_expanded() -> None:
    bomb = (
        '<!DOCTYPE urlset [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY file SYSTEM "file:///etc/passwd">]>'
        f"<urlset><url><loc>{SITE}/&b;</loc></url><url><loc>{SITE}/&file;</loc></url></urlset>"
    )
    for page in found({MAP: bomb.encode()}):
        assert "lol" not in str(page)
        assert "root:" not in str(page)


def test_endless_indexes_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "_MAX_SITEMAPS", 5)
    pages: dict[str, bytes | FetchError] = {
        f"{SITE}/{number}.xml": index_of(f"{SITE}/{number + 1}.xml") for number in range(50)
    }
    web = ScriptedWeb(pages)
    assert list(sitemap_pages([f"{SITE}/0.xml"], web)) == []
    assert len(web.asked) == 5


def test_pages_come_before_later_maps_are_fetched() -> None:
    web = ScriptedWeb({f"{SITE}/1.xml": urlset(f"{SITE}/a"), f"{SITE}/2.xml": urlset()})
    pages = sitemap_pages([f"{SITE}/1.xml", f"{SITE}/2.xml"], web)
    assert next(pages) == f"{SITE}/a"
    assert web.asked == [f"{SITE}/1.xml"]
