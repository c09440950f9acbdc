"""Laws of the identities, over whatever text a page, a user or another machine may send."""

from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.domain.ids import (
    canonical_url,
    chunk_id,
    document_id,
    fingerprint,
    revision_of,
    user_id,
)

ANY = st.text(st.characters(), max_size=40)  # halves of surrogate pairs included
WORDS = st.text("abcxyz019", min_size=1, max_size=6)
PATHS = st.lists(WORDS, max_size=4).map(lambda parts: "/" + "/".join(parts))
PAIRS = st.lists(st.tuples(WORDS, st.text(max_size=6)), max_size=4)
TRACKING = ("utm_source", "UTM_Campaign", "fbclid", "gclid", "igshid", "mc_cid", "mc_eid", "trk")


def spelled(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)


@given(ANY | ANY.map(lambda text: f"https://{text}") | ANY.map(lambda text: f"http://e.org/{text}"))
def test_any_text_is_a_page_or_refused_by_our_error(text: str) -> None:
    try:
        url = canonical_url(text)
    except InvalidInput as refused:
        str(refused).encode()  # it can be printed
        return
    assert canonical_url(url) == url
    assert document_id(url) == document_id(text)
    assert urlsplit(url).scheme in ("http", "https", "file")
    assert "#" not in url


@pytest.mark.parametrize("text", ["http://e.org/\udcff", "http://e.org/?q=\ud800", "http://\udc80"])
def test_half_a_surrogate_pair_is_no_url(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a URL"):
        document_id(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://e.org/?q=caf%E9", "http://e.org/?q=caf%E8"),  # Latin-1
        ("http://e.org/?q=%FF", "http://e.org/?q=%FE"),
        ("http://e.org/?%E9=1", "http://e.org/?%E8=1"),
        ("http://e.org/?q=%8E%41", "http://e.org/?q=%8E%42"),  # Shift JIS
    ],
)
def test_queries_in_other_encodings_than_utf_8_stay_apart(one: str, other: str) -> None:
    assert canonical_url(one) == one.replace("%41", "A")
    assert document_id(one) != document_id(other)


@given(st.binary(min_size=1, max_size=4), st.binary(min_size=1, max_size=4))
def test_different_bytes_in_a_query_are_different_pages(one: bytes, other: bytes) -> None:
    first, second = (f"https://e.org/?q={quote(value, safe='')}" for value in (one, other))
    assert (document_id(first) == document_id(second)) == (one == other)


@given(PATHS, PAIRS, st.lists(st.tuples(st.sampled_from(TRACKING), WORDS), max_size=3), st.data())
def test_tracking_parameters_anywhere_change_nothing(
    path: str, pairs: list[tuple[str, str]], tracking: list[tuple[str, str]], data: st.DataObject
) -> None:
    mixed = list(pairs)
    for parameter in tracking:
        mixed.insert(data.draw(st.integers(0, len(mixed))), parameter)
    plain, tracked = (f"https://e.org{path}?{spelled(one)}" for one in (pairs, mixed))
    assert document_id(tracked) == document_id(plain)


@given(PATHS, st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=4, unique=True))
def test_the_order_of_parameters_may_matter_to_a_site(
    path: str, pairs: list[tuple[str, str]]
) -> None:
    one, other = (f"https://e.org{path}?{spelled(list(p))}" for p in (pairs, reversed(pairs)))
    assert document_id(one) != document_id(other)


@given(WORDS, PATHS)
def test_host_and_scheme_have_no_case_paths_do(host: str, path: str) -> None:
    plain = f"https://{host}.org{path}"
    assert canonical_url(f"HTTPS://{host.upper()}.ORG:443{path}#top") == canonical_url(plain)
    if path.upper() != path:
        assert document_id(f"https://{host}.org{path.upper()}") != document_id(plain)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://e.org/", "https://e.org/"),
        ("http://e.org:443/", "http://e.org/"),
        ("https://e.org:80/", "https://e.org/"),
        ("http://e.org:8080/", "http://e.org:8081/"),
        ("http://e.org/a", "http://e.org/a/"),
        ("http://e.org/a", "http://www.e.org/a"),
        ("http://e.org/?a=1", "http://e.org/?A=1"),
        ("http://e.org/?a=", "http://e.org/"),
        ("http://e.org/?a=1&a=2", "http://e.org/?a=1"),
        ("http://e.org/a%2Fb", "http://e.org/a/b"),
        ("file:///a", "http://a/"),
    ],
)
def test_what_may_be_another_page_is_another_document(one: str, other: str) -> None:
    assert document_id(one) != document_id(other)


@pytest.mark.parametrize("user", ["ada", "ada:secret", "ada:secret@more", ":", "%61"])
def test_who_asks_is_no_part_of_a_page(user: str) -> None:
    assert canonical_url(f"https://{user}@e.org/a") == "https://e.org/a"


@given(st.lists(st.text(max_size=8) | st.none(), max_size=4))
def test_a_revision_is_64_digits_of_its_parts_in_order(parts: list[str | None]) -> None:
    revision = revision_of(*parts)
    assert len(revision) == 64
    assert set(revision) <= set("0123456789abcdef")
    if parts != parts[::-1]:
        assert revision_of(*parts[::-1]) != revision
    assert revision_of(*parts, None) != revision


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_chunks_of_a_revision_are_told_apart_by_their_positions(one: int, other: int) -> None:
    page = document_id("https://e.org/")
    same = chunk_id(page, "r", "c", one) == chunk_id(page, "r", "c", other)
    assert same == (one == other)


@given(st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_name_is_one_person_however_it_is_spaced(words: list[str]) -> None:
    assert user_id(" ".join(words)) == user_id(f"\t{'  '.join(words).upper()}\u00a0")


@given(st.lists(st.text(max_size=5) | st.integers() | st.floats(allow_nan=False), max_size=4))
def test_a_configuration_has_one_name_and_another_has_another(parts: list[str | float]) -> None:
    name = fingerprint(*parts)
    assert len(name) == 12
    assert fingerprint(*parts) == name
    assert fingerprint(*parts, "more") != name
    assert fingerprint([str(part) for part in parts]) != name
